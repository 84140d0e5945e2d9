package operator

import "github.com/cohortkv/cohort/internal/sim/schedule"

// ExecuteUnchecked executes a command of an adversarial operator. It does not check the
// list, open commands, or which nodes hold data.
func (o *Operator) ExecuteUnchecked(plan *schedule.Command, then func()) {
	c := o.newCommand(plan, plan.List, 0, then)
	o.w.Note("operator: %s", plan)
	o.carryOut(c)
}
