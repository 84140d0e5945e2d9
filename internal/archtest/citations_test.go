package archtest

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsCitedExists(t *testing.T) {
	found, err := CheckCitations(root)
	if err != nil {
		t.Fatal(err)
	}
	report(t, found)
}

func TestWrongCitationsAreFound(t *testing.T) {
	const planted = "testdata/citations"
	found, err := CheckCitations(planted)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, wanted(t, planted), found)
}

func TestSectionsAndAnchorsAreThoseOfHeadings(t *testing.T) {
	const document = "" +
		"# A title\n" +
		"## 1. Steady state, `x` and [y](z.md)\n" +
		"1. a rule\n" +
		"   a. a part\n" +
		"2. another\n" +
		"```sh\n" +
		"# 7. code\n" +
		"3. code\n" +
		"```\n" +
		"### 1.4 More\n" +
		"## Twice\n" +
		"### Twice\n" +
		"## §5 Last\n" +
		"b. a part\n"
	sections, anchors := headings(document)
	want := []string{"1", "1.1", "1.1a", "1.2", "1.4", "5", "5b"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(sections))); diff != "" {
		t.Error(diff)
	}
	want = []string{"1-steady-state-x-and-y", "14-more", "5-last", "a-title", "twice", "twice-1"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(anchors))); diff != "" {
		t.Error(diff)
	}
}
