package benchmark
import ("testing";"os";"time";"github.com/cohortkv/cohort/benchmark/history";"github.com/cohortkv/cohort/benchmark/check/linear")
func TestZ(t *testing.T){
	f,_ := os.Open("/tmp/kill.hist"); ops, err := history.Load(f); if err!=nil {t.Skip(err)}
	first := uint64(1)
	t0:=time.Now(); v := linear.Witness(ops, first); t.Log("witness", time.Since(t0), len(v))
	for _, k := range linear.ByKey(ops) {
		unk:=0; for _,o:=range k { if o.Outcome==history.Unknown {unk++} }
		t0:=time.Now(); r:=linear.Key(k); t.Log(k[0].Key, r.Operations, "unknown", unk, r.Slices, len(r.Violations), time.Since(t0))
		if len(r.Violations)>0 { t.Log(r.Violations[0].Text) }
	}
}
