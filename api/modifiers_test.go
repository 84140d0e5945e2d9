package api

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of docs/requests.md")

const requestsDocument = "../docs/requests.md"

func TestTheTableOfTheDocumentIsTheOneOfTheCode(t *testing.T) {
	text, err := os.ReadFile(requestsDocument)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "<!-- table -->\n")
	old, tail, found := strings.Cut(rest, "<!-- end -->\n")
	if !found {
		t.Fatalf("%s has no table", requestsDocument)
	}
	table := modifierTable()
	if *update {
		if err := os.WriteFile(requestsDocument, []byte(head+"<!-- table -->\n"+table+"<!-- end -->\n"+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("%s has another table; go test ./api -run Table -update writes it", requestsDocument)
	}
}

func modifierTable() string {
	var b strings.Builder
	b.WriteString("| header | " + strings.Join(KindNames[:], " | ") + " | once | what it gets, and why |\n|---" + strings.Repeat("|---", len(KindNames)+2) + "|\n")
	for _, m := range Modifiers {
		name, once := m.Name, ""
		if strings.HasSuffix(name, "-") {
			name += "…"
		}
		if m.Once {
			once = "once"
		}
		b.WriteString("| `" + name + "` ")
		for k := range KindNames {
			b.WriteString("| " + string(m.Treatment(1<<k)) + " ")
		}
		b.WriteString("| " + once + " | " + m.Why + " |\n")
	}
	return b.String()
}

func TestEveryHeaderHasOneRowAndEveryRefusalACode(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range Modifiers {
		if seen[strings.ToLower(m.Name)] {
			t.Errorf("%s has two rows", m.Name)
		}
		seen[strings.ToLower(m.Name)] = true
		if m.Honoured&m.Ignored != 0 || m.Why == "" {
			t.Errorf("%s is honoured and ignored, or does not say why", m.Name)
		}
		if _, known := statuses[m.Code]; m.Honoured|m.Ignored != all && !known || m.Once && m.Code == "" {
			t.Errorf("%s is refused without a code", m.Name)
		}
	}
	if len(Modifiers) > 64 {
		t.Errorf("%d headers do not fit into a set of 64", len(Modifiers))
	}
}
