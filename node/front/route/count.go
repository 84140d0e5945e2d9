package route

import (
	"iter"
	"slices"
	"sync/atomic"
)

// Method is the method of a request, as the counters tell methods apart.
type Method uint8

// The methods.
const (
	None Method = iota // the request could not be read
	Get
	Put
	Delete
	Head
	Post
	Other
	methods = iota
)

var methodNames = [methods]string{
	None: "none", Get: "GET", Put: "PUT", Delete: "DELETE", Head: "HEAD", Post: "POST", Other: "other",
}

// String is the name of a method.
func (m Method) String() string { return methodNames[m] }

// MethodOf is the method of this name.
func MethodOf(name []byte) Method {
	for m := Get; m < Other; m++ {
		if string(name) == methodNames[m] {
			return m
		}
	}
	return Other
}

// codes are the status codes of the front's answers, the frequent ones first. Only
// the metrics handler answers 500. 0 stands for any other code.
var codes = [...]int{200, 201, 204, 404, 409, 202, 412, 304, 503, 504, 400, 405, 408, 413, 414, 431, 500, 501, 417, 421, 403, 401, 507, 0}

// counters counts the answers of one name. The methods and codes are few and fixed. An
// answer therefore costs one atomic addition, and no client can make the counters grow.
type counters [methods][len(codes)]atomic.Uint64

// Count counts an answer to a request of the endpoint.
func (e *Endpoint) Count(m Method, code int) {
	place := slices.Index(codes[:], code)
	if place < 0 {
		place = len(codes) - 1
	}
	e.answers[m][place].Add(1)
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
func (t *Table) Requests() iter.Seq2[Request, uint64] {
	return func(yield func(Request, uint64) bool) {
		for name, answers := range t.names {
			for m := range answers {
				for c := range answers[m] {
					n := answers[m][c].Load()
					if n > 0 && !yield(Request{name, methodNames[m], codes[c]}, n) {
						return
					}
				}
			}
		}
	}
}
