package front

import (
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/front/cluster"
	"github.com/cohortkv/cohort/node/front/route"
	"github.com/cohortkv/cohort/node/front/screen"
)

// newRoutes is the table of all routes. api/openapi.yaml describes the same methods and
// patterns; a test compares both. A new route is a row here, and a handler in a file of
// its own.
func (s *Server) newRoutes(c *Config) *route.Table {
	other := route.Endpoint{Name: "other", Rules: anyQuery(), Rest: route.Admin, Otherwise: s.noPath}
	return route.New(other, slices.Concat(s.kvRoutes(), s.dataRoutes(c), s.viewRoutes(c), s.clusterRoutes(c), s.healthRoutes(c))...)
}

// dataRoutes are the keys of the classic surface.
func (s *Server) dataRoutes(c *Config) []route.Endpoint {
	h := s.keys
	get, put, remove, dump := h.StrongData.Get, h.StrongData.Put, h.StrongData.Delete, h.StrongData.Dump
	if c.DefaultBucket == api.BucketCausal {
		get, put, remove, dump = h.CausalData.Get, h.CausalData.Put, h.CausalData.Delete, h.CausalData.Dump
	}
	return []route.Endpoint{{
		Name: "data", Pattern: api.DataPrefix + "{key}", Bucket: c.DefaultBucket, Key: route.KeyInPath, Rules: classic(), Body: api.MaxBody,
		Operations: []route.Operation{route.On(route.Get, route.Read, get), route.On(route.Put, route.Write, put), route.On(route.Delete, route.Write, remove)},
		Rest:       route.Write,
	}, {
		Name: "data_list", Pattern: api.PathData, Bucket: c.DefaultBucket, Rules: classic(), Body: api.MaxBody,
		Operations: []route.Operation{route.On(route.Get, route.Read, dump)},
		Rest:       route.Write,
	}}
}

// kvRoutes are the keys of v1, and the lists of keys.
func (s *Server) kvRoutes() []route.Endpoint {
	strong, causal, none := s.keys.StrongKV, s.keys.CausalKV, s.keys.NoBucket.Refuse
	return []route.Endpoint{
		ofKeys(api.BucketStrong, api.StrongRead, api.StrongWrite, strong.Refuse,
			route.On(route.Get, route.Read, strong.Get),
			route.On(route.Put, route.Write, strong.Put),
			route.On(route.Delete, route.Write, strong.Delete),
			route.On(route.Post, route.Write, strong.Post)),
		ofKeys(api.BucketCausal, api.CausalRead, api.CausalWrite, causal.Refuse,
			route.On(route.Get, route.Read, causal.Get),
			route.On(route.Put, route.Write, causal.Put),
			route.On(route.Delete, route.Write, causal.Delete),
			route.On(route.Post, route.Write, causal.Post)),
		ofKeys("", api.StrongRead, api.StrongWrite, none),
		ofList(api.BucketStrong, strong.List, route.On(route.Get, route.Read, strong.List)),
		ofList(api.BucketCausal, causal.List, route.On(route.Get, route.Read, causal.List)),
		ofList("", none),
	}
}

// ofKeys are the keys of a bucket, or of a bucket that does not exist if it is empty.
func ofKeys(bucket string, read, write api.Kinds, otherwise route.Handler, operations ...route.Operation) route.Endpoint {
	return route.Endpoint{
		Name: "kv", Pattern: api.KVPrefix + orParameter(bucket) + "/{key}", Bucket: bucket, Key: route.KeyInPath,
		Rules: screen.Rules{Read: read, Write: write, Parameters: []string{api.QueryTimeout, api.QuerySession, api.QueryTTL}},
		Body:  api.MaxValue, Operations: operations, Rest: route.Write, Otherwise: otherwise,
	}
}

// ofList is the list of a bucket.
func ofList(bucket string, otherwise route.Handler, operations ...route.Operation) route.Endpoint {
	return route.Endpoint{
		Name: "kv_list", Pattern: api.KVPrefix + orParameter(bucket), Bucket: bucket, Key: route.KeyInQuery,
		Rules: screen.Rules{Read: api.ListRead, Write: api.ListRead,
			Parameters: []string{api.QueryPrefix, api.QueryLimit, api.QueryCursor, api.QueryTimeout, api.QuerySession}},
		Body: api.MaxBody, Operations: operations, Rest: route.Write, Otherwise: otherwise,
	}
}

func orParameter(bucket string) string {
	if bucket == "" {
		return "{bucket}"
	}
	return bucket
}

