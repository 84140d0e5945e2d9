package api

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of headers of docs/api.md")

func TestTheTableOfTheDocumentIsTheOneOfTheCode(t *testing.T) {
	head, rest, _ := strings.Cut(readDocument(t), "<!-- table -->\n")
	old, tail, found := strings.Cut(rest, "<!-- end -->\n")
	if !found {
		t.Fatalf("%s has no table", document)
	}
	table := modifierTable()
	if *update {
		if err := os.WriteFile(document, []byte(head+"<!-- table -->\n"+table+"<!-- end -->\n"+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("%s has another table; go test ./api -run Table -update writes it", document)
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
