package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// getBlob is GET and HEAD /v1/blobs/{blob_id}. [WS] §1.4, §1.9
func (a *api) getBlob(w http.ResponseWriter, r *http.Request) {
	id, ok := a.blobID(w, r)
	if !ok {
		return
	}
	opt, fault := readOptions(r.URL.Query())
	if fault != nil {
		a.fail(w, r, *fault)
		return
	}
	content, unchanged, err := a.content(r, id, opt)
	if err != nil {
		a.fail(w, r, problemOf(err))
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=86400, stale-while-revalidate=3600")
	h.Set("ETag", etag(id))
	h.Set("Vary", "Accept, Content-Type") // the content type mirrors them
	if unchanged {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType(r))
	if r.Method == http.MethodHead || !strings.HasPrefix(r.Header.Get("Range"), "bytes=") {
		r.Header.Del("Range") // ranges are of GET and of bytes, others are ignored: RFC 9110 §14.2
	}
	http.ServeContent(&enveloped{ResponseWriter: w, refuse: func(code int) {
		a.fail(w, r, refusedContent(code, r, content))
	}}, r, "", time.Time{}, content)
}

func etag(id shard.BlobID) string { return `"` + id.String() + `"` }

// readOptions reads the query; keys that are not known are ignored. [WS] §1.9
func readOptions(q url.Values) (client.ReadOptions, *problem) {
	var opt client.ReadOptions
	var strict, skip bool
	if p := readBools(q, boolParam{"strict_consistency_check", &strict}, boolParam{"skip_consistency_check", &skip}); p != nil {
		return opt, p
	}
	switch {
	case strict && skip:
		return opt, &problem{
			code: http.StatusBadRequest, status: statusInvalidArgument, reason: "INVALID_CONSISTENCY_CHECK",
			message: "the check cannot be both strict and skipped",
		}
	case strict:
		opt.Check = shard.CheckStrict
	case skip:
		opt.Check = shard.CheckSkip
	}
	return opt, nil
}

// content returns a blob, or only its size if that is all that is asked for. If
// the client has the blob already it returns true instead.
func (a *api) content(r *http.Request, id shard.BlobID, opt client.ReadOptions) (content io.ReadSeeker, unchanged bool, err error) {
	has := r.Header.Get("If-Match") == "" && matches(r.Header.Get("If-None-Match"), id)
	if r.Method != http.MethodHead && !has {
		data, err := a.blobs.Read(r.Context(), id, opt)
		return bytes.NewReader(data), false, err
	}
	status, err := a.blobs.Status(r.Context(), id)
	switch {
	case err == nil && status.Kind == ledger.StatusInvalid:
		err = fmt.Errorf("%w: %v", client.ErrInconsistent, id)
	case err == nil && !status.Available():
		err = fmt.Errorf("%w: %v", client.ErrNotFound, id)
	}
	return &extent{size: int64(status.Blob.Size)}, has, err
}

// matches tells whether an If-None-Match names the blob. Walrus's entity tags
// have no quotes, and clients that know those send them as they got them.
func matches(header string, id shard.BlobID) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || strings.Trim(tag, `"`) == id.String() {
			return true
		}
	}
	return false
}

// extent is content of which only the size is known and needed.
type extent struct{ size int64 }

var errNoContent = errors.New("httpapi: content that was not fetched is read")

func (*extent) Read([]byte) (int, error) { return 0, errNoContent }

// Seek serves to find the size, and to go back to the start.
func (e *extent) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		return e.size + offset, nil
	}
	return offset, nil
}

// enveloped lets [http.ServeContent] refuse ranges and preconditions in the
// envelope, where it has bare text.
type enveloped struct {
	http.ResponseWriter
	refuse  func(code int)
	refused bool
}

// WriteHeader implements [http.ResponseWriter].
func (e *enveloped) WriteHeader(code int) {
	if code < http.StatusBadRequest {
		e.ResponseWriter.WriteHeader(code)
		return
	}
	e.refused = true
	e.refuse(code)
}

// Write implements [http.ResponseWriter].
func (e *enveloped) Write(b []byte) (int, error) {
	if e.refused {
		return len(b), nil // the bare text
	}
	return e.ResponseWriter.Write(b)
}

func refusedContent(code int, r *http.Request, content io.Seeker) problem {
	switch code {
	case http.StatusRequestedRangeNotSatisfiable:
		size, err := content.Seek(0, io.SeekEnd)
		if err != nil {
			size = 0
		}
		return problem{
			code: code, status: statusRange, reason: "INVALID_BYTE_RANGE",
			message: fmt.Sprintf("the blob has %d bytes, none of them in the range %s", size, r.Header.Get("Range")),
		}
	case http.StatusPreconditionFailed:
		return problem{code: code, status: statusFailedPrecond, reason: "PRECONDITION_FAILED", message: "the blob is not the one that the request wants"}
	default:
		return problem{
			code: http.StatusInternalServerError, status: statusInternal, reason: reasonInternal, message: "internal error",
			internal: fmt.Errorf("serve content: status %d", code),
		}
	}
}

// contentType mirrors what the request asks for. [WS] §1.4
func contentType(r *http.Request) string {
	for _, wanted := range []string{r.Header.Get("Accept"), r.Header.Get("Content-Type")} {
		if strings.Contains(wanted, "*") {
			continue
		}
		if _, _, err := mime.ParseMediaType(wanted); err == nil { // a list of types is none
			return wanted
		}
	}
	return "application/octet-stream"
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
	writeJSON(w, client.ToStatus(id, status))
}

// writeJSON answers with something that is true only now.
func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

func (a *api) blobID(w http.ResponseWriter, r *http.Request) (shard.BlobID, bool) {
	id, err := shard.ParseBlobID(r.PathValue("blob_id"))
	if err != nil {
		a.fail(w, r, malformed("%v", err))
	}
	return id, err == nil
}
