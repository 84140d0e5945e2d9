package strong

import (
	_ "github.com/cohortkv/cohort/node/kv"
	_ "github.com/cohortkv/cohort/node/wire"

	_ "example.com/unheard/of"                   // want: library example.com/unheard/of is not in the library table
	_ "github.com/cohortkv/cohort/bus"           // want: node/strong must not import bus
	_ "github.com/google/go-cmp/cmp"             // want: node/strong must not name github.com/google/go-cmp/cmp
	_ "github.com/nats-io/nats-server/v2/server" // want: node/strong must not name github.com/nats-io/nats-server/v2/server
	_ "github.com/nats-io/nats.go"               // want: node/strong must not name github.com/nats-io/nats.go
)
