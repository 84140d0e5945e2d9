package mutant

// Built reports whether the deliberate bugs are in this build. A patch makes it true.
const Built = false

var chosen Mutant

// On reports whether the bug was chosen. Only patches ask.
func On(m Mutant) bool { return m == chosen }

// Choose selects the bug for the whole process; None selects none. No core may
// be running.
func Choose(m Mutant) { chosen = m }
