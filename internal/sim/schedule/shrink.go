package schedule

// Shrink reduces a failing schedule. It removes clients, faults, commands and operations,
// large pieces first, as long as the rest still fails. It runs at most tries schedules.
func Shrink(s *Schedule, fails func(*Schedule) bool, tries int) *Schedule {
	k := &shrinker{best: s, fails: fails, tries: tries}
	for k.progress = true; k.progress && k.tries > 0; {
		k.progress = false
		k.calm()
		drop(k, len(k.best.Steps), func(s *Schedule, from, to int) {
			s.Steps = cutOut(s.Steps, from, to)
		})
		drop(k, len(k.best.Clients), func(s *Schedule, from, to int) {
			s.Clients = cutOut(s.Clients, from, to)
		})
		drop(k, len(k.best.Sessions), func(s *Schedule, from, to int) {
			s.Sessions = cutOut(s.Sessions, from, to)
		})
		k.shorten()
	}
	return k.best
}

type shrinker struct {
	best     *Schedule
	fails    func(*Schedule) bool
	tries    int
	progress bool
}

// try keeps a change if the schedule still fails with it.
func (k *shrinker) try(change func(*Schedule)) bool {
	if k.tries == 0 {
		return false
	}
	k.tries--
	s := *k.best
	change(&s)
	if !k.fails(&s) {
		return false
	}
	k.best, k.progress = &s, true
	return true
}

// drop removes pieces of a list of n elements: halves, quarters, down to single elements.
func drop(k *shrinker, n int, cut func(s *Schedule, from, to int)) {
	for size := (n + 1) / 2; size > 0 && n > 0; size /= 2 {
		for from := 0; from < n; {
			to := min(from+size, n)
			if k.try(func(s *Schedule) { cut(s, from, to) }) {
				n -= to - from
			} else {
				from = to
			}
		}
	}
}

// cutOut returns a copy of a list without the elements from from to before to.
func cutOut[T any](list []T, from, to int) []T {
	return append(append([]T{}, list[:from]...), list[to:]...)
}

// calm removes the faults of the network one by one.
func (k *shrinker) calm() {
	w := k.best.Network
	if w.Loss > 0 {
		k.try(func(s *Schedule) { s.Network.Loss = 0 })
	}
	if w.Duplicate > 0 {
		k.try(func(s *Schedule) { s.Network.Duplicate = 0 })
	}
	if w.Late > 0 {
		k.try(func(s *Schedule) { s.Network.Late = 0 })
	}
	if w.Reorder {
		k.try(func(s *Schedule) { s.Network.Reorder = false })
	}
}

// shorten removes the later half of each client's operations, as often as possible.
func (k *shrinker) shorten() {
	k.halve(func(s *Schedule) *[]ClientPlan { return &s.Clients })
	k.halve(func(s *Schedule) *[]ClientPlan { return &s.Sessions })
}

func (k *shrinker) halve(of func(*Schedule) *[]ClientPlan) {
	for i := range *of(k.best) {
		for len((*of(k.best))[i].Ops) > 1 && k.try(func(s *Schedule) {
			list := of(s)
			*list = append([]ClientPlan{}, *list...)
			(*list)[i].Ops = (*list)[i].Ops[:len((*list)[i].Ops)/2]
		}) {
		}
	}
}
