package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// page reads the parameters of a list request. If one is wrong, page answers the
// request and ok is false.
func (r *reader) page(ctx *fasthttp.RequestCtx, kind cursorKind, origin string) (want page, ok bool) {
	if !r.ReadOnly(ctx) || r.refuseWatch(ctx) {
		return page{}, false
	}
	want, err := readPage(ctx.QueryArgs(), kind, origin)
	if err != nil {
		r.Fail(ctx, api.CodeBadQuery, err.Error())
	}
	return want, err == nil
}

// page is the part of a bucket that a list request asks for.
type page struct {
	prefix string
	after  *string // nil: from the start
	limit  int
	kind   cursorKind // of the bucket that is listed
	origin string     // the keys that are listed, as shards.origin names them
}

func readPage(query *fasthttp.Args, kind cursorKind, origin string) (page, error) {
	p := page{prefix: string(query.Peek(api.QueryPrefix)), limit: api.DefaultList, kind: kind, origin: origin}
	if query.Has(api.QueryLimit) {
		n, err := strconv.Atoi(string(query.Peek(api.QueryLimit)))
		if err != nil || n < 1 || n > api.MaxList {
			return page{}, errLimit
		}
		p.limit = n
	}
	if text := query.Peek(api.QueryCursor); len(text) > 0 {
		after, err := p.key(text)
		if err != nil {
			return page{}, err
		}
		if !strings.HasPrefix(after, p.prefix) {
			return page{}, errors.New("?cursor= belongs to a list with another prefix")
		}
		p.after = &after
	}
	return p, nil
}

// collect reads the keys of the page.
func (p page) collect(snapshot Snapshot) api.List {
	list := api.List{Items: []api.Metadata{}}
	last := ""
	for record := range snapshot.From(p.start()) {
		if !strings.HasPrefix(record.Key, p.prefix) {
			break
		}
		if len(list.Items) == p.limit {
			list.Next = p.cursor(last)
			break
		}
		list.Items = append(list.Items, metadata(&record))
		last = record.Key
	}
	return list
}

// start is the key behind which reading begins: the greatest key below all keys of
// the page; nil: from the first key.
//
// For a prefix, that is the prefix with its last byte lowered by one, filled with
// 0xff up to the length of the longest key. If the last byte is zero, it is the
// prefix without that byte.
func (p page) start() *string {
	if p.after != nil || p.prefix == "" {
		return p.after
	}
	below := []byte(p.prefix)
	if end := len(below) - 1; below[end] == 0 {
		below = below[:end]
	} else {
		below[end]--
		for len(below) < api.MaxKey {
			below = append(below, 0xff)
		}
	}
	if len(below) == 0 {
		return nil
	}
	start := string(below)
	return &start
}

// cursorKind is the bucket whose list a cursor continues. The orders of the lists
// differ, so a cursor of one bucket would leave out keys of the other.
type cursorKind byte

const (
	strongCursor cursorKind = iota + 1
	causalCursor
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errLimit   = errors.New("?limit= is a number from 1 to " + strconv.Itoa(api.MaxList))
	errCursor  = errors.New("?cursor= is damaged, or was not made by a node")
	errBucket  = errors.New("?cursor= belongs to a list of another bucket")
	errShard   = errors.New("?cursor= belongs to the list of another shard than this node's")
)

// cursor is base64url of four parts: the kind, a CRC-32C of the origin, the last
// key, and a CRC-32C of the three parts before.
func (p page) cursor(last string) string {
	raw := binary.BigEndian.AppendUint32([]byte{byte(p.kind)}, crc32.Checksum([]byte(p.origin), castagnoli))
	raw = append(raw, last...)
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	return base64.RawURLEncoding.EncodeToString(raw)
}

// key is the last key, as the cursor gives it. It fails if the cursor belongs to
// another kind or origin.
func (p page) key(cursor []byte) (string, error) {
	const head, sum = 1 + 4, 4
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(cursor))
	if err != nil || bytes.ContainsAny(cursor, "\r\n") || // the decoder skips line ends
		len(raw) <= head+sum || len(raw) > head+api.MaxKey+sum {
		return "", errCursor
	}
	content, trailer := raw[:len(raw)-sum], binary.BigEndian.Uint32(raw[len(raw)-sum:])
	if crc32.Checksum(content, castagnoli) != trailer || content[0] < byte(strongCursor) || content[0] > byte(causalCursor) {
		return "", errCursor
	}
	if content[0] != byte(p.kind) {
		return "", errBucket
	}
	if binary.BigEndian.Uint32(content[1:]) != crc32.Checksum([]byte(p.origin), castagnoli) {
		return "", errShard
	}
	return string(content[head:]), nil
}
