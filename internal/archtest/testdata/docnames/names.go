package docnames

// kept says what it is.
type kept struct{}

// former was renamed, and the comment was not.
type renamed struct{} // want: the comment of renamed begins with "former"

// Do: a name may have punctuation behind it.
func (kept) Do() {}

// do is what this was called.
func (renamed) Done() {} // want: the comment of Done begins with "do"

func uncommented() {}
