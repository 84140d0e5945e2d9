package bus

import (
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/cohortkv/cohort/node/ids"
)

func TestARepeatIsReportedOnceAMinute(t *testing.T) {
	var r Repeats
	now := time.Unix(1000, 0)
	told, stands := 0, uint64(0)
	for i := range 3 * 60 * 5 { // five times a second
		if count, due := r.Tell(now.Add(time.Duration(i)*200*time.Millisecond), "a"); due {
			told++
			stands += count
		}
	}
	if told != 3 || stands != 601 {
		t.Errorf("in three minutes, %d lines were told, which stand for %d events", told, stands)
	}
	if _, due := r.Tell(now, "b"); !due {
		t.Error("another thing was not told")
	}
}

func TestTheTableOfRepeatsIsBounded(t *testing.T) {
	var r Repeats
	now := time.Unix(1000, 0)
	told := 0
	for i := range 100_000 {
		if _, due := r.Tell(now, fmt.Sprint("stranger ", i)); due {
			told++
		}
	}
	if n := len(r.mu.seen); n > maxRepeats+1 || told > maxRepeats+1 {
		t.Errorf("%d things are remembered, %d lines were told", n, told)
	}
	if _, due := r.Tell(now.Add(2*repeatEvery), "late"); !due {
		t.Error("room is not made again")
	}
}

// Certificates from a secret are valid at any time that a machine's clock may show.
func TestClocksNeedNotAgree(t *testing.T) {
	secrets, err := NewSecrets("s")
	if err != nil {
		t.Fatal(err)
	}
	own, err := secrets.Credentials(NodeName{Cluster: "c", Node: 1})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := own.certificate()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool, err := own.accepted()
	if err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{1971, 2026, 2400} {
		at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("in %d: %v", year, err)
		}
	}
}

func FuzzNodeNamesAreReadAsTheyAreWritten(f *testing.F) {
	f.Add("urn:cohort:prod-1:7")
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseNodeName(s)
		if err != nil {
			return
		}
		if again, err := ParseNodeName(name.String()); err != nil || again != name {
			t.Errorf("%q was read as %+v, written as %s and read as %+v, %v", s, name, name, again, err)
		}
	})
}

func FuzzSubjectsNameTheirSender(f *testing.F) {
	f.Add("cohort.c.answer.7.1.9.3", uint64(9))
	f.Fuzz(func(t *testing.T, subject string, id uint64) {
		s, err := NewSubjects("c")
		if err != nil {
			t.Fatal(err)
		}
		from, ok := s.Sender(subject)
		if asker, answerer, is := s.ParseAnswer(ids.ReplyTo(subject)); is && (!ok || from != answerer) {
			t.Errorf("%q: answer of %d to %d, sender %d, %v", subject, answerer, asker, from, ok)
		}
		if from, ok := s.Sender(s.Node(1, ids.Node(id), "k")); !ok || from != ids.Node(id) {
			t.Errorf("sender %d was read as %d", id, from)
		}
	})
}
