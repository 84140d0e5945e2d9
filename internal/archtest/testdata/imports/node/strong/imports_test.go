package strong_test

import (
	_ "github.com/cohortkv/cohort/node/strong"
	_ "github.com/google/go-cmp/cmp"

	_ "github.com/cohortkv/cohort/node" // want: node/strong must not import node
)
