package sim

// executeUnchecked executes a command of an adversarial operator. It checks neither the
// list nor open commands nor which nodes hold data.
func (o *operator) executeUnchecked(plan *Command, then func()) {
	c := o.newCommand(plan, plan.List, 0, then)
	o.w.note("operator: %s", plan)
	o.carryOut(c)
}
