package front

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// parameters lists the query parameters of each route. A route that is missing here
// takes none.
var parameters = [len(routeNames)][]string{
	routeKV:      {api.QueryTimeout, api.QuerySession, api.QueryTTL},
	routeKVList:  {api.QueryPrefix, api.QueryLimit, api.QueryCursor, api.QueryTimeout, api.QuerySession},
	routeRing:    {api.QueryKey},
	routeReady:   {api.QueryModel},
	routeProfile: {"debug", "gc", "seconds"}, // of net/http/pprof
	routeV1View:  {api.QueryDryRun, api.QueryTimeout},
}

// refuseQuery answers a request with a parameter that the path does not take, such
// as a misspelt one, or with a parameter that occurs twice.
func (s *Server) refuseQuery(ctx *fasthttp.RequestCtx, to route) bool {
	text := ctx.URI().QueryString()
	if len(text) == 0 || to == routeOther {
		return false
	}
	err := checkQuery(text, ctx.QueryArgs(), parameters[to])
	switch {
	case err != nil:
		s.fail(ctx, api.CodeBadQuery, err.Error())
	case ctx.QueryArgs().Has(api.QueryTTL):
		s.fail(ctx, api.CodeNotBuilt, "?ttl= is not built yet")
	default:
		return false
	}
	return true
}

func checkQuery(text []byte, query *fasthttp.Args, known []string) error {
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

// timeout reads ?timeout=, the bound on the time that a request may wait for the
// node. 0 means that the request waits until its client leaves.
func (s *Server) timeout(ctx *fasthttp.RequestCtx) (timeout time.Duration, ok bool) {
	if len(ctx.URI().QueryString()) == 0 || !ctx.QueryArgs().Has(api.QueryTimeout) {
		return 0, true
	}
	timeout, err := time.ParseDuration(string(ctx.QueryArgs().Peek(api.QueryTimeout)))
	if err != nil || timeout <= 0 {
		s.fail(ctx, api.CodeBadQuery, "?timeout= is a positive duration such as 500ms or 2s")
		return 0, false
	}
	return timeout, true
}
