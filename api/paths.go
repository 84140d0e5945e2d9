package api

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// Paths. DataPrefix and a key make up the key's classic path. KVPrefix, a bucket, a
// slash and a key make up its v1 path.
const (
	PathPing    = "/ping"
	PathView    = "/view"
	PathV1View  = "/v1/view"
	PathData    = "/data"
	DataPrefix  = "/data/"
	KVPrefix    = "/v1/kv/"
	PathTxn     = "/v1/txn"
	PathCluster = "/v1/cluster"
	PathRing    = "/v1/ring"
	PathLive    = "/livez"
	PathReady   = "/readyz"
	PathMetrics = "/metrics"
	PathOpenAPI = "/openapi.yaml"
	BatchName   = "_batch" // POST to it in a bucket; PUT and GET treat it as a key
)

// Names of the two buckets that every cluster has. Each has the name of its model.
const (
	BucketStrong = "strong"
	BucketCausal = "causal"
)

// Errors of a path whose tail is not a key.
var (
	ErrNoKey      = errors.New("the key is empty")
	ErrBadEscape  = errors.New("the key has a % without two hex digits behind it")
	ErrKeyTooLong = errors.New("the key is longer than " + strconv.Itoa(MaxKey) + " bytes")
)

// AppendKey appends the key in raw, which is the tail of a path as it stood in the
// request line. The key is unescaped exactly once, and not changed otherwise.
func AppendKey(dst, raw []byte) ([]byte, error) {
	start := len(dst)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) || hexDigit[raw[i+1]] < 0 || hexDigit[raw[i+2]] < 0 {
				return dst[:start], ErrBadEscape
			}
			c = byte(hexDigit[raw[i+1]])<<4 | byte(hexDigit[raw[i+2]])
			i += 2
		}
		dst = append(dst, c)
	}
	switch n := len(dst) - start; {
	case n == 0:
		return dst, ErrNoKey
	case n > MaxKey:
		return dst[:start], ErrKeyTooLong
	}
	return dst, nil
}

// DataPath is a key's path on the classic surface.
func DataPath(key string) string {
	return string(appendEscaped(append(make([]byte, 0, 64), DataPrefix...), key))
}

// KVPath is a key's path on the v1 surface.
func KVPath(bucket, key string) string {
	dst := append(make([]byte, 0, 64), KVPrefix...)
	dst = append(append(dst, bucket...), '/')
	return string(appendEscaped(dst, key))
}

// ListPath is the path, with its query, of one page of a bucket's keys. With limit
// 0, the server chooses the size of the page. An empty cursor asks for the first
// page.
func ListPath(bucket, prefix string, limit int, cursor string) string {
	query := url.Values{}
	if prefix != "" {
		query.Set(QueryPrefix, prefix)
	}
	if limit != 0 {
		query.Set(QueryLimit, strconv.Itoa(limit))
	}
	if cursor != "" {
		query.Set(QueryCursor, cursor)
	}
	if len(query) == 0 {
		return KVPrefix + bucket
	}
	return KVPrefix + bucket + "?" + query.Encode()
}

// Query parameters.
const (
	QueryPrefix  = "prefix"
	QueryLimit   = "limit"
	QueryCursor  = "cursor"
	QueryTimeout = "timeout" // a Go duration, such as 1.5s
	QueryTTL     = "ttl"
	QueryModel   = "model"
	QuerySession = "session" // used if there is no header Cohort-Session
	QueryKey     = "key"
	QueryDryRun  = "dry-run" // true or false
)

// appendEscaped appends a key as the tail of a path. Slashes are kept unless the
// key has empty or dot segments, which proxies and libraries often fold. Then all
// slashes and dots are escaped.
func appendEscaped(dst []byte, key string) []byte {
	hide := strings.Contains("/"+key+"/", "//") || strings.Contains("/"+key+"/", "/./") ||
		strings.Contains("/"+key+"/", "/../")
	for i := 0; i < len(key); i++ {
		c := key[i]
		plain := unreserved(c) || c == '/'
		if plain && !(hide && (c == '/' || c == '.')) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

// unreserved reports whether c is an unreserved character (RFC 3986 §2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

const upperHex = "0123456789ABCDEF"

// hexDigit is the value of a hex digit; -1 for any other byte.
var hexDigit = func() (table [256]int8) {
	for i := range table {
		table[i] = -1
	}
	for i := range 10 {
		table['0'+i] = int8(i)
	}
	for i := range 6 {
		table['a'+i], table['A'+i] = int8(10+i), int8(10+i)
	}
	return table
}()
