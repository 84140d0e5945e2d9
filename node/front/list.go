package front

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
	"github.com/cohortkv/cohort/node/wire"
)

// list answers one page of a bucket's keys. A page is one moment; the cursor
// names the last key that was shown, so that writes between pages neither hide
// nor repeat a key that stays.
func (s *Server) list(ctx *fasthttp.RequestCtx, timeout time.Duration) {
	want, ok := s.page(ctx)
	if !ok {
		return
	}
	w := newWaiting(ctx)
	defer w.free()
	if !s.confirm(ctx, w, timeout) {
		return
	}
	snapshot := s.backend.State().Snapshot()
	s.showMsgNum(ctx, w, snapshot.Next())
	s.writeJSON(ctx, want.collect(snapshot))
}

// page reads what a list request asks for, or answers for what is wrong with it.
func (s *Server) page(ctx *fasthttp.RequestCtx) (want page, ok bool) {
	if !s.readOnly(ctx) || s.refuseWatch(ctx) {
		return page{}, false
	}
	want, err := readPage(ctx.QueryArgs())
	if err != nil {
		s.fail(ctx, api.CodeBadQuery, err.Error())
	}
	return want, err == nil
}

// page is what a list request asks for.
type page struct {
	prefix string
	after  *string // nil: from the start
	limit  int
}

func readPage(query *fasthttp.Args) (page, error) {
	p := page{prefix: string(query.Peek(api.QueryPrefix)), limit: api.DefaultList}
	if query.Has(api.QueryLimit) {
		n, err := strconv.Atoi(string(query.Peek(api.QueryLimit)))
		if err != nil || n < 1 {
			return page{}, errors.New("?limit= is a number from 1 on")
		}
		p.limit = min(n, api.MaxList)
	}
	if text := query.Peek(api.QueryCursor); len(text) > 0 {
		after, err := readCursor(text)
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

// collect reads the page, from its first key on.
func (p page) collect(snapshot Snapshot) api.List {
	list := api.List{Items: []api.Metadata{}}
	last := ""
	for record := range snapshot.From(p.start()) {
		if !strings.HasPrefix(record.Key, p.prefix) {
			break
		}
		if len(list.Items) == p.limit {
			list.Next = cursor(last)
			break
		}
		list.Items = append(list.Items, metadata(&record))
		last = record.Key
	}
	return list
}

// start is where the page is read from: nil, or the greatest string below all
// that it can show. Below a prefix that is the prefix with its last byte one
// lower and 0xff behind it as far as keys reach; below a last byte of zero there
// is only the prefix without it.
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

// metadata describes a record.
func metadata(record *wire.Record) api.Metadata {
	return describe(record.Key, api.Metadata{
		ETag:        api.Version(record.Version).ETag(),
		Version:     record.Version.MsgNum,
		Size:        len(record.Value),
		ContentType: record.ContentType,
	})
}

// describe adds the key to what else is said of it.
func describe(key string, m api.Metadata) api.Metadata {
	if utf8.ValidString(key) {
		m.Key = key
	} else {
		m.KeyBase64 = []byte(key)
	}
	return m
}

// A cursor is base64url of a version byte, the last key, and a CRC-32C of both.
const cursorVersion = 1

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errCursor  = errors.New("?cursor= is damaged, or not one of ours")
)

func cursor(last string) string {
	raw := append([]byte{cursorVersion}, last...)
	raw = binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readCursor(text []byte) (string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil || len(raw) < 6 || len(raw) > 5+api.MaxKey {
		return "", errCursor
	}
	content, sum := raw[:len(raw)-4], binary.BigEndian.Uint32(raw[len(raw)-4:])
	if crc32.Checksum(content, castagnoli) != sum || content[0] != cursorVersion {
		return "", errCursor
	}
	return string(content[1:]), nil
}
