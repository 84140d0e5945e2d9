package archtest

// imports lists the packages of this repository that each package may import. A package
// without a row fails. "x/..." is x and everything below it. Test files may also import
// their own package, and the packages in the third column.
var imports = []row{
	{"api", "", ""},
	{"hashing", "", ""},
	{"internal/mutant", "", ""},
	{"internal/mutant/patch", "", ""},
	{"internal/markdown", "", ""},
	{"internal/archtest", "internal/markdown", "internal/prose internal/mutant internal/mutant/patch"},
	{"internal/prose", "internal/markdown", ""},
	{"internal/mutate", "", ""},
	{"internal/cmd/prose", "internal/prose", ""},
	{"internal/cmd/arch", "internal/archtest", ""},
	{"internal/cmd/mutants", "internal/mutant/patch", ""},
	{"internal/cmd/mutate", "internal/mutate", ""},
	{"internal/described", "api", ""},

	{"node/ids", "", ""},
	{"node/wire", "node/ids", ""},
	{"node/core", "node/ids node/wire", ""},
	{"node/view/ancestry", "node/ids node/wire", ""},
	{"node/view/held", "node/ids node/wire node/core node/view/ancestry", ""},
	{"node/view/hello", "node/ids node/wire node/core node/view/held", ""},
	{"node/view/query", "node/ids node/wire node/core node/view/ancestry node/view/held", ""},
	{"node/view/put", "node/ids node/wire node/core node/view/ancestry node/view/held node/view/hello node/view/query", ""},
	{"node/view", "node/view/... node/ids node/wire node/core", ""},
	{"node/forward", "node/ids node/wire", ""},
	{"node/kv", "node/ids node/wire node/core", ""},
	{"node/strong/history", "node/ids node/wire node/core node/kv", ""},
	{"node/strong/recovery", "node/ids node/wire node/kv node/strong/history", ""},
	{"node/strong/transfer", "node/ids node/wire node/core node/kv node/strong/history node/strong/recovery node/strong/batch", "node/store"},
	{"node/strong/round", "node/ids node/wire node/core node/strong/history node/strong/recovery", ""},
	{"node/strong/reads", "node/ids node/wire node/core node/strong/history", ""},
	{"node/strong/waits", "node/ids node/wire node/core node/strong/round", ""},
	{"node/strong/primary", "node/ids node/wire node/core node/kv node/strong/history node/strong/batch", ""},
	{"node/strong/promise", "node/ids node/wire node/core node/strong/history", ""},
	{"node/strong/agreement", "node/ids node/wire node/core node/strong/history node/strong/promise node/strong/recovery node/strong/round node/strong/transfer", ""},
	{"node/strong/batch", "node/wire", ""},
	{"node/strong", "node/forward node/ids node/wire node/core node/kv node/strong/...", "internal/script"},
	{"node/causal", "node/causal/... node/forward node/ids node/wire node/core hashing", "internal/draw internal/script node/machine node/store"},
	{"node/causal/step", "node/ids node/wire node/core", ""},
	{"node/causal/membership", "node/causal/catalog node/ids node/wire hashing", ""},
	{"node/causal/version", "node/ids node/wire hashing", "internal/draw"},
	{"node/causal/catalog", "node/causal/footprint node/causal/version node/ids node/wire hashing", ""},
	{"node/causal/slots", "node/causal/footprint node/causal/version node/ids node/wire hashing", "internal/draw"},
	{"node/causal/results", "node/causal/step node/forward node/ids node/wire node/core hashing", ""},
	{"node/causal/items", "node/causal/footprint node/causal/gc node/causal/slots node/causal/step node/causal/version node/wire node/core hashing", "node/ids internal/draw"},
	{"node/causal/satisfied", "node/causal/catalog node/causal/loss node/causal/membership node/causal/slots node/causal/version node/ids node/wire hashing", "node/causal/step node/core"},
	{"node/causal/handoff", "node/causal/antientropy node/causal/items node/causal/membership node/causal/peers node/causal/slots node/causal/step node/ids node/wire node/core hashing", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/antientropy", "node/causal/peers node/causal/slots node/causal/version node/ids node/wire hashing", ""},
	{"node/causal/plausible", "node/causal/catalog node/causal/handoff node/causal/loss node/causal/step node/ids node/wire node/core hashing", ""},
	{"node/causal/viewinfo", "node/causal/catalog node/causal/loss node/causal/membership node/causal/peers node/causal/step node/ids node/wire", "node/causal/slots node/core"},
	{"node/causal/loss", "node/causal/catalog node/causal/slots node/causal/step node/causal/version node/ids node/wire node/core", "hashing"},
	{"node/causal/broadcast", "node/causal/footprint node/causal/items node/causal/membership node/causal/peers node/causal/plausible node/causal/slots node/causal/step node/ids node/wire node/core hashing", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/gc", "node/causal/version node/ids node/wire hashing", ""},
	{"node/causal/peers", "node/causal/membership node/causal/step node/ids node/wire", "node/causal/catalog node/core"},
	{"node/causal/requests", "node/causal/broadcast node/causal/catalog node/causal/footprint node/causal/items node/causal/membership node/causal/peers node/causal/plausible node/causal/results node/causal/satisfied node/causal/slots node/causal/step node/causal/version node/causal/waiting node/forward node/ids node/wire node/core hashing", "internal/bare node/ids node/core node/causal/..."},
	{"node/causal/waiting", "node/ids node/wire", ""},
	{"node/causal/surveys", "node/causal/catalog node/causal/gc node/causal/items node/causal/membership node/causal/peers node/causal/satisfied node/causal/slots node/causal/step node/ids node/wire node/core", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/ready", "node/causal/gc node/causal/items node/causal/loss node/causal/membership node/causal/peers node/causal/slots node/causal/step node/wire node/core hashing", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/exchanges", "node/causal/antientropy node/causal/gc node/causal/handoff node/causal/items node/causal/loss node/causal/membership node/causal/peers node/causal/plausible node/causal/ready node/causal/slots node/causal/step node/causal/version node/ids node/wire node/core hashing", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/forgetting", "node/causal/catalog node/causal/loss node/causal/membership node/causal/peers node/causal/step node/ids node/wire node/core", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/syncing", "node/causal/exchanges node/causal/forgetting node/causal/handoff node/causal/loss node/causal/membership node/causal/peers node/causal/ready node/causal/slots node/causal/step node/ids node/wire node/core", "internal/bare hashing node/ids node/core node/causal/..."},
	{"node/causal/footprint", "node/wire", "node/ids"},
	{"node/machine", "node/ids node/wire node/core node/view node/strong node/causal", "node/kv"},
	{"node/checkpoint", "node/ids node/wire node/core node/kv node/forward node/strong/history node/causal/catalog node/causal/slots hashing", ""},
	{"node/store", "node/ids node/wire node/core node/kv hashing", ""},
	{"node/store/disk", "node/store node/wal node/checkpoint node/ids node/wire node/core node/kv hashing", ""},
	{"node/wal", "", ""},
	{"node/access", "", ""},
	{"node/front/conns", "node/access", ""},
	{"node/front/answer", "api node/ids node/core node/front/conns", ""},
	{"node/front/waiters", "api node/ids node/wire node/core node/front/conns node/front/answer", ""},
	{"node/front/session", "node/wire", "node/ids"},
	{"node/front/condition", "api node/wire", ""},
	{"node/front/screen", "api node/front/conns node/front/condition", ""},
	{"node/front/body", "node/front/conns", ""},
	{"node/front/dump", "api node/front/answer", "node/core node/front/conns"},
	{"node/front/route", "node/front/screen", ""},
	{"node/front/keys", "api node/ids node/wire node/core node/front/answer node/front/condition node/front/conns node/front/dump node/front/screen node/front/session node/front/waiters", ""},
	{"node/front/cluster", "api hashing node/ids node/wire node/core node/front/answer node/front/screen node/front/waiters", "node/front/conns"},
	{"node/front", "api node/front/... node/ids node/wire node/core node/access hashing", "client internal/described"},
	{"node", "api node/machine node/store node/store/disk node/front node/access node/ids node/wire node/core bus", "client bus/..."},

	{"bus", "node/ids", ""},
	{"bus/...", "bus node/ids", "bus/..."},

	{"client", "api", ""},
	{"benchmark/...", "api client benchmark/...", ""},
	{"cmd/cohort", "api client node node/store/disk node/ids node/wire node/core hashing bus/... benchmark/...", ""},

	{"internal/bare", "node/causal/... node/ids node/wire node/core hashing", ""},
	{"internal/draw", "node/ids node/wire", ""},
	{"internal/garble", "node/ids node/wire node/core", ""},
	{"internal/sim/truth", "node/ids node/wire node/core hashing", ""},
	{"internal/sim/schedule", "node/machine node/ids node/wire hashing", ""},
	{"internal/sim/trace", "node/ids node/wire node/core internal/sim/schedule internal/sim/truth", ""},
	{"internal/sim/tally", "node/wire node/core internal/sim/schedule internal/sim/trace", ""},
	{"internal/sim/world", "node/machine node/checkpoint node/store node/ids node/wire node/core internal/garble internal/sim/schedule internal/sim/trace internal/sim/tally", ""},
	{"internal/sim/witness", "node/kv node/ids node/wire node/core internal/sim/schedule internal/sim/trace internal/sim/world", ""},
	{"internal/sim/operator", "node/ids node/wire node/core internal/sim/schedule internal/sim/world internal/sim/witness", ""},
	{"internal/sim/faults", "node/wire internal/sim/schedule internal/sim/world internal/sim/operator", ""},
	{"internal/sim/promptness", "node/ids node/wire internal/sim/schedule internal/sim/world internal/sim/truth", ""},
	{"internal/sim/clients", "internal/sim/promptness node/machine node/causal node/kv hashing node/ids node/wire node/core benchmark/history benchmark/check/... internal/sim/schedule internal/sim/trace internal/sim/world internal/sim/witness internal/sim/truth", ""},
	{"internal/sim/quiescence", "node/wire internal/sim/schedule internal/sim/trace internal/sim/truth internal/sim/world internal/sim/witness internal/sim/operator internal/sim/faults internal/sim/clients", ""},
	{"internal/sim", "node/ids node/wire node/core hashing internal/sim/schedule internal/sim/trace internal/sim/tally internal/sim/world internal/sim/witness internal/sim/operator internal/sim/faults internal/sim/clients internal/sim/promptness internal/sim/quiescence", "internal/mutant"},
	{"internal/script", "node/machine node/causal node/store node/ids node/wire node/core hashing", ""},
	{"test/scenarios", "test/harness", ""},
	{"test/...", "api client benchmark/... test/harness test/scenarios internal/described", ""},
}

// libraries lists the packages that may import a library, in tests too. A library without a
// row fails.
var libraries = []library{
	{"github.com/nats-io/nats.go", "bus/natsbus"},
	{"github.com/nats-io/nats-server/v2", "bus/embedded bus/outside"},
	{"golang.org/x/crypto", "bus"}, // argon2id
	{"github.com/valyala/fasthttp", "node node/front/... client benchmark/..."},
	{"github.com/tidwall/btree", "node/store"},
	{"github.com/cespare/xxhash/v2", "hashing node/kv"},
	{"gonum.org/v1/plot", "hashing"}, // a test draws a picture
	{"github.com/prometheus/client_golang", "node node/front"},
	{"github.com/alecthomas/kong", "cmd/cohort"},
	{"github.com/gofrs/flock", "cmd/cohort"},
	{"github.com/HdrHistogram/hdrhistogram-go", "benchmark/..."},
	{"github.com/anishathalye/porcupine", "benchmark/check/linear"},
	{"github.com/google/go-cmp", "internal/script"},
	{"github.com/getkin/kin-openapi", "internal/described"}, // for tests only
	{"github.com/cockroachdb/pebble/v2/vfs", "node/wal node/store/disk"},
	{"github.com/cockroachdb/pebble/v2", "node/store/disk"},
	{"golang.org/x/sys", "node/... bus/... benchmark/... test/..."},
	{"golang.org/x/tools", "internal/archtest"},
	{"pgregory.net/rapid", "internal/draw"},
}

// testLibraries may be named by every test file.
var testLibraries = []string{"pgregory.net/rapid", "github.com/google/go-cmp"}

// pure lists the packages without goroutine, clock, lock, network or chance. The simulator
// replays them, and any caller may use them.
var pure = []string{
	"api", "hashing",
	"node/ids", "node/wire", "node/core", "node/view/...", "node/forward", "node/kv", "node/strong/...", "node/causal/...", "node/checkpoint", "node/machine",
	"benchmark/check/...", "internal/sim/truth",
}

// forbiddenFolders are names that say nothing about the content of a folder.
var forbiddenFolders = []string{"pkg", "common", "util", "utils", "types", "helpers"}

type row struct {
	pkg     string
	imports string // separated by spaces
	tests   string // what only its test files may import beside these
}

type library struct {
	path string
	by   string // separated by spaces
}
