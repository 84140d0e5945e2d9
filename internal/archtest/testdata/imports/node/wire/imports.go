package wire

import (
	_ "fmt"

	_ "github.com/cohortkv/cohort/node/kv" // want: node/wire must not import node/kv
)
