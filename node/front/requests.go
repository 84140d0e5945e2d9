package front

import (
	"iter"
	"slices"
	"sync/atomic"

	"github.com/cohortkv/cohort/api"
)

// route is the kind of a request by the shape of its path alone. An unknown bucket
// has a kv route too, and its answer is 404.
type route uint8

const (
	routeNone route = iota // never routed: the request could not be read
	routePing
	routeView
	routeV1View
	routeData
	routeDataList
	routeKV
	routeKVList
	routeCluster
	routeRing
	routeOpenAPI
	routeLive
	routeReady
	routeMetrics
	routeOther
	routeProfile
	routeForget
)

var routeNames = [...]string{
	routeNone: "none", routePing: "ping", routeView: "view", routeV1View: "v1_view", routeData: "data", routeDataList: "data_list",
	routeKV: "kv", routeKVList: "kv_list", routeCluster: "cluster", routeRing: "ring", routeOpenAPI: "openapi", routeLive: "livez", routeReady: "readyz",
	routeMetrics: "metrics", routeOther: "other", routeProfile: "profile", routeForget: "forget",
}

// routeOf is the route of a path as it stood in the request line.
func routeOf(path []byte) route {
	if hasPrefix(path, api.DataPrefix) {
		return routeData
	}
	if hasPrefix(path, api.KVPrefix) {
		if slices.Contains(path[len(api.KVPrefix):], '/') {
			return routeKV
		}
		return routeKVList
	}
	if forgetRoute(path) {
		return routeForget
	}
	switch string(path) {
	case api.PathPing:
		return routePing
	case api.PathView:
		return routeView
	case api.PathV1View:
		return routeV1View
	case api.PathData:
		return routeDataList
	case api.PathCluster:
		return routeCluster
	case api.PathRing:
		return routeRing
	case api.PathOpenAPI:
		return routeOpenAPI
	case api.PathLive:
		return routeLive
	case api.PathReady:
		return routeReady
	case api.PathMetrics:
		return routeMetrics
	}
	return routeOther
}

// isHealth reports whether requests of the route are answered even if all
// connections are taken.
func (r route) isHealth() bool { return r == routeLive || r == routeReady || r == routeMetrics }

// takesBody reports whether the route's bodies are read. For other routes, fasthttp
// discards a short body and closes the connection after a long one.
func (r route) takesBody() bool {
	switch r {
	case routePing, routeLive, routeReady, routeMetrics, routeCluster, routeRing, routeOpenAPI, routeOther, routeForget:
		return false
	}
	return true
}

// isAdmins reports whether a request of the route may need the right to
// administrate.
func (r route) isAdmins() bool {
	switch r {
	case routeData, routeDataList, routeKV, routeKVList, routePing, routeLive, routeReady, routeMetrics:
		return false
	}
	return true
}

func hasPrefix(path []byte, prefix string) bool {
	return len(path) >= len(prefix) && string(path[:len(prefix)]) == prefix
}

// method is the method of a request, as the counters tell methods apart.
type method uint8

const (
	methodNone method = iota // the request could not be read
	methodGet
	methodPut
	methodDelete
	methodHead
	methodPost
	methodOther
)

var methodNames = [...]string{
	methodNone: "none", methodGet: "GET", methodPut: "PUT", methodDelete: "DELETE", methodHead: "HEAD",
	methodPost: "POST", methodOther: "other",
}

func methodOf(name []byte) method {
	for m := methodGet; m < methodOther; m++ {
		if string(name) == methodNames[m] {
			return m
		}
	}
	return methodOther
}

// codes are the status codes of the front's answers, the frequent ones first. Only
// the metrics handler answers 500. 0 stands for any other code.
var codes = [...]int{200, 201, 204, 404, 409, 202, 412, 304, 503, 504, 400, 405, 408, 413, 414, 431, 500, 501, 417, 421, 403, 401, 507, 0}

// tally counts answers. The routes, methods and codes are few and fixed. An answer
// therefore costs one atomic addition, and no client can make the tally grow.
type tally [len(routeNames)][len(methodNames)][len(codes)]atomic.Uint64

func (t *tally) count(r route, m method, code int) {
	place := slices.Index(codes[:], code)
	if place < 0 {
		place = len(codes) - 1
	}
	t[r][m][place].Add(1)
}

// Request is a kind of request together with the status of its answer.
type Request struct {
	Route  string // "none" when it could not be read
	Method string // "none" when it could not be read, "other" when the surface does not use it
	Code   int    // HTTP status; 0: a status that the front does not list
}

// Requests yields, for every kind of request that occurred, the number of answers.
// An answer counts when it is made; whether it arrives is unknown. Connections
// beyond the limit are refused before a request is read, and do not count. Any
// goroutine may call Requests at any time.
func (s *Server) Requests() iter.Seq2[Request, uint64] {
	return func(yield func(Request, uint64) bool) {
		for r := range s.requests {
			for m := range s.requests[r] {
				for c := range s.requests[r][m] {
					n := s.requests[r][m][c].Load()
					if n > 0 && !yield(Request{routeNames[r], methodNames[m], codes[c]}, n) {
						return
					}
				}
			}
		}
	}
}
