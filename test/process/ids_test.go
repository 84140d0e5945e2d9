package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

func flat(members ...logged) api.ViewRequest {
	shard := api.Shard{}
	for _, m := range members {
		shard.Members = append(shard.Members, m.member)
	}
	return api.ViewRequest{View: api.View{Flat: true, Shards: []api.Shard{shard}}}
}

func TestAMemberWithAnotherSecretIsNamedInTheAnswer(t *testing.T) {
	dir := t.TempDir()
	node := func(id int, secret string) logged {
		file := filepath.Join(dir, secret)
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return startAlone(t, id, filepath.Join(dir, "log"+string(rune('0'+id))), "--secret-file", file)
	}
	first, second, other := node(0, "a-secret-of-ours"), node(1, "a-secret-of-ours"), node(2, "a-secret-of-others")
	answer, err := first.client.PutView(t.Context(), flat(first, second, other))
	if err != nil {
		t.Fatal(err)
	}
	if m := memberOf(answer, 2); answer.Ready || m.State != api.MemberUnreached || !strings.Contains(m.Reason, "secret") {
		t.Errorf("ready %t, node 2: %+v", answer.Ready, m)
	}
	if m := memberOf(answer, 1); m.State == api.MemberUnreached {
		t.Errorf("node 1, of the same secret: %+v", m)
	}
}

// TestAnOldProcessWhoseIDWasGivenAwayLeavesTheView gives the id of a running backup to another
// process, at another address.
func TestAnOldProcessWhoseIDWasGivenAwayLeavesTheView(t *testing.T) {
	dir := t.TempDir()
	node := func(id int, log string) logged { return startAlone(t, id, filepath.Join(dir, log)) }
	first, second, old := node(0, "0"), node(1, "1"), node(2, "2-old")
	put := func(at logged, request api.ViewRequest) {
		t.Helper()
		if answer, err := at.client.PutView(t.Context(), request); err != nil || !answer.Ready {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	put(first, flat(first, second, old))
	young := node(2, "2-young")
	put(first, flat(first, second, young))
	if _, err := first.client.PutData(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	if a, err := young.client.GetData(t.Context(), "k"); err != nil || string(a.Value) != "v" {
		t.Errorf("the new process answers %+v, %v", a, err)
	}
	// The old process finds out by itself that it is left behind, and then refuses
	// requests.
	for {
		_, err := old.client.GetData(t.Context(), "k")
		if err != nil {
			wantStatus(t, err, 503)
			break
		}
	}
	for _, log := range []string{"0", "1", "2-old"} {
		said, err := os.ReadFile(filepath.Join(dir, log))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(said), "\n"); lines > 60 {
			t.Errorf("node %s has %d lines in its log:\n%s", log, lines, said[:2000])
		}
	}
}
