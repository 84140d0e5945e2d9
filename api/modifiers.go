package api

// Kinds is a set of kinds of requests. All requests of one kind treat a header
// alike.
type Kinds uint16

// The kinds. GET and HEAD are reads, every other method is a write.
const (
	StrongWrite  Kinds = 1 << iota // a key of the strong bucket on v1
	StrongRead                     // likewise
	CausalWrite                    // a key of the causal bucket on v1
	CausalRead                     // likewise
	ListRead                       // the keys of a bucket on v1
	ClassicWrite                   // /data, /view, /ping
	ClassicRead                    // likewise
	OtherWrite                     // every other path
	OtherRead                      // likewise

	kvReads     = StrongRead | CausalRead
	kvWrites    = StrongWrite | CausalWrite
	classicKind = ClassicWrite | ClassicRead
	otherKind   = OtherWrite | OtherRead
	reads       = kvReads | ListRead | ClassicRead | OtherRead
	writes      = kvWrites | ClassicWrite | OtherWrite
	all         = reads | writes
)

// KindNames names the kinds in documents, in the order of their bits.
var KindNames = [...]string{
	"strong key, write", "strong key, read", "causal key, write", "causal key, read", "list",
	"classic write", "classic read", "other write", "other read",
}

// Modifier is a header that could change the meaning of a request. A header that is
// in no Modifier changes nothing.
type Modifier struct {
	Name     string // "If-" and "Cohort-" stand for every header with this prefix and without a row of its own
	Honoured Kinds  // kinds for which the header has its meaning
	Ignored  Kinds  // kinds that ignore the header; all other kinds refuse it
	Code     Code   // of the refusal
	Once     bool   // a second line is refused, because the header is not a list
	Why      string // what happens, and why; the detail of a refusal ends with it
}

// Treatment says how a header is treated.
type Treatment string

// The treatments.
const (
	Honoured Treatment = "honoured"
	Ignored  Treatment = "ignored"
	Refused  Treatment = "refused"
)

// Treatment is how requests of one kind treat the header.
func (m Modifier) Treatment(k Kinds) Treatment {
	switch {
	case m.Honoured&k != 0:
		return Honoured
	case m.Ignored&k != 0:
		return Ignored
	}
	return Refused
}

// RefusalCode is the code with which requests of one kind refuse the header. A
// header that is planned for v1 is not built yet there, and unknown to the classic
// surface.
func (m Modifier) RefusalCode(k Kinds) Code {
	if m.Code == CodeNotBuilt && k&classicKind != 0 {
		return CodeBadHeader
	}
	return m.Code
}

