//go:build !mutants

package mutant

// Built reports whether the deliberate bugs are in this build.
const Built = false

// On is false: the cores keep their rules.
func On(Mutant) bool { return false }
