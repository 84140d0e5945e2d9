package api

import "net/http"

// Outcome is what is known about the effect of a request that has ended.
type Outcome string

// The outcomes. Applied and NotApplied are definite. If the outcome is Unknown, the
// request may have taken effect, may still take effect once, or may never take
// effect (docs/strong.md §6).
const (
	Applied    Outcome = "applied" // took effect at one moment between request and answer; a read was answered
	NotApplied Outcome = "not-applied"
	Unknown    Outcome = "unknown"
)

// Definite reports whether it is known if the request took effect.
func (o Outcome) Definite() bool { return o == Applied || o == NotApplied }

// Op is the kind of a request for one key, or of a read of all keys.
type Op uint8

// The operations.
const (
	Read Op = iota
	Put
	Delete
)

// outcomes has, for each status, the outcome of a Read, a Put and a Delete. If a
// status is missing, the outcome of a write is Unknown.
var outcomes = map[int][3]Outcome{
	http.StatusOK:                          {Applied, Applied, Applied},
	http.StatusCreated:                     {NotApplied, Applied, Unknown},
	http.StatusNoContent:                   {NotApplied, Applied, Applied},
	http.StatusNotModified:                 {Applied, Unknown, Unknown},
	http.StatusNotFound:                    {Applied, NotApplied, Applied}, // a DELETE of an absent key owns a Msg-Num
	http.StatusBadRequest:                  {NotApplied, NotApplied, NotApplied},
	http.StatusForbidden:                   {NotApplied, NotApplied, NotApplied},
	http.StatusUnauthorized:                {NotApplied, NotApplied, NotApplied},
	http.StatusInsufficientStorage:         {NotApplied, NotApplied, NotApplied},
	http.StatusConflict:                    {NotApplied, NotApplied, NotApplied},
	http.StatusMethodNotAllowed:            {NotApplied, NotApplied, NotApplied},
	http.StatusRequestTimeout:              {NotApplied, NotApplied, NotApplied},
	http.StatusPreconditionFailed:          {NotApplied, NotApplied, NotApplied},
	http.StatusRequestEntityTooLarge:       {NotApplied, NotApplied, NotApplied},
	http.StatusRequestURITooLong:           {NotApplied, NotApplied, NotApplied},
	http.StatusExpectationFailed:           {NotApplied, NotApplied, NotApplied},
	http.StatusMisdirectedRequest:          {NotApplied, NotApplied, NotApplied},
	http.StatusRequestHeaderFieldsTooLarge: {NotApplied, NotApplied, NotApplied},
	http.StatusNotImplemented:              {NotApplied, NotApplied, NotApplied},
	http.StatusServiceUnavailable:          {NotApplied, NotApplied, NotApplied},
	http.StatusGatewayTimeout:              {NotApplied, Unknown, Unknown},
}

// OutcomeOf is the outcome of an operation whose answer has this status. Status 0
// stands for no answer: the connection broke, or the client gave up. A read has no
// effect, so a read without an answer is not applied.
func OutcomeOf(op Op, status int) Outcome {
	if row, listed := outcomes[status]; listed {
		return row[op]
	}
	if op == Read {
		return NotApplied
	}
	return Unknown
}
