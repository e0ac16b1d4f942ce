package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// putBlob is PUT /v1/blobs. [WS] §1.6
func (a *api) putBlob(w http.ResponseWriter, r *http.Request) {
	opt, err := storeOptions(r.URL.Query())
	if err != nil {
		a.fail(w, r, *err)
		return
	}
	select {
	case a.writes <- struct{}{}:
		defer func() { <-a.writes }()
	default:
		a.fail(w, r, problem{
			http.StatusTooManyRequests, statusResourceExhausted, "TOO_MANY_REQUESTS",
			fmt.Sprintf("%d writes are under way already; try again", cap(a.writes)),
		})
		return
	}
	data, err := a.body(w, r)
	if err != nil {
		a.fail(w, r, *err)
		return
	}
	result, fault := a.blobs.Store(r.Context(), data, opt)
	if fault != nil {
		a.fail(w, r, problemOf(fault))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(client.ToStored(result)) // a client that has gone needs no answer
}

// body reads the request's body, at most as much as the network can take.
func (a *api) body(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	net, err := a.blobs.Network(r.Context())
	if err != nil {
		p := problemOf(err)
		return nil, &p
	}
	params := net.Committee.Params()
	limit := min(a.max, int64(params.MaxBlobSize()))
	tooLarge := func() *problem {
		p := problem{http.StatusRequestEntityTooLarge, statusSizeExceeded, "BLOB_TOO_LARGE", fmt.Sprintf("the body is larger than the limit of %d bytes", limit)}
		if size := r.ContentLength; size > 0 {
			if _, err := params.SymbolSize(uint64(size)); err != nil {
				p.message = err.Error()
			}
		}
		return &p
	}
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, tooLarge()
	}
	reader := http.MaxBytesReader(w, r.Body, limit)
	var data []byte
	if r.ContentLength >= 0 {
		data = make([]byte, r.ContentLength)
		_, err = io.ReadFull(reader, data)
	} else {
		data, err = io.ReadAll(reader)
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge()
	case err != nil:
		return nil, &problem{http.StatusBadRequest, statusInvalidArgument, "MALFORMED_REQUEST", "the body ended early: " + err.Error()}
	}
	return data, nil
}

// storeOptions reads the query; keys that are not known are ignored. [WS] §1.9
func storeOptions(q url.Values) (client.StoreOptions, *problem) {
	opt := client.StoreOptions{Epochs: 1, Deletable: true}
	bad := func(reason, format string, args ...any) *problem {
		return &problem{http.StatusBadRequest, statusInvalidArgument, reason, fmt.Sprintf(format, args...)}
	}
	const malformed = "MALFORMED_REQUEST"
	if s := q.Get("epochs"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n == 0 {
			return opt, bad(malformed, "epochs=%s is not a number from 1 up", s)
		}
		opt.Epochs = uint32(n)
	}
	var permanent, deletable bool
	for key, dst := range map[string]*bool{"permanent": &permanent, "deletable": &deletable, "force": &opt.Force} {
		switch s := q.Get(key); s {
		case "", "false":
		case "true":
			*dst = true
		default:
			return opt, bad(malformed, "%s=%s is neither true nor false", key, s)
		}
	}
	if permanent && deletable {
		return opt, bad("INVALID_BLOB_PERSISTENCE", "a blob cannot be both permanent and deletable")
	}
	opt.Deletable = !permanent
	if s := q.Get("encoding_type"); s != "" && s != shard.EncodingName {
		return opt, bad(malformed, "encoding_type=%s is not supported, %s is", s, shard.EncodingName)
	}
	if s := q.Get("send_object_to"); s != "" {
		to, err := ledger.ParseAddress(s)
		if err != nil {
			return opt, bad(malformed, "send_object_to: %v", err)
		}
		opt.SendTo = to
	}
	return opt, nil
}