func (s *Server) viewRoutes(c *Config) []route.Endpoint {
	h := cluster.NewViews(c.Backend, s.answers, s.waiters)
	return []route.Endpoint{{
		Name: "view", Pattern: api.PathView, Rules: classic(), Body: api.MaxBody,
		Operations: []route.Operation{route.On(route.Get, route.Known, h.Get), route.On(route.Put, route.Admin, h.Put)},
		Rest:       route.Admin,
	}, {
		Name: "v1_view", Pattern: api.PathV1View, Rules: taking(api.QueryDryRun, api.QueryTimeout), Body: api.MaxBody,
		Operations: []route.Operation{route.On(route.Get, route.Known, h.GetV1), route.On(route.Put, route.Admin, h.PutV1)},
		Rest:       route.Admin,
	}}
}

func (s *Server) clusterRoutes(c *Config) []route.Endpoint {
	ring := cluster.NewRing(c.Space, c.Backend, s.answers)
	state := cluster.NewState(c.Node, c.Backend, ring, s.answers, s.waiters)
	nodes := cluster.NewNodes(c.Backend, s.answers, s.waiters)
	return []route.Endpoint{{
		Name: "cluster", Pattern: api.PathCluster, Rules: taking(),
		Operations: []route.Operation{route.On(route.Get, route.Known, state.Get)},
		Rest:       route.Admin,
	}, {
		Name: "ring", Pattern: api.PathRing, Rules: taking(api.QueryKey),
		Operations: []route.Operation{route.On(route.Get, route.Known, ring.Get)},
		Rest:       route.Admin,
	}, {
		Name: "forget", Pattern: api.NodesPrefix + "{id}" + api.ForgetSuffix, Rules: taking(),
		Operations: []route.Operation{route.On(route.Post, route.Admin, nodes.Forget)},
		Rest:       route.Admin,
	}, {
		Name: "other", Pattern: api.PathTxn, Rules: anyQuery(),
		Operations: []route.Operation{route.On(route.Post, route.Admin, s.notBuilt)},
		Rest:       route.Admin, Otherwise: s.notBuilt,
	}}
}

func (s *Server) healthRoutes(c *Config) []route.Endpoint {
	h := cluster.NewHealth(c.Backend, s.waiters.Drains, s.answers)
	m := metrics{s.answers, c.Metrics}
	return []route.Endpoint{{
		Name: "ping", Pattern: api.PathPing, Rules: classic(), Place: route.ForBoth,
		Operations: []route.Operation{route.On(route.Get, route.Open, h.Ping)},
	}, {
		Name: "livez", Pattern: api.PathLive, Rules: taking(), Place: route.ForBoth, Health: true,
		Operations: []route.Operation{route.On(route.Get, route.Open, h.Live)},
	}, {
		Name: "readyz", Pattern: api.PathReady, Rules: taking(api.QueryModel), Place: route.ForBoth, Health: true,
		Operations: []route.Operation{route.On(route.Get, route.Open, h.Ready)},
	}, {
		Name: "metrics", Pattern: api.PathMetrics, Rules: taking(), Place: route.ForBoth, Health: true,
		Operations: []route.Operation{route.On(route.Get, route.Known, m.get)},
		Rest:       route.Admin, Otherwise: m.refuse,
	}, {
		Name: "openapi", Pattern: api.PathOpenAPI, Rules: taking(),
		Operations: []route.Operation{route.On(route.Get, route.Open, s.openAPI)},
	}, {
		Name: "profile", Pattern: profilePath + "{profile}", Rules: taking("debug", "gc", "seconds"), Place: route.ForAdministrators,
		Operations: []route.Operation{route.On(route.Get, route.Admin, s.profile)},
		Rest:       route.Admin,
	}}
}

// classic are the rules of the classic surface.
func classic() screen.Rules { return screen.Rules{Read: api.ClassicRead, Write: api.ClassicWrite} }

// taking are the rules of a path that takes these query parameters.
func taking(parameters ...string) screen.Rules {
	return screen.Rules{Read: api.OtherRead, Write: api.OtherWrite, Parameters: parameters}
}

// anyQuery are the rules of a path whose query is not looked at.
func anyQuery() screen.Rules {
	return screen.Rules{Read: api.OtherRead, Write: api.OtherWrite, AnyQuery: true}
}

// noPath answers a request for a path that does not exist.
func (s *Server) noPath(ctx *fasthttp.RequestCtx, _ []byte) {
	s.answers.Fail(ctx, api.CodeNoSuchPath, "there is nothing at this path")
}

// notBuilt answers a request for a path that is reserved.
func (s *Server) notBuilt(ctx *fasthttp.RequestCtx, _ []byte) {
	s.answers.Fail(ctx, api.CodeNotBuilt, api.PathTxn+" is not built yet")
}
