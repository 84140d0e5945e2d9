package natsbus

import (
	_ "github.com/cohortkv/cohort/bus"
	_ "github.com/nats-io/nats.go"

	_ "github.com/cohortkv/cohort/bus/embedded"  // want: bus/natsbus must not import bus/embedded
	_ "github.com/nats-io/nats-server/v2/server" // want: bus/natsbus must not name github.com/nats-io/nats-server/v2/server
)
