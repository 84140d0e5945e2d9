package waiting

import (
	"slices"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
)

func TestRequestsForOneKeyShareAQuestion(t *testing.T) {
	var table Questions[string]
	if table.Join("k", "first") {
		t.Error("a question that nobody has asked is shared")
	}
	q := table.Ask(7, "k", "first", []ids.Node{1, 2}, 100)
	if !table.Join("k", "second") || table.Join("other", "third") {
		t.Error("a question is not shared by the requests for its key alone")
	}
	if !slices.Equal(q.Requests, []string{"first", "second"}) || q.Until != 100+Patience {
		t.Errorf("%+v", q)
	}
	if table.Close(q); len(table.Open()) != 0 || table.Join("k", "later") {
		t.Error("a question goes on after its end")
	}
}

func TestEachNodeThatWasAskedAnswersOnce(t *testing.T) {
	var table Questions[string]
	q := table.Ask(7, "k", "first", []ids.Node{1, 2}, 0)
	table.Ask(8, "other", "second", []ids.Node{3}, 0)
	for _, c := range []struct {
		name    string
		session uint64
		key     string
		from    ids.Node
		want    bool
	}{
		{"the first answer", 7, "k", 1, true},
		{"again", 7, "k", 1, false},
		{"a node that was not asked", 7, "k", 3, false},
		{"to an earlier question", 6, "k", 2, false},
		{"about another key", 7, "other", 2, false},
		{"the last answer", 7, "k", 2, true},
	} {
		found := table.Find(c.session, c.key, c.from)
		if (found == q) != c.want {
			t.Errorf("%s: it answers %+v", c.name, found)
		}
		if found != nil && found.Answered(c.from) != (c.from == 2) {
			t.Errorf("%s: complete %t", c.name, found.Complete())
		}
	}
	if !table.Ask(9, "nobody", "third", nil, 0).Complete() {
		t.Error("a question to nobody is waited for")
	}
}
