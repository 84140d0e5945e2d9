package screen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// checkQuery refuses a parameter that the path does not take, such as a misspelt one,
// or a parameter that occurs twice.
func checkQuery(text []byte, query *fasthttp.Args, parameters []string) Refusal {
	if err := readQuery(text, query, parameters); err != nil {
		return Refusal{api.CodeBadQuery, err.Error()}
	}
	if query.Has(api.QueryTTL) {
		return Refusal{api.CodeNotBuilt, "?ttl= is not built yet"}
	}
	return Refusal{}
}

func readQuery(text []byte, query *fasthttp.Args, known []string) error {
	for i, c := range text {
		if c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])) {
			return errors.New("the query has a % without two hex digits behind it")
		}
	}
	seen := 0
	for name := range query.All() {
		i := slices.Index(known, string(name))
		switch {
		case i < 0:
			return fmt.Errorf("?%.60q= is not a parameter of this path: %s", name, knownParameters(known))
		case seen&(1<<i) != 0:
			return fmt.Errorf("?%s= is given twice, but takes one value", name)
		}
		seen |= 1 << i
	}
	return nil
}

func knownParameters(known []string) string {
	if len(known) == 0 {
		return "this path takes no parameters"
	}
	return "this path takes ?" + strings.Join(known, "=, ?") + "="
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// Timeout reads ?timeout=, the bound on the time that a request may wait for the
// node. 0 means that the request waits until its client leaves.
func Timeout(ctx *fasthttp.RequestCtx) (time.Duration, Refusal) {
	if len(ctx.URI().QueryString()) == 0 || !ctx.QueryArgs().Has(api.QueryTimeout) {
		return 0, Refusal{}
	}
	timeout, err := time.ParseDuration(string(ctx.QueryArgs().Peek(api.QueryTimeout)))
	if err != nil || timeout <= 0 {
		return 0, Refusal{api.CodeBadQuery, "?timeout= is a positive duration such as 500ms or 2s"}
	}
	return timeout, Refusal{}
}
