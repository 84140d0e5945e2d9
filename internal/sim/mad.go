package sim

// insist carries out a command of a mad operator: whatever the list, whatever is
// still open, and without a thought for what anybody holds.
func (o *operator) insist(plan *Command, then func()) {
	c := o.newCommand(plan, plan.List, 0, then)
	o.w.note("operator: %s", plan)
	o.carryOut(c)
}
