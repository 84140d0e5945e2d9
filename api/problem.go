package api

import (
	"maps"
	"net/http"
)

// Code identifies a problem for programs.
type Code string

// The codes.
const (
	CodeBadRequest         Code = "bad-request"   // not HTTP, or could be framed in two ways
	CodeBadKey             Code = "bad-key"       // empty, or badly escaped
	CodeBadBody            Code = "bad-body"      // not what the path expects
	CodeBadView            Code = "bad-view"      // not a list of members
	CodeBadQuery           Code = "bad-query"     // timeout, limit, cursor, model
	CodeBadCondition       Code = "bad-condition" // If-Match, If-None-Match
	CodeBadHeader          Code = "bad-header"    // a header that this path does not take, or one given twice
	CodeBadContentType     Code = "bad-content-type"
	CodeBadSession         Code = "bad-session"     // Cohort-Session, ?session=, causal-metadata
	CodeBadExpectation     Code = "bad-expectation" // Expect is not 100-continue
	CodeCrossOrigin        Code = "cross-origin"    // a browser sent the write for a page of another origin
	CodeMisdirected        Code = "misdirected"     // Host names no loopback address, at a listener on one
	CodeNoSuchPath         Code = "no-such-path"
	CodeNoSuchBucket       Code = "no-such-bucket"
	CodeNoSuchKey          Code = "no-such-key"
	CodeNoSuchNode         Code = "no-such-node" // no known view has the node
	CodeNodeInUse          Code = "node-in-use"  // the node is a member of the view, or was heard
	CodeMethodNotAllowed   Code = "method-not-allowed"
	CodeSlowRequest        Code = "slow-request" // the request did not arrive in time
	CodePreconditionFailed Code = "precondition-failed"
	CodeValueTooLarge      Code = "value-too-large"
	CodeKeyTooLong         Code = "key-too-long"
	CodeHeadersTooLarge    Code = "headers-too-large"
	CodeNotBuilt           Code = "not-built"
	CodeNotInView          Code = "not-in-view"         // no view, not in its view, or left behind by the members
	CodeNotReady           Code = "not-ready"           // /readyz only
	CodeStuck              Code = "stuck"               // /livez only
	CodeReadUnanswered     Code = "read-unanswered"     // ?timeout= ran out, or the client closed its side
	CodeShuttingDown       Code = "shutting-down"       // the request was not begun, or was a read
	CodeSessionNotVisible  Code = "session-not-visible" // ?timeout= ran out before the node had what the session has seen
	CodeUnauthorized       Code = "unauthorized"        // the client is not identified
	CodeForbidden          Code = "forbidden"           // the client has no right to do this
	CodeStorageFull        Code = "storage-full"        // the store is full (--max-bytes)
	CodeOverloaded         Code = "overloaded"          // all connections, or all memory for requests, are in use
	CodeStillWaiting       Code = "still-waiting"       // a classic read of a causal bucket, after 60 s
	CodeOutcomeUnknown     Code = "outcome-unknown"     // a write that was begun and not answered
)

// statuses has the status of every code. Each code has one status. Together with
// the table of outcomes, that is everything that a client must know.
var statuses = map[Code]int{
	CodeBadRequest:         http.StatusBadRequest,
	CodeBadKey:             http.StatusBadRequest,
	CodeBadBody:            http.StatusBadRequest,
	CodeBadView:            http.StatusBadRequest,
	CodeBadQuery:           http.StatusBadRequest,
	CodeBadCondition:       http.StatusBadRequest,
	CodeBadHeader:          http.StatusBadRequest,
	CodeBadContentType:     http.StatusBadRequest,
	CodeBadSession:         http.StatusBadRequest,
	CodeBadExpectation:     http.StatusExpectationFailed,
	CodeCrossOrigin:        http.StatusForbidden,
	CodeMisdirected:        http.StatusMisdirectedRequest,
	CodeNoSuchPath:         http.StatusNotFound,
	CodeNoSuchBucket:       http.StatusNotFound,
	CodeNoSuchKey:          http.StatusNotFound,
	CodeNoSuchNode:         http.StatusNotFound,
	CodeNodeInUse:          http.StatusConflict,
	CodeMethodNotAllowed:   http.StatusMethodNotAllowed,
	CodeSlowRequest:        http.StatusRequestTimeout,
	CodePreconditionFailed: http.StatusPreconditionFailed,
	CodeValueTooLarge:      http.StatusRequestEntityTooLarge,
	CodeKeyTooLong:         http.StatusRequestURITooLong,
	CodeHeadersTooLarge:    http.StatusRequestHeaderFieldsTooLarge,
	CodeNotBuilt:           http.StatusNotImplemented,
	CodeNotInView:          http.StatusServiceUnavailable,
	CodeNotReady:           http.StatusServiceUnavailable,
	CodeStuck:              http.StatusServiceUnavailable,
	CodeReadUnanswered:     http.StatusServiceUnavailable,
	CodeShuttingDown:       http.StatusServiceUnavailable,
	CodeSessionNotVisible:  http.StatusServiceUnavailable,
	CodeUnauthorized:       http.StatusUnauthorized,
	CodeForbidden:          http.StatusForbidden,
	CodeStorageFull:        http.StatusInsufficientStorage,
	CodeOverloaded:         http.StatusServiceUnavailable,
	CodeStillWaiting:       http.StatusRequestTimeout,
	CodeOutcomeUnknown:     http.StatusGatewayTimeout,
}

// Codes returns every code with its status. The map is a copy.
func Codes() map[Code]int { return maps.Clone(statuses) }

// Problem is the body of a v1 error, of type TypeProblem (RFC 9457).
type Problem struct {
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Code      Code    `json:"code"`
	Outcome   Outcome `json:"outcome"`   // not-applied or unknown
	Retryable bool    `json:"retryable"` // the same request may be sent again, and may then succeed
	RequestID string  `json:"request_id"`
	Waiting   []Wait  `json:"waiting_for,omitempty"` // the members that the request waited for
}

// NewProblem fills in everything that follows from the code. A 503 is always safe
// to retry. A 504 is not, because the first request may still take effect.
func NewProblem(code Code, detail, requestID string) Problem {
	status, known := statuses[code]
	if !known {
		panic("api: no status for problem code " + string(code))
	}
	p := Problem{
		Title:     http.StatusText(status),
		Status:    status,
		Detail:    detail,
		Code:      code,
		Outcome:   NotApplied,
		Retryable: status == http.StatusServiceUnavailable || status == http.StatusRequestTimeout,
		RequestID: requestID,
	}
	if code == CodeOutcomeUnknown {
		p.Outcome = Unknown
	}
	return p
}

// ClassicError is the body of a classic error, of type TypeJSON.
type ClassicError struct {
	Error string `json:"error"`
}
