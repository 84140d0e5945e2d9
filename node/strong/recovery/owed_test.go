package recovery

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cohortkv/cohort/node/ids"
	"github.com/cohortkv/cohort/node/wire"
)

func TestAnOwedBallotIsGivenUpOnlyWhenNoMemberCanBringIt(t *testing.T) {
	owed := wire.KnownBallot{Ballot: bal(1, 1), Members: []wire.Member{{ID: 0}, {ID: 1}, {ID: 2}, {ID: 3}}}
	joins := []Join{join(1, blank)} // without the ballot: node 1 has lost it
	says := func(fates ...wire.Fate) (all []Report) {
		for i, f := range fates {
			if f != 0 {
				all = append(all, Report{Node: ids.Node(2 + i), Ballot: owed.Ballot, Fate: f})
			}
		}
		return all
	}
	const lost, elsewhere = wire.FateLost, wire.FateElsewhere
	for _, c := range []struct {
		rule, name string
		reports    []Report
		patient    bool
		want       Verdict
	}{
		{"f2", "no member has answered", nil, true, AskOn},
		{"f2", "no member has answered for long", nil, false, AskOn},
		{"f3", "one of them has lost it", says(lost), true, AskOn},
		{"f3", "one of them has lost it, and the other is silent for long", says(lost), false, AskOn},
		{"f3", "all of them have lost it", says(lost, lost), true, GiveUpLost},
		{"f3", "a report on another ballot says nothing", append(says(lost), Report{Node: 3, Ballot: bal(1, 2), Fate: lost}), true, AskOn},
		{"f4", "it lives on elsewhere, and another member may bring it", says(elsewhere), true, AskOn},
		{"f4", "it lives on elsewhere, and no other member has brought it", says(elsewhere), false, GiveUpElsewhere},
		{"f4", "it lives on elsewhere, and all have answered", says(elsewhere, lost), true, GiveUpElsewhere},
		{"f4", "it lives on elsewhere, says the second one", says(lost, elsewhere), true, GiveUpElsewhere},
	} {
		absent := Absent(&owed, 0, joins)
		if diff := cmp.Diff([]wire.Member{{ID: 2}, {ID: 3}}, absent); diff != "" {
			t.Fatal(diff)
		}
		if got := Judge(owed.Ballot, absent, c.reports, c.patient); got != c.want {
			t.Errorf("%s: %s: verdict %d, want %d", c.rule, c.name, got, c.want)
		}
	}
	if got := Judge(owed.Ballot, nil, nil, true); got != GiveUpLost {
		t.Errorf("f3: all members have joined without it: verdict %d", got)
	}
}
