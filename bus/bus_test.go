package bus

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/ids"
)

func TestSubjectsReadAsThePlanSays(t *testing.T) {
	s, err := NewSubjects("prod-1")
	if err != nil {
		t.Fatal(err)
	}
	answers := s.Answers(7, 35)
	for _, c := range []struct{ got, want string }{
		{s.Node(7, 3, "prepare"), "cohort.prod-1.node.7.3.prepare"},
		{s.ToNode(7), "cohort.prod-1.node.7.*.*"},
		{s.Shard("s_1", 3, "write"), "cohort.prod-1.shard.s_1.3.write"},
		{s.ToShard("s_1"), "cohort.prod-1.shard.s_1.*.*"},
		{answers.All(), "cohort.prod-1.answer.7.z.*.*"},
		{answers.Of(3), "cohort.prod-1.answer.7.z.3.*"},
		{answers.To(42, 3), "cohort.prod-1.answer.7.z.3.42"},
	} {
		if c.got != c.want {
			t.Errorf("subject %s, want %s", c.got, c.want)
		}
	}
}

func TestClusterNamesAreOneToken(t *testing.T) {
	for _, bad := range []string{"", "a.b", "a b", "*", ">", "ü", "a\n"} {
		if _, err := NewSubjects(bad); err == nil || !strings.Contains(err.Error(), "cluster name") {
			t.Errorf("cluster %q: error %v", bad, err)
		}
	}
}

func TestAnAnswerNamesItsRequest(t *testing.T) {
	s, err := NewSubjects("c")
	if err != nil {
		t.Fatal(err)
	}
	mine, earlier := s.Answers(7, 1), s.Answers(7, 2)
	for _, c := range []struct {
		subject string
		request uint64
		ok      bool
	}{
		{mine.To(42, 3), 42, true},
		{mine.To(1<<64-1, 3), 1<<64 - 1, true},
		{earlier.To(42, 3), 0, false},
		{s.Node(7, 3, "k"), 0, false},
		{mine.To(0, 3), 0, false},
		{strings.TrimSuffix(mine.All(), "*") + "x", 0, false},
	} {
		request, ok := mine.Request(c.subject)
		if ok != c.ok || ok && request != c.request {
			t.Errorf("%s: request %d, %v", c.subject, request, ok)
		}
	}
}

func TestOnlyAnswersOfTheClusterAreAnswered(t *testing.T) {
	s, err := NewSubjects("c")
	if err != nil {
		t.Fatal(err)
	}
	answers := s.Answers(7, 1)
	for to, want := range map[ids.ReplyTo]bool{
		ids.ReplyTo(answers.To(3, 9)):              true,
		ids.ReplyTo(s.Node(7, 9, "k")):             false,
		"":                                         false,
		"cohort.other.answer.7.1.9.3":              false,
		"cohort.c.answer.7.1.9":                    false,
		"cohort.c.answer.7.1.9.>":                  false,
		"cohort.c.answer.7.1.9.3.4":                false,
		"cohort.c.answer.7.1.9.3 4\r\nPUB x 0\r\n": false,
	} {
		asker, answerer, ok := s.ParseAnswer(to)
		if ok != want || ok && (asker != 7 || answerer != 9) {
			t.Errorf("%q is an answer: %v, of %d to %d", to, ok, answerer, asker)
		}
	}
}

func TestASubjectNamesItsSender(t *testing.T) {
	s, err := NewSubjects("c")
	if err != nil {
		t.Fatal(err)
	}
	answers := s.Answers(7, 1)
	for _, subject := range []string{s.Node(7, 9, "k"), s.Shard("t", 9, "k"), answers.To(1, 9), answers.Of(9)} {
		if from, ok := s.Sender(subject); !ok || from != 9 {
			t.Errorf("%s is from %d, %v", subject, from, ok)
		}
	}
	for _, subject := range []string{"", "cohort.c.", "cohort.d.node.7.9.k", s.ToNode(7), answers.All(), "cohort.c.9"} {
		if from, ok := s.Sender(subject); ok {
			t.Errorf("%s is from %d", subject, from)
		}
	}
}

func TestAServerNameNamesItsNode(t *testing.T) {
	want := ServerName{Cluster: "prod-1", Node: 1<<64 - 1, Incarnation: 1<<64 - 1}
	got, err := ParseServerName(want.String())
	if err != nil || got != want {
		t.Errorf("%s was read as %+v, %v", want, got, err)
	}
	for _, bad := range []string{"", "nats-1", "cohort.c.1", "cohort.c.x.1", "cohort.c.1.z", "other.c.1.1", "cohort.c.1.1.1"} {
		if name, err := ParseServerName(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, name)
		}
	}
}

func FuzzServerNamesAreReadAsTheyAreWritten(f *testing.F) {
	f.Add("cohort.prod-1.7.ab")
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseServerName(s)
		if err != nil {
			return
		}
		if again, err := ParseServerName(name.String()); err != nil || again != name {
			t.Errorf("%q was read as %+v, written as %s and read as %+v, %v", s, name, name, again, err)
		}
	})
}
