package natsbus

import (
	_ "github.com/cohortkv/cohort/bus/conntest"
	_ "github.com/cohortkv/cohort/bus/embedded"
)
