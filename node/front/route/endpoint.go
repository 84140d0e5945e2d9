// Package route has the table of the paths that a node answers: for each path its
// methods, with the right that each needs and the handler that answers it. The
// methods and patterns are those of api/openapi.yaml.
//
// A Table is made once. Any goroutine may then match paths and count answers; neither
// allocates.
package route

import (
	"bytes"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/node/front/screen"
)

// Handler answers a request. tail is the part of the path that the parameters of the
// pattern stand for, as it stood in the request line.
type Handler func(ctx *fasthttp.RequestCtx, tail []byte)

// Right is what a client needs to send a request.
type Right uint8

// The rights.
const (
	Open  Right = iota // the client need not identify itself
	Known              // any identified client
	Read               // the right to read the key, or the prefix that is listed
	Write              // the right to write the key
	Admin              // the right to administrate
)

// Operation is a method of a path.
type Operation struct {
	Method  Method // Get stands for HEAD too
	Right   Right
	Handler Handler
}

// On is the operation of a method.
func On(m Method, r Right, h Handler) Operation { return Operation{m, r, h} }

// Endpoint is the requests of one pattern.
type Endpoint struct {
	Name    string // in the counters; endpoints of one name are counted together
	Pattern string // as in api/openapi.yaml, or with one bucket's name in place of {bucket}

	Operations []Operation
	Rest       Right   // that other methods need, if they are not reads (rest)
	Otherwise  Handler // answers other methods; nil: 405 with the methods of Operations

	// Key is what a client's Read or Write right must cover, from the tail or the
	// query. Bucket is empty if the tail begins with it.
	Bucket string
	Key    Key

	Rules  screen.Rules
	Body   int  // the longest body that is read, in bytes; 0: bodies are not read
	Health bool // is answered on brief connections too
	Place  Place

	parts   pattern
	methods [methods]Operation // by method; with the handler, if there is one
	answers *counters
}

// Key says where a request has the key that it concerns.
type Key uint8

// The places of a key.
const (
	NoKey      Key = iota // the request concerns the whole bucket
	KeyInPath             // escaped, at the end of the tail
	KeyInQuery            // the request lists the keys with this prefix
)

// Place is the listeners at which an endpoint is served.
type Place uint8

// The places of an endpoint.
const (
	ForClients Place = iota
	ForBoth
	ForAdministrators
)

// Right is the right that a method needs.
func (e *Endpoint) Right(m Method) Right { return e.methods[m].Right }

// Handler is what answers a method; nil: the method is not one of the endpoint's.
func (e *Endpoint) Handler(m Method) Handler { return e.methods[m].Handler }

// Allow lists the methods of the endpoint, as in the header Allow.
func (e *Endpoint) Allow() string {
	var names []string
	for _, op := range e.Operations {
		names = append(names, op.Method.String())
		if op.Method == Get {
			names = append(names, Head.String())
		}
	}
	return strings.Join(names, ", ")
}

// Tail is the part of a path of this endpoint that the pattern's parameters stand for.
func (e *Endpoint) Tail(path []byte) []byte { return e.parts.tail(path) }

// fill completes the table of methods.
func (e *Endpoint) fill() {
	for m := range e.methods {
		e.methods[m] = Operation{Right: e.rest(Method(m)), Handler: e.Otherwise}
	}
	for _, op := range e.Operations {
		e.methods[op.Method] = op
		if op.Method == Get {
			e.methods[Head] = op
		}
	}
}

// rest is the right that a method without an operation needs. A read of what takes Write
// needs Read, and a read of what takes Admin needs Known.
func (e *Endpoint) rest(m Method) Right {
	switch {
	case m != Get && m != Head:
		return e.Rest
	case e.Rest == Write:
		return Read
	}
	return min(e.Rest, Known)
}

// pattern is a pattern as it is compared with paths: the text before the first
// parameter, the text between two parameters, and the text behind the last one.
type pattern struct {
	prefix        string
	inner, suffix []byte
	exact         bool // no parameter
}

func parse(text string) pattern {
	prefix, rest, parameter := strings.Cut(text, "{")
	p := pattern{prefix: prefix, exact: !parameter}
	for parameter {
		var between string
		_, rest, _ = strings.Cut(rest, "}")
		between, rest, parameter = strings.Cut(rest, "{")
		if parameter {
			p.inner = []byte(between)
		} else {
			p.suffix = []byte(between)
		}
	}
	return p
}

// matches compares a path with the pattern. The last parameter may be empty and may
// have slashes, because a key may; if text follows it, it is not empty.
func (p *pattern) matches(path []byte) bool {
	n := len(p.prefix)
	if len(path) < n || string(path[:n]) != p.prefix {
		return false
	}
	rest := path[n:]
	switch {
	case p.exact:
		return len(rest) == 0
	case len(p.suffix) > 0:
		return len(rest) > len(p.suffix) && bytes.HasSuffix(rest, p.suffix)
	}
	return len(p.inner) == 0 || bytes.Contains(rest, p.inner)
}

func (p *pattern) tail(path []byte) []byte { return path[len(p.prefix) : len(path)-len(p.suffix)] }