// Modifiers are all headers that could change the meaning of a request: framing
// first (RFC 9112), then conditions, ranges and preferences (RFC 9110, 9111, 7240),
// then cohort's own. docs/api.md has the same table.
var Modifiers = []Modifier{
	{"Content-Length", all, 0, CodeBadRequest, true, "digits, once, and not together with Transfer-Encoding"},
	{"Transfer-Encoding", all, 0, CodeBadRequest, true, "chunked, once, and nothing else; after anything else the connection is closed"},
	{"Trailer", 0, 0, CodeBadHeader, false, "fields behind a body are refused"},
	{"TE", 0, all, "", false, "an answer uses no transfer coding that needs it"},
	{"Connection", all, 0, "", false, "close and keep-alive"},
	{"Upgrade", 0, all, "", false, "a server may go on with HTTP/1.1 (RFC 9110 §7.8)"},
	{"Expect", all, 0, CodeBadExpectation, true, "100-continue; anything else is 417"},
	{"Host", all, 0, CodeBadRequest, true, "a node that listens on a loopback address answers only to localhost and loopback addresses (421)"},
	{"Authorization", all, 0, CodeUnauthorized, true, "identifies the client where the node has --tokens; otherwise every client may do everything"},
	{"Origin", writes, reads, CodeCrossOrigin, true, "a write that a browser sends for a page of another origin is 403"},
	{"Sec-Fetch-Site", writes, reads, CodeCrossOrigin, true, "as Origin, and takes precedence over it"},
	{"X-HTTP-Method-Override", 0, 0, CodeBadHeader, false, "the method is the one of the request line"},
	{"X-HTTP-Method", 0, 0, CodeBadHeader, false, "the method is the one of the request line"},
	{"X-Method-Override", 0, 0, CodeBadHeader, false, "the method is the one of the request line"},

	{"If-Match", StrongWrite | kvReads, 0, CodeBadCondition, false, "conditions are for keys of a strong bucket on v1, and for reads of a causal key"},
	{"If-None-Match", StrongWrite | kvReads, 0, CodeBadCondition, false, "conditions are for keys of a strong bucket on v1, and for reads of a causal key; a PUT takes only *, a DELETE nothing"},
	{"If-Modified-Since", 0, reads, CodeBadCondition, false, "values have no modification date; reads may ignore it then (RFC 9110 §13.1.3)"},
	{"If-Unmodified-Since", 0, 0, CodeBadCondition, false, "values have no modification date; use If-Match with an ETag"},
	{"If-Range", 0, reads, CodeBadCondition, false, "it modifies Range, which reads ignore"},
	{"If", 0, 0, CodeBadCondition, false, "WebDAV conditions are not supported"},
	{"If-", 0, 0, CodeBadCondition, false, "this condition is not supported"},

	{"Range", 0, reads, CodeBadHeader, false, "a value is read and written whole; a read may ignore a range (RFC 9110 §14.2)"},
	{"Content-Range", 0, 0, CodeBadHeader, false, "a PUT replaces the whole value (RFC 9110 §14.5)"},
	{"Content-Type", kvWrites, all &^ kvWrites, CodeBadContentType, true, "stored with a value of v1; the classic surface reads JSON whatever the type"},
	{"Content-Encoding", 0, 0, CodeBadHeader, false, "it would not be stored; only Content-Type is"},
	{"Content-Language", 0, 0, CodeBadHeader, false, "it would not be stored; only Content-Type is"},
	{"Content-Disposition", 0, 0, CodeBadHeader, false, "it would not be stored; only Content-Type is"},
	{"Content-Location", 0, all, "", false, "it does not change what is stored (RFC 9110 §8.7)"},
	{"Content-Digest", 0, 0, CodeBadHeader, false, "digests are not checked"},
	{"Repr-Digest", 0, 0, CodeBadHeader, false, "digests are not checked"},
	{"Digest", 0, 0, CodeBadHeader, false, "digests are not checked"},
	{"Content-MD5", 0, 0, CodeBadHeader, false, "digests are not checked"},
	{"Want-Content-Digest", 0, all, "", false, "a preference that may be ignored (RFC 9530 §4)"},
	{"Want-Repr-Digest", 0, all, "", false, "a preference that may be ignored (RFC 9530 §4)"},
	{"Want-Digest", 0, all, "", false, "a preference that may be ignored (RFC 3230 §4.3.1)"},
	{"Prefer", 0, all, "", false, "a preference that may be ignored (RFC 7240 §2)"},
	{"Cache-Control", 0, all, "", false, "it addresses caches; a node is not a cache"},
	{"Pragma", 0, all, "", false, "it addresses caches; a node is not a cache"},
	{"Accept", kvReads | ListRead, all &^ (kvReads | ListRead), "", false,
		"application/json alone asks for a description of a key; text/event-stream is 501; otherwise it changes nothing (RFC 9110 §12.5.1); /metrics chooses its format by it"},
	{"Accept-Encoding", 0, all, "", false, "answers are not encoded (RFC 9110 §12.5.3); /metrics may be compressed"},
	{"Accept-Language", 0, all, "", false, "answers have one language"},
	{"Accept-Charset", 0, all, "", false, "JSON is UTF-8, and values are bytes (RFC 9110 §12.5.2)"},
	{"Accept-Datetime", 0, all, "", false, "only the current value is stored (RFC 7089 §4.5)"},
	{"A-IM", 0, all, "", false, "an answer may be complete (RFC 3229 §10.5.3)"},

	{"Idempotency-Key", 0, 0, CodeNotBuilt, true, "it is not built yet"},
	{"Last-Event-ID", 0, 0, CodeNotBuilt, true, "watches are not built yet"},
	{HeaderSession, CausalWrite | CausalRead | ListRead, StrongWrite | StrongRead | otherKind, CodeBadHeader, true,
		"what a client of the causal bucket has seen; the strong bucket does not need it, and /data takes causal-metadata"},
	{HeaderMetadata, classicKind, 0, CodeBadHeader, true, "causal-metadata of the classic surface; v1 takes " + HeaderSession},
	{"Cohort-", 0, 0, CodeBadHeader, false, "the only request header that begins so is " + HeaderSession},
}
