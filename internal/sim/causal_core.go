package sim

import (
	"slices"

	"github.com/cohortkv/cohort/node/causal"
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/machine"
	"github.com/cohortkv/cohort/node/wire"
)

// core is what a machine is told of the limits.
func (c *CausalLimits) core() machine.CausalLimits { return c.CausalLimits }

// listContext is what a listing adds to its client's context.
func listContext(c *CausalLimits, read *core.Read, items []*wire.Item) wire.Context {
	return causal.ListContext(c.core(), read, slices.Values(items))
}
