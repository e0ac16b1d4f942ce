package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/httpapi"
)

// recorder keeps what was to be stored.
type recorder struct {
	fake
	data []byte
	opt  client.StoreOptions
}

func newRecorder() *recorder {
	r := &recorder{}
	r.store = func(_ context.Context, data []byte, opt client.StoreOptions) (*client.StoreResult, error) {
		r.data, r.opt = data, opt
		return &client.StoreResult{BlobID: contentID}, nil
	}
	return r
}

func TestStoreOptions(t *testing.T) {
	t.Parallel()
	to := ledger.Address{9}
	tests := map[string]client.StoreOptions{
		"":                                {Epochs: 1, Deletable: true},
		"epochs=1":                        {Epochs: 1, Deletable: true},
		"epochs=53":                       {Epochs: 53, Deletable: true},
		"permanent=true":                  {Epochs: 1},
		"permanent=false":                 {Epochs: 1, Deletable: true},
		"deletable=true":                  {Epochs: 1, Deletable: true},
		"deletable=false":                 {Epochs: 1, Deletable: true}, // deprecated, without effect
		"deletable=false&permanent=true":  {Epochs: 1},
		"force=true":                      {Epochs: 1, Deletable: true, Force: true},
		"encoding_type=RS2":               {Epochs: 1, Deletable: true},
		"send_object_to=" + to.String():   {Epochs: 1, Deletable: true, SendTo: to},
		"reuse_resources=true":            {Epochs: 1, Deletable: true},
		"share=false":                     {Epochs: 1, Deletable: true},
		"cb=1727&anything=%20&epochs=2":   {Epochs: 2, Deletable: true},
		"epochs=2&epochs=nonsense&EPOCHS": {Epochs: 2, Deletable: true},
	}
	for query, want := range tests {
		r := newRecorder()
		res := do(t, newAPI(t, httpapi.Config{Blobs: r}), http.MethodPut, "/v1/blobs?"+query, strings.NewReader("data"))
		if text := res.body; res.code != http.StatusOK {
			t.Errorf("%s: got %d %s", query, res.code, text)
			continue
		}
		got := r.opt
		if got.Epochs != want.Epochs || got.Deletable != want.Deletable || got.Force != want.Force || got.SendTo != want.SendTo {
			t.Errorf("%s: got %+v, want %+v", query, got, want)
		}
		if string(r.data) != "data" {
			t.Errorf("%s: stored %q", query, r.data)
		}
	}
}

func TestBadStoreOptions(t *testing.T) {
	t.Parallel()
	const malformed = "MALFORMED_REQUEST"
	tests := map[string]struct{ reason, says string }{
		"epochs=0":                      {malformed, "epochs=0"},
		"epochs=-1":                     {malformed, "epochs=-1"},
		"epochs=abc":                    {malformed, "epochs=abc"},
		"epochs=1.5":                    {malformed, "epochs=1.5"},
		"epochs=max":                    {malformed, "epochs=max"},
		"epochs=54":                     {malformed, "1 to 53"},
		"epochs=4294967295":             {malformed, "1 to 53"},
		"epochs=4294967296":             {malformed, "epochs=4294967296"},
		"epochs=99999999999999999999":   {malformed, "epochs=9999"},
		"permanent=yes":                 {malformed, "permanent=yes"},
		"deletable=1":                   {malformed, "deletable=1"},
		"force=TRUE":                    {malformed, "force=TRUE"},
		"reuse_resources=x":             {malformed, "reuse_resources=x"},
		"share=true":                    {malformed, "shared"},
		"permanent=true&deletable=true": {"INVALID_BLOB_PERSISTENCE", "both"},
		"encoding_type=RedStuff":        {malformed, "RS2"},
		"send_object_to=0x12":           {malformed, "send_object_to"},
		"epochs=5;permanent=true":       {malformed, "query"},
		"epochs=%zz":                    {malformed, "query"},
	}
	for query, tt := range tests {
		f := &fake{store: func(context.Context, []byte, client.StoreOptions) (*client.StoreResult, error) {
			t.Errorf("%s: stored", query)
			return nil, errors.New("stored")
		}}
		res := do(t, newAPI(t, httpapi.Config{Blobs: f}), http.MethodPut, "/v1/blobs?"+query, strings.NewReader("data"))
		if e := wantProblem(t, res, http.StatusBadRequest, tt.reason); !strings.Contains(e.Error.Message, tt.says) {
			t.Errorf("%s: got message %q, want it to say %q", query, e.Error.Message, tt.says)
		}
	}
}

