package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/shard"
)

// putBlob is PUT /v1/blobs. [WS] §1.6
func (a *api) putBlob(w http.ResponseWriter, r *http.Request) {
	in := patient{Reader: r.Body, control: http.NewResponseController(w)}
	in.extend() // also for what the server discards of the body when it is refused
	opt, fault := storeOptions(r.URL.RawQuery)
	if fault != nil {
		a.fail(w, r, *fault)
		return
	}
	net, err := a.blobs.Network(r.Context())
	if err != nil {
		a.fail(w, r, problemOf(err))
		return
	}
	if most := net.Params.MaxEpochsAhead; opt.Epochs > most {
		a.fail(w, r, malformed("epochs=%d is too many: storage is sold for 1 to %d", opt.Epochs, most))
		return
	}
	data, fault := a.body(w, r, in, net.Committee.Params())
	if fault != nil {
		a.fail(w, r, *fault)
		return
	}
	result, err := a.blobs.Store(r.Context(), data, opt)
	if err != nil {
		a.fail(w, r, problemOf(err))
		return
	}
	writeJSON(w, client.ToStored(result))
}

// patient reads a body from a sender that may be slow and must not stop: it
// holds one of few places meanwhile.
type patient struct {
	io.Reader
	control *http.ResponseController
}

// Read implements [io.Reader]; it fails with [os.ErrDeadlineExceeded] when the
// sender has stopped.
func (p patient) Read(b []byte) (int, error) {
	p.extend()
	return p.Reader.Read(b)
}

// extend grants the sender time for what comes next.
func (p patient) extend() { p.until(time.Now().Add(stallLimit)) }

// until ignores errors: a connection without deadlines is one that a test made.
func (p patient) until(deadline time.Time) { _ = p.control.SetReadDeadline(deadline) }

// body reads the request's body, at most as much as the network can take.
func (a *api) body(w http.ResponseWriter, r *http.Request, in patient, params shard.Params) ([]byte, *problem) {
	limit := min(a.max, int64(params.MaxBlobSize()))
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // rather than read what is of no use
		p := a.overLimit(params, r.ContentLength, true)
		return nil, &p
	}
	reader := http.MaxBytesReader(w, io.NopCloser(in), limit)
	var data []byte
	var err error
	if r.ContentLength >= 0 {
		data = make([]byte, r.ContentLength)
		_, err = io.ReadFull(reader, data)
	} else {
		data, err = io.ReadAll(reader)
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		p := a.overLimit(params, limit+1, false)
		return nil, &p
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, &problem{
			code: http.StatusRequestTimeout, status: statusDeadline, reason: "BODY_STALLED",
			message: fmt.Sprintf("no byte of the body came for %v", stallLimit),
		}
	case err != nil:
		p := malformed("the body ended early: %v", err)
		return nil, &p
	}
	in.until(time.Time{}) // from now on the client waits for us
	return data, nil
}

// overLimit says which limit a body of that size, or more if it is not exact,
// is over: the network's or ours.
func (a *api) overLimit(params shard.Params, size int64, exact bool) problem {
	if a.max >= int64(params.MaxBlobSize()) {
		return tooLarge(&shard.TooLargeError{Size: uint64(size), Max: params.MaxBlobSize(), Shards: params.Shards()}, exact)
	}
	p := problem{
		code: http.StatusRequestEntityTooLarge, status: statusSizeExceeded, reason: reasonTooLarge,
		message:  fmt.Sprintf("the body is larger than the %d bytes that this gateway takes", a.max),
		metadata: map[string]string{"maxSize": strconv.FormatInt(a.max, 10)},
	}
	if exact {
		p.message = fmt.Sprintf("a body of %d bytes is larger than the %d that this gateway takes", size, a.max)
		p.metadata["size"] = strconv.FormatInt(size, 10)
	}
	return p
}

// storeOptions reads the query; keys that are not known are ignored. [WS] §1.9
func storeOptions(query string) (client.StoreOptions, *problem) {
	opt := client.StoreOptions{Epochs: 1}
	bad := func(format string, args ...any) (client.StoreOptions, *problem) {
		p := malformed(format, args...)
		return opt, &p
	}
	q, err := url.ParseQuery(query)
	if err != nil { // what cannot be read may have been meant: do not store with defaults
		return bad("the query cannot be read: %v", err)
	}
	if s := q.Get("epochs"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n == 0 {
			return bad("epochs=%s is not a number from 1 up", s)
		}
		opt.Epochs = uint32(n)
	}
	var permanent, deletable, share, reuse bool
	if p := readBools(q, boolParam{"permanent", &permanent}, boolParam{"deletable", &deletable}, boolParam{"force", &opt.Force},
		boolParam{"share", &share}, boolParam{"reuse_resources", &reuse}); p != nil {
		return opt, p
	}
	if permanent && deletable {
		return opt, &problem{
			code: http.StatusBadRequest, status: statusInvalidArgument, reason: "INVALID_BLOB_PERSISTENCE",
			message: "a blob cannot be both permanent and deletable",
		}
	}
	if share { // to store it unshared would not be what was asked for
		return bad("share=true is not supported: this network has no shared blobs")
	}
	opt.Deletable = !permanent
	if s := q.Get("encoding_type"); s != "" && s != shard.EncodingName {
		return bad("encoding_type=%s is not supported, %s is", s, shard.EncodingName)
	}
	if s := q.Get("send_object_to"); s != "" {
		to, err := ledger.ParseAddress(s)
		if err != nil {
			return bad("send_object_to: %v", err)
		}
		opt.SendTo = to
	}
	return opt, nil
}

// boolParam is a key of a query that is true or false.
type boolParam struct {
	key string
	dst *bool
}

func readBools(q url.Values, params ...boolParam) *problem {
	for _, b := range params {
		switch s := q.Get(b.key); s {
		case "", "false":
		case "true":
			*b.dst = true
		default:
			p := malformed("%s=%s is neither true nor false", b.key, s)
			return &p
		}
	}
	return nil
}
