package api

import (
	"strconv"
	"strings"
)

// Headers of answers. Msg-Num and Node-Id are the classic names. An answer of a
// strong bucket carries Msg-Num on both surfaces, because a checker needs the
// position of every answer in the order of writes.
const (
	HeaderMsgNum  = "Msg-Num"        // on 200, 201, 204, 304 and 404 of a strong bucket
	HeaderNodeID  = "Node-Id"        // classic: the node that answered
	HeaderLossy   = "Cohort-Lossy"   // classic: bytes that JSON cannot hold were shown as U+FFFD
	HeaderNode    = "Cohort-Node"    // v1: the node that answered
	HeaderView    = "Cohort-View"    // v1: the number of the node's view; absent if it has none
	HeaderVersion = "Cohort-Version" // v1: Msg-Num of the write that made the value; in a causal bucket, the counter of its version
	HeaderDeleted = "Cohort-Deleted" // v1, on the 204 of a DELETE: whether the key existed, true or false
	HeaderETag    = "ETag"
)

// Headers of requests that have a meaning of cohort's own.
const (
	HeaderIfMatch        = "If-Match"
	HeaderIfNoneMatch    = "If-None-Match"
	HeaderIdempotencyKey = "Idempotency-Key"
)

// Headers that carry what a client of causal buckets has seen.
const (
	HeaderSession  = "Cohort-Session"    // v1, causal buckets
	HeaderMetadata = "X-Causal-Metadata" // classic requests to causal buckets: takes the place of "causal-metadata" in the body
)

// Media types.
const (
	TypeJSON    = "application/json"
	TypeProblem = "application/problem+json"
	TypeBytes   = "application/octet-stream"  // of a v1 value that was put without a type
	TypeText    = "text/plain; charset=utf-8" // of a value put through /data
	TypeEvents  = "text/event-stream"
)

// Version identifies the write that made a value. Its text is the ETag.
type Version struct {
	MsgNum      uint64
	Fingerprint uint32 // distinguishes writes with one number in groups that split
}

// AppendETag appends the version as an entity tag: "<Msg-Num>-<8 hex digits>",
// with the quotes.
func (v Version) AppendETag(dst []byte) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, v.MsgNum, 10)
	dst = appendHex32(append(dst, '-'), v.Fingerprint)
	return append(dst, '"')
}

func appendHex32(dst []byte, n uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, lowerHex[n>>shift&15])
	}
	return dst
}

// ETag is the version as an entity tag.
func (v Version) ETag() string { return string(v.AppendETag(nil)) }

// ParseETag reads an entity tag that a node made, with its quotes. The result is
// false for any other.
func ParseETag(tag string) (Version, bool) {
	inner, ok := strings.CutPrefix(tag, `"`)
	if !ok {
		return Version{}, false
	}
	if inner, ok = strings.CutSuffix(inner, `"`); !ok {
		return Version{}, false
	}
	number, fingerprint, ok := strings.Cut(inner, "-")
	if !ok || len(fingerprint) != 8 {
		return Version{}, false
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return Version{}, false
	}
	f, err := strconv.ParseUint(fingerprint, 16, 32)
	if err != nil {
		return Version{}, false
	}
	v := Version{MsgNum: n, Fingerprint: uint32(f)}
	return v, v.ETag() == tag
}

const lowerHex = "0123456789abcdef"
