package api

import "net/http"

// Outcome is what is known of a request's effect once it ended.
type Outcome string

// The outcomes. Applied and NotApplied are definite; a request whose outcome is
// Unknown may have taken effect, may still take effect once, or never (docs/
// strong.md, what is guaranteed).
const (
	Applied    Outcome = "applied" // took effect at one moment between request and answer; a read: was answered
	NotApplied Outcome = "not-applied"
	Unknown    Outcome = "unknown"
)

// Definite reports whether it is known if the request took effect.
func (o Outcome) Definite() bool { return o == Applied || o == NotApplied }

// Op is what a request on one key, or a read of all of them, wants.
type Op uint8

// The operations.
const (
	Read Op = iota
	Put
	Delete
)

// outcomes is the table: for a status, what it says of a Read, a Put and a
// Delete. A status that is not listed says nothing of a write.
var outcomes = map[int][3]Outcome{
	http.StatusOK:                          {Applied, Applied, Applied},
	http.StatusCreated:                     {NotApplied, Applied, Unknown},
	http.StatusNoContent:                   {NotApplied, Applied, Applied},
	http.StatusNotModified:                 {Applied, Unknown, Unknown},
	http.StatusNotFound:                    {Applied, NotApplied, Applied}, // an absent key's DELETE owns a Msg-Num
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

// OutcomeOf says what an answer's status tells about an operation. Status 0
// stands for no answer: the connection broke, or the client gave up. A read
// without an answer has no effect, so nothing about it is ever unknown.
func OutcomeOf(op Op, status int) Outcome {
	if row, listed := outcomes[status]; listed {
		return row[op]
	}
	if op == Read {
		return NotApplied
	}
	return Unknown
}
