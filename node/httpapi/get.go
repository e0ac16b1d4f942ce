package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// getBlob is GET and HEAD /v1/blobs/{blob_id}. [WS] §1.4, §1.9
func (a *api) getBlob(w http.ResponseWriter, r *http.Request) {
	id, ok := a.blobID(w, r)
	if !ok {
		return
	}
	var opt client.ReadOptions
	strict, skip := r.URL.Query().Get("strict_consistency_check") == "true", r.URL.Query().Get("skip_consistency_check") == "true"
	switch {
	case strict && skip:
		a.fail(w, r, problem{http.StatusBadRequest, statusInvalidArgument, "INVALID_CONSISTENCY_CHECK", "the check cannot be both strict and skipped"})
		return
	case strict:
		opt.Check = shard.CheckStrict
	case skip:
		opt.Check = shard.CheckSkip
	}
	data, err := a.blobs.Read(r.Context(), id, opt)
	if err != nil {
		a.fail(w, r, problemOf(err))
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=86400, stale-while-revalidate=3600")
	h.Set("ETag", `"`+id.String()+`"`)
	setContentType(h, r)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// setContentType mirrors what the request asks for. [WS] §1.4
func setContentType(h http.Header, r *http.Request) {
	accept, own := r.Header.Get("Accept"), r.Header.Get("Content-Type")
	switch {
	case accept != "" && !strings.Contains(accept, "*"):
		h.Set("Content-Type", accept)
	case own != "":
		h.Set("Content-Type", own)
	default:
		h.Set("Content-Type", "application/octet-stream")
	}
}

// getStatus is GET /v1/blobs/{blob_id}/status.
func (a *api) getStatus(w http.ResponseWriter, r *http.Request) {
	id, ok := a.blobID(w, r)
	if !ok {
		return
	}
	status, err := a.blobs.Status(r.Context(), id)
	if err != nil {
		a.fail(w, r, problemOf(err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(client.ToStatus(id, status)) // a client that has gone needs no answer
}

func (a *api) blobID(w http.ResponseWriter, r *http.Request) (shard.BlobID, bool) {
	id, err := shard.ParseBlobID(r.PathValue("blob_id"))
	if err != nil {
		a.fail(w, r, problem{http.StatusBadRequest, statusInvalidArgument, "MALFORMED_REQUEST", err.Error()})
	}
	return id, err == nil
}
