package sim

import "github.com/cohortkv/cohort/node/wire"

// listContext is what a listing adds to its client's context.
func listContext(_ *CausalLimits, c wire.Context, _ []wire.Item) wire.Context { return c }
