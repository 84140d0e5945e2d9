package front

import (
	"strings"
	"testing"

	"github.com/cohortkv/cohort/api"
)

func TestAStoreThatIsFullTakesWhatMakesItSmaller(t *testing.T) {
	n := startLimited(t, Limits{StoreBytes: 1000})
	large, small := strings.Repeat("x", 600), strings.Repeat("x", 100)
	for _, bucket := range []string{"strong", "causal"} {
		key := "/v1/kv/" + bucket + "/k"
		if got := n.ask(t, "PUT", key, large); got.status != 201 {
			t.Fatal(got.status, got.body)
		}
		for _, other := range []string{"/v1/kv/strong/l", "/v1/kv/causal/l"} {
			p := problemOf(t, n.ask(t, "PUT", other, large))
			if p.Code != api.CodeStorageFull || p.Status != 507 || p.Outcome != api.NotApplied || !strings.Contains(p.Detail, "1000") {
				t.Errorf("%s: %+v", other, p)
			}
		}
		if got := n.ask(t, "PUT", "/data/l", `{"value":"`+large+`"}`); got.status != 507 || !strings.Contains(got.body, `"error":`) {
			t.Errorf("classic: %d %s", got.status, got.body)
		}
		if got := n.ask(t, "PUT", key, small); got.status != 204 {
			t.Errorf("a smaller value: %d %s", got.status, got.body)
		}
		if got := n.ask(t, "PUT", key, large); got.status != 204 {
			t.Errorf("a larger one that fits: %d %s", got.status, got.body)
		}
		if got := n.ask(t, "DELETE", key, ""); got.status != 204 {
			t.Errorf("a deletion: %d %s", got.status, got.body)
		}
	}
}
