package schedule

import "github.com/cohortkv/cohort/node/ids"

// The first tokens of requests, by their sender. Tokens of clients of strong buckets begin
// at 1.
const (
	PutTokens    ids.Token = 1 << 32
	CausalTokens ids.Token = 1 << 40
	ForgedTokens ids.Token = 1 << 41
	ForgetTokens ids.Token = 1 << 42
)
