package docnames

// The comments of tests are free.
func check() {}
