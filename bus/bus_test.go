package bus

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/node/wire"
)

func TestSubjectsReadAsThePlanSays(t *testing.T) {
	s, err := NewSubjects("prod-1")
	if err != nil {
		t.Fatal(err)
	}
	answers := s.Answers(7, 35)
	for _, c := range []struct{ got, want string }{
		{s.All(), "cohort.prod-1.>"},
		{s.Node(7, "prepare"), "cohort.prod-1.node.7.prepare"},
		{s.Node(7, "*"), "cohort.prod-1.node.7.*"},
		{s.Shard("s_1", "write"), "cohort.prod-1.shard.s_1.write"},
		{answers.All(), "cohort.prod-1.answer.7.z.*"},
		{answers.To(42), "cohort.prod-1.answer.7.z.42"},
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
		{mine.To(42), 42, true},
		{mine.To(1<<64 - 1), 1<<64 - 1, true},
		{earlier.To(42), 0, false},
		{s.Node(7, "k"), 0, false},
		{mine.To(0), 0, false},
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
	for to, want := range map[wire.ReplyTo]bool{
		wire.ReplyTo(answers.To(3)):              true,
		wire.ReplyTo(s.Node(7, "k")):             false,
		"":                                       false,
		"cohort.other.answer.7.1.3":              false,
		"cohort.c.answer.7.1.>":                  false,
		"cohort.c.answer.7.1.3 4\r\nPUB x 0\r\n": false,
	} {
		if got := s.IsAnswer(to); got != want {
			t.Errorf("%q is an answer: %v", to, got)
		}
	}
}

func TestAServerNameSaysWhoseItIs(t *testing.T) {
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

func TestNodesWithOneSecretHaveOneKey(t *testing.T) {
	public := func(secret string) string {
		key, err := Key(secret)
		if err != nil {
			t.Fatal(err)
		}
		p, err := key.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, again := public("a"), public("a")
	if first != again || first == public("b") {
		t.Error("keys do not follow secrets")
	}
	if public("") != public(DefaultSecret) {
		t.Error("no secret is not the default secret")
	}
}
