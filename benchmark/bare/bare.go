// Package bare is the baseline for benchmarks of cohort: one process with fasthttp
// in front of a sharded map.
//
// It decodes the same requests as node/front, copies the value in the same way, and
// sends the same status, body and headers. The difference between the two is
// therefore the price of replication. bare numbers its answers as cohort does, and
// its histories are linearizable, so it also serves the checkers as a cluster
// without faults, of either model.
//
// It serves PUT, GET and DELETE of one key on both surfaces. It has no views,
// waiting, conditions or lists. Both buckets share one store.
package bare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/cohortkv/cohort/api"
)

// Server is the baseline. All methods may be called by any goroutine.
type Server struct {
	store *store
	data  func(ctx *fasthttp.RequestCtx, raw []byte) // serves /data
	http  *fasthttp.Server
}

// New returns a server without keys. bucket is the model that /data uses.
func New(bucket string) *Server {
	s := &Server{store: newStore()}
	s.data = s.classic
	if bucket == api.BucketCausal {
		s.data = s.causalClassic
	}
	s.http = &fasthttp.Server{ // with the settings of node/front
		Handler:                      s.handle,
		Concurrency:                  16384,
		ReadBufferSize:               16 << 10,
		MaxRequestBodySize:           api.MaxBody,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		CloseOnShutdown:              true,
	}
	return s
}

// Serve accepts connections until Close, and then returns nil. It owns the
// listener.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(ln); err != nil {
		return fmt.Errorf("serve bare on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Close stops accepting and waits for the answers under way.
func (s *Server) Close() error { return s.http.Shutdown() }

func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	path := ctx.URI().PathOriginal()
	if raw, ok := bytes.CutPrefix(path, dataPrefix); ok {
		s.data(ctx, raw)
		return
	}
	if raw, ok := bytes.CutPrefix(path, kvPrefix); ok {
		s.v1(ctx, raw)
		return
	}
	if raw, ok := bytes.CutPrefix(path, causalPrefix); ok {
		s.causalV1(ctx, raw)
		return
	}
	if string(path) == api.PathPing {
		ctx.SetContentType(api.TypeJSON)
		ctx.SetBodyString("{}")
		return
	}
	ctx.Error("bare serves one key at a time", http.StatusNotFound)
}

var (
	dataPrefix   = []byte(api.DataPrefix)
	kvPrefix     = []byte(api.KVPrefix + api.BucketStrong + "/")
	causalPrefix = []byte(api.KVPrefix + api.BucketCausal + "/")
)

// refuse answers a request that cohort would refuse too.
func refuse(ctx *fasthttp.RequestCtx, err error) { ctx.Error(err.Error(), http.StatusBadRequest) }

func refuseMethod(ctx *fasthttp.RequestCtx) {
	ctx.Error("bare takes PUT, GET and DELETE", http.StatusMethodNotAllowed)
}

// scratch is memory for the text of one request's header or body.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// The headers, in a spelling that fasthttp would change.
var (
	headerMsgNum  = []byte(api.HeaderMsgNum)
	headerNodeID  = []byte(api.HeaderNodeID)
	headerNode    = []byte(api.HeaderNode)
	headerView    = []byte(api.HeaderView)
	headerVersion = []byte(api.HeaderVersion)
	headerETag    = []byte(api.HeaderETag)
	headerSession = []byte(api.HeaderSession)
	headerVary    = []byte("Vary")
	valueAccept   = []byte("Accept")
	valueNode     = []byte("0")
	valueView     = []byte("1")
)

func show(ctx *fasthttp.RequestCtx, name, value []byte) {
	ctx.Response.Header.SetCanonical(name, value)
}

func showNumber(ctx *fasthttp.RequestCtx, name []byte, n uint64) {
	buf := scratch.Get().(*[]byte)
	*buf = strconv.AppendUint((*buf)[:0], n, 10)
	show(ctx, name, *buf)
	scratch.Put(buf)
}

func showVersion(ctx *fasthttp.RequestCtx, num uint64) {
	buf := scratch.Get().(*[]byte)
	*buf = api.Version{MsgNum: num}.AppendETag((*buf)[:0])
	show(ctx, headerETag, *buf)
	scratch.Put(buf)
	showNumber(ctx, headerVersion, num)
}

// problem is the body of a v1 GET without a value, made once.
var problem = func() []byte {
	body, err := json.Marshal(api.NewProblem(api.CodeNoSuchKey, "no such key", "bare-1"))
	if err != nil {
		panic(err) // cannot happen: a struct of strings
	}
	return body
}()
