package causal

// Tick does what is due by the time of the step, and sets Next anew. Each part sets the
// alarm for what it has left to do, so a part without an alarm is called too late.
func (r *Replica) Tick() {
	if r.step.Due() {
		r.tick()
	}
	r.step.Commit() // what nothing depends on in this step: readiness, GC counters
}

func (r *Replica) tick() {
	r.broadcast.Tick()
	r.exchanges.Tick()
	r.handoffs.Tick()
	r.requests.Tick()
	r.surveys.Tick()
	r.orders.Tick()
	r.sync.Gossip()
	r.info.AskMissing()
	r.surveys.Collect()
	r.sync.Tick()
	r.surveys.MakeCut()
}
