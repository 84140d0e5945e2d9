package query

import (
	"github.com/cohortkv/cohort/node/core"
	"github.com/cohortkv/cohort/node/ids"
)

// Own is what this node knows of data, by itself.
type Own struct {
	Data    bool     // it has, or had in this boot, data of either model
	Expects bool     // it was started with --expect-data
	HeardIn ids.View // the highest view in which another node had data while this node had none
}

// Loss returns what data a new view of the list would be without (docs/views.md §2.2); nil: no
// loss is known. A loss is certain only if all members have answered. A node without data knows
// of data in two ways: it heard other nodes say in hellos that they had data, or its operator
// said so at its start.
func (q *Query) Loss(own Own) *core.Loss {
	if !q.Complete() || own.Data {
		return nil
	}
	l := &core.Loss{View: own.HeardIn}
	if own.Expects && q.Listed {
		l.Expected = append(l.Expected, q.held.Self())
	}
	some := false
	for m := range q.Answers {
		some = some || m.Reply.Data
		if m.Reply.Heard.Compare(l.View) > 0 {
			l.View = m.Reply.Heard
		}
		if m.Reply.Expects && !m.Reply.Data {
			l.Expected = append(l.Expected, m.ID)
		}
	}
	if l.View.IsZero() {
		if some || len(l.Expected) == 0 {
			return nil
		}
		return l
	}
	for m := range q.Answers {
		if v := &m.Reply.View; m.Reply.Data && (v.ID == l.View || v.Descends(l.View)) {
			return nil
		}
	}
	return l
}
