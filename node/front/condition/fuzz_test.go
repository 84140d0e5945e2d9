package condition

import (
	"bytes"
	"testing"
)

// FuzzConditions looks for a list of entity tags that is read as a different list.
func FuzzConditions(f *testing.F) {
	f.Add([]byte(`"a", W/"b"`), []byte(`*`))
	f.Add([]byte(`"1-00000abc" ,, "a,b"`), []byte("\t"))
	f.Add([]byte(``), []byte(`W/"`))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var list []byte
		star, err := eachTag([][]byte{one, two}, func(tag []byte, weak bool) {
			if tagSize(tag) != len(tag) {
				t.Fatalf("%q is no entity tag", tag)
			}
			if list = append(list, ','); weak {
				list = append(list, "W/"...)
			}
			list = append(list, tag...)
		})
		if err != nil || star {
			return
		}
		var again []byte
		if _, err := eachTag([][]byte{list}, func(tag []byte, weak bool) {
			if again = append(again, ','); weak {
				again = append(again, "W/"...)
			}
			again = append(again, tag...)
		}); err != nil || !bytes.Equal(list, again) {
			t.Fatalf("%q and %q are %q, which reads back as %q, %v", one, two, list, again, err)
		}
	})
}
