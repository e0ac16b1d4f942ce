// Package httpapi speaks the HTTP that programs written for Walrus speak: a publisher
// that stores blobs and an aggregator that reads them.
//
// # How it works
//
// The handlers translate between HTTP and [Blobs], which a client.Client is.
// They hold no logic of their own.
//
//	PUT  /v1/blobs             store the body             publisher
//	GET  /v1/blobs/{blob_id}   the blob's bytes           aggregator
//	GET  /v1/blobs/{blob_id}/status   what the ledger says of it (not of Walrus)
//	GET  /status               OK
//
// HEAD and a matching If-None-Match are answered from the ledger alone: a blob
// ID stands for one content only, so nothing has to be fetched for them.
//
// # Statuses
//
//	200 206 304   the blob, a range of it, or what the client has already
//	400           MALFORMED_REQUEST, INVALID_BLOB_PERSISTENCE, INVALID_CONSISTENCY_CHECK
//	403           NO_ACCOUNT: this gateway only reads
//	404 405       BLOB_NOT_FOUND: unknown, expired or deleted; ROUTE_NOT_FOUND; METHOD_NOT_ALLOWED
//	408           BODY_STALLED: nothing of the body came for a while
//	412 416       a condition or a range that cannot be met
//	413           BLOB_TOO_LARGE: says what the limit is and how many shards would take the blob
//	422           INVALID_BLOB: whoever stored it encoded it wrongly
//	429           TOO_MANY_REQUESTS: come back after Retry-After
//	500           INTERNAL_ERROR: with a trace ID that is in the log, too
//	503           BLOB_UNAVAILABLE, INSUFFICIENT_FUNDS, NO_CAPACITY, SHUTTING_DOWN: after Retry-After
//	504           INSUFFICIENT_CONFIRMATIONS, DEADLINE_EXCEEDED
//
// # Invariants
//
// Every error is the one JSON envelope, with Cache-Control: no-store, and says
// in words what is wrong; what a broken gateway says to itself stays in its log.
// Bodies are bounded before they are read, and a sender that stops in the
// middle does not keep its place.
//
// # Sources
//
//	[WS] Walrus's service layer, §1: routes, parameters, shapes
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// Blobs is what the handlers need of a client; its methods are safe for
// concurrent use and return when their context ends.
type Blobs interface {
	// Store keeps data and returns when the ledger has certified it. data is
	// not modified afterwards.
	Store(ctx context.Context, data []byte, opt client.StoreOptions) (*client.StoreResult, error)
	// Read returns a blob's bytes, checked.
	Read(ctx context.Context, id shard.BlobID, opt client.ReadOptions) ([]byte, error)
	// Status returns what the ledger says of a blob ID.
	Status(ctx context.Context, id shard.BlobID) (ledger.Status, error)
	// Network returns the running epoch and its parameters.
	Network(ctx context.Context) (*client.Network, error)
}

const (
	defaultMaxBody   = 1 << 30 // bytes
	defaultMaxWrites = 8       // Walrus's publisher has as many
	defaultMaxReads  = 256     // Walrus's aggregator has as many

	stallLimit = 30 * time.Second // without a byte of a body that is being sent
)

// Config says what the API serves.
type Config struct {
	Blobs     Blobs        // required
	MaxBody   int64        // bytes of a PUT; 0: 1 GiB, and never more than the network takes
	MaxWrites int          // blobs stored at a time, more are told to come back; 0: 8
	MaxReads  int          // blobs read at a time, more are told to come back; 0: 256
	Logger    *slog.Logger // nil: no log
}

type api struct {
	blobs  Blobs
	max    int64
	writes chan struct{} // one token for each write under way
	reads  chan struct{} // one token for each read under way
	log    *slog.Logger
}

// New returns the API as a handler.
func New(cfg Config) (http.Handler, error) {
	if cfg.Blobs == nil {
		return nil, errors.New("httpapi: Blobs is missing")
	}
	orDefault := func(n, otherwise int) int {
		if n <= 0 {
			return otherwise
		}
		return n
	}
	a := &api{
		blobs: cfg.Blobs, max: cfg.MaxBody, log: cfg.Logger,
		writes: make(chan struct{}, orDefault(cfg.MaxWrites, defaultMaxWrites)),
		reads:  make(chan struct{}, orDefault(cfg.MaxReads, defaultMaxReads)),
	}
	if a.max <= 0 {
		a.max = defaultMaxBody
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	for _, route := range []struct {
		path    string
		methods []string
		handle  http.HandlerFunc
	}{
		{"/status", []string{http.MethodGet, http.MethodHead}, alive},
		{"/v1/blobs", []string{http.MethodPut}, a.limited(a.writes, "writes", a.putBlob)},
		{"/v1/blobs/{blob_id}", []string{http.MethodGet, http.MethodHead}, a.limited(a.reads, "reads", a.getBlob)},
		{"/v1/blobs/{blob_id}/status", []string{http.MethodGet, http.MethodHead}, a.getStatus},
	} {
		for _, method := range route.methods {
			mux.HandleFunc(method+" "+route.path, route.handle)
		}
		mux.HandleFunc(route.path, a.otherMethod(strings.Join(route.methods, ", ")))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, problem{
			code: http.StatusNotFound, status: statusNotFound, reason: "ROUTE_NOT_FOUND",
			message: "no such route: " + r.Method + " " + r.URL.Path,
		})
	})
	return cors(mux), nil
}

func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("OK")) // a client that has gone needs no answer
}

// limited lets only as many requests in at a time as slots has room for: each
// holds a whole blob in memory.
func (a *api) limited(slots chan struct{}, what string, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			handle(w, r)
		default:
			a.fail(w, r, problem{
				code: http.StatusTooManyRequests, status: statusResourceExhausted, reason: "TOO_MANY_REQUESTS",
				message: fmt.Sprintf("%d %s are under way already; try again", cap(slots), what),
			})
		}
	}
}

func (a *api) otherMethod(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow+", "+http.MethodOptions)
		a.fail(w, r, problem{
			code: http.StatusMethodNotAllowed, status: statusInvalidArgument, reason: "METHOD_NOT_ALLOWED",
			message: r.URL.Path + " takes " + allow + ", not " + r.Method,
		})
	}
}

// cors lets pages of any origin use the API, as Walrus's does. [WS] §1.1
func cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "*")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "*")
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
