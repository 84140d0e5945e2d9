//go:build mutants

package mutant

var chosen Mutant

// On reports whether the bug was chosen.
func On(m Mutant) bool { return m == chosen }

// Choose selects the bug for the whole process; None selects none. No core may
// be running.
func Choose(m Mutant) { chosen = m }
