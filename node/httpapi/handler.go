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
// # Invariants
//
// Every error is the one JSON envelope, with Cache-Control: no-store, and says
// in words what is wrong. Bodies are bounded before they are read.
//
// # Sources
//
//	[WS] Walrus's service layer, §1: routes, parameters, shapes
package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// Blobs is what the handlers need of a client; its methods are safe for
// concurrent use.
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
	defaultMaxBody       = 1 << 30 // bytes
	defaultMaxConcurrent = 8       // writes at a time; Walrus's publisher has as many
)

// Config says what the API serves.
type Config struct {
	Blobs         Blobs        // required
	MaxBody       int64        // bytes of a PUT; 0: 1 GiB, and never more than the network takes
	MaxConcurrent int          // writes at a time, more are told to come back; 0: 8
	Logger        *slog.Logger // nil: no log
}

type api struct {
	blobs  Blobs
	max    int64
	writes chan struct{} // one token for each write under way
	log    *slog.Logger
}

// New returns the API as a handler.
func New(cfg Config) (http.Handler, error) {
	if cfg.Blobs == nil {
		return nil, errors.New("httpapi: Blobs is missing")
	}
	a := &api{blobs: cfg.Blobs, max: cfg.MaxBody, log: cfg.Logger}
	if a.max <= 0 {
		a.max = defaultMaxBody
	}
	if cfg.MaxConcurrent <= 0 {
		cfg.MaxConcurrent = defaultMaxConcurrent
	}
	a.writes = make(chan struct{}, cfg.MaxConcurrent)
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("OK")) // a client that has gone needs no answer
	})
	mux.HandleFunc("PUT /v1/blobs", a.putBlob)
	mux.HandleFunc("GET /v1/blobs/{blob_id}", a.getBlob)
	mux.HandleFunc("GET /v1/blobs/{blob_id}/status", a.getStatus)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		a.fail(w, r, problem{http.StatusNotFound, statusNotFound, "NOT_FOUND", "no such route: " + r.Method + " " + r.URL.Path})
	})
	return cors(mux), nil
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