// unsized hides the size of what it reads, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.Reader{
		"none":          nil,
		"empty":         strings.NewReader(""),
		"empty chunked": unsized{strings.NewReader("")},
		"of known size": strings.NewReader("data"),
		"chunked":       unsized{strings.NewReader("data")},
		"the largest":   bytes.NewReader(oversized[1:]),
	} {
		r := newRecorder()
		var want []byte
		if b, ok := body.(*bytes.Reader); ok {
			want = oversized[1:]
			body = b
		} else if strings.Contains(name, "known") || name == "chunked" {
			want = []byte("data")
		}
		res := do(t, newAPI(t, httpapi.Config{Blobs: r}), http.MethodPut, "/v1/blobs", body)
		if res.code != http.StatusOK || r.data == nil || !bytes.Equal(r.data, want) {
			t.Errorf("%s: got %d, stored %d bytes, want %d", name, res.code, len(r.data), len(want))
		}
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	e := wantProblem(t, do(t, h, http.MethodPut, "/v1/blobs", bytes.NewReader(oversized)), http.StatusRequestEntityTooLarge, "BLOB_TOO_LARGE")
	want := "a blob of 393205 bytes is larger than the 393204 bytes that a blob can have with 4 shards; 5 shards would take it"
	if e.Error.Message != want {
		t.Errorf("got %q, want %q", e.Error.Message, want)
	}
	if m := e.Error.Details[0].Metadata; m["size"] != "393205" || m["maxSize"] != "393204" || m["shards"] != "4" || m["neededShards"] != "5" {
		t.Errorf("got metadata %v", m)
	}

	e = wantProblem(t, do(t, h, http.MethodPut, "/v1/blobs", unsized{bytes.NewReader(oversized)}), http.StatusRequestEntityTooLarge, "BLOB_TOO_LARGE")
	want = "the body is larger than the 393204 bytes that a blob can have with 4 shards; at least 5 shards would be needed"
	if e.Error.Message != want {
		t.Errorf("without a size: got %q, want %q", e.Error.Message, want)
	}
	if m := e.Error.Details[0].Metadata; m["size"] != "" || m["maxSize"] != "393204" || m["neededShards"] != "5" {
		t.Errorf("without a size: got metadata %v", m)
	}

	own := newAPI(t, httpapi.Config{Blobs: &fake{}, MaxBody: 10})
	for _, body := range []io.Reader{strings.NewReader("eleven byte"), unsized{strings.NewReader("eleven byte")}} {
		e = wantProblem(t, do(t, own, http.MethodPut, "/v1/blobs", body), http.StatusRequestEntityTooLarge, "BLOB_TOO_LARGE")
		if !strings.Contains(e.Error.Message, "10") || strings.Contains(e.Error.Message, "shards") {
			t.Errorf("our own limit: got %q", e.Error.Message)
		}
	}
	if res := do(t, own, http.MethodPut, "/v1/blobs", strings.NewReader("ten bytes.")); res.code != http.StatusOK {
		t.Errorf("as large as our own limit: got %d", res.code)
	}
}

func TestOnlySoManyAtATime(t *testing.T) {
	t.Parallel()
	const most = 3
	under, release := make(chan struct{}), make(chan struct{})
	h := newAPI(t, httpapi.Config{MaxWrites: most, MaxReads: most, Blobs: &fake{
		store: func(context.Context, []byte, client.StoreOptions) (*client.StoreResult, error) {
			under <- struct{}{}
			<-release
			return &client.StoreResult{BlobID: contentID}, nil
		},
	}})
	put := func() answer {
		return do(t, h, http.MethodPut, "/v1/blobs", strings.NewReader("data"))
	}
	answers := make(chan int, most)
	for range most {
		go func() { answers <- put().code }() // ends when it is released
		<-under
	}
	e := wantProblem(t, put(), http.StatusTooManyRequests, "TOO_MANY_REQUESTS")
	if e.Error.Status != "RESOURCE_EXHAUSTED" {
		t.Errorf("got status %q", e.Error.Status)
	}
	if res := do(t, h, http.MethodGet, "/v1/blobs/"+contentID.String(), nil); res.code != http.StatusOK {
		t.Errorf("a read meanwhile: got %d, want 200", res.code)
	}
	close(release)
	for range most {
		if got := <-answers; got != http.StatusOK {
			t.Errorf("got %d, want 200", got)
		}
	}
	go func() { <-under }() // ends with the next write
	if got := put().code; got != http.StatusOK {
		t.Errorf("when there is room again: got %d, want 200", got)
	}
}
