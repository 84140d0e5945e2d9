package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The checksum would turn away nearly all that a fuzzer makes: it is given the
// rest, and the checksum is put behind. Its corpus is testdata/fuzz and one
// message of each kind.
func FuzzDecode(f *testing.F) {
	for _, k := range Kinds() {
		f.Add(unseal(full(k)))
		f.Add(unseal(AppendMessage(nil, Header{}, zeroMessage(k))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = DecodeMessage(data) // must not panic without one either
		h, m, err := DecodeMessage(seal(data))
		if err != nil {
			if m != nil || h != (Header{}) {
				t.Fatalf("an error, and yet %+v %+v", h, m)
			}
			return
		}
		again, m2, err := DecodeMessage(AppendMessage(nil, h, m))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if diff := cmp.Diff(h, again) + cmp.Diff(m, m2); diff != "" {
			t.Fatalf("decoded, encoded and decoded again (-first +second):\n%s", diff)
		}
	})
}
