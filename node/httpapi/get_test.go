package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/httpapi"
	"github.com/floe-storage/floe/shard"
)

var contentPath = "/v1/blobs/" + contentID.String()

// wantHeaders checks headers; "" stands for none.
func wantHeaders(t *testing.T, res answer, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := res.header.Get(name); got != value {
			t.Errorf("got %s %q, want %q", name, got, value)
		}
	}
}

var blobHeaders = map[string]string{
	"ETag":                   `"` + contentID.String() + `"`,
	"Cache-Control":          "public, max-age=86400, stale-while-revalidate=3600",
	"X-Content-Type-Options": "nosniff",
	"Accept-Ranges":          "bytes",
	"Content-Length":         "12",
	"Content-Type":           "application/octet-stream",
	"Vary":                   "Accept, Content-Type",
}

func TestGet(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	for _, query := range []string{"", "?cb=1", "?strict_consistency_check=false&skip_consistency_check=false"} {
		res := do(t, h, http.MethodGet, contentPath+query, nil)
		if body := res.body; res.code != http.StatusOK || body != string(content) {
			t.Errorf("got %d %q", res.code, body)
		}
		wantHeaders(t, res, blobHeaders)
	}
}

func TestHeadFetchesNothing(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{read: unwanted(t)}})
	res := do(t, h, http.MethodHead, contentPath, nil, "Range", "bytes=0-1")
	if body := res.body; res.code != http.StatusOK || body != "" {
		t.Errorf("got %d %q", res.code, body)
	}
	wantHeaders(t, res, blobHeaders)

	res = do(t, h, http.MethodHead, "/v1/blobs/"+shard.BlobID{}.String(), nil)
	wantHeaders(t, res, map[string]string{"Cache-Control": "no-store", "ETag": ""})
	if res.code != http.StatusNotFound {
		t.Errorf("unknown blob: got %d, want 404", res.code)
	}
}

// unwanted is a Read that no request may cause.
func unwanted(t *testing.T) func(context.Context, shard.BlobID, client.ReadOptions) ([]byte, error) {
	return func(context.Context, shard.BlobID, client.ReadOptions) ([]byte, error) {
		t.Error("the blob was fetched")
		return nil, client.ErrUnavailable
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	tag := contentID.String()
	tests := map[string]struct {
		header []string
		code   int
		reads  bool
	}{
		"has it":                {[]string{"If-None-Match", `"` + tag + `"`}, 304, false},
		"has it, weakly":        {[]string{"If-None-Match", `W/"` + tag + `"`}, 304, false},
		"has it, as in Walrus":  {[]string{"If-None-Match", tag}, 304, false},
		"has it among others":   {[]string{"If-None-Match", `"x", "` + tag + `"`}, 304, false},
		"has anything":          {[]string{"If-None-Match", "*"}, 304, false},
		"has another":           {[]string{"If-None-Match", `"x"`}, 200, true},
		"wants it":              {[]string{"If-Match", `"` + tag + `"`}, 200, true},
		"wants another":         {[]string{"If-Match", `"x"`}, 412, true},
		"wants it and has it":   {[]string{"If-Match", `"` + tag + `"`, "If-None-Match", `"` + tag + `"`}, 304, true},
		"range if it is this":   {[]string{"If-Range", `"` + tag + `"`, "Range", "bytes=0-1"}, 206, true},
		"range if it is anothr": {[]string{"If-Range", `"x"`, "Range", "bytes=0-1"}, 200, true},
	}
	for name, tt := range tests {
		f := &fake{}
		if !tt.reads {
			f.read = unwanted(t)
		}
		res := do(t, newAPI(t, httpapi.Config{Blobs: f}), http.MethodGet, contentPath, nil, tt.header...)
		switch {
		case tt.code == http.StatusPreconditionFailed:
			wantProblem(t, res, tt.code, "PRECONDITION_FAILED")
		case res.code != tt.code:
			t.Errorf("%s: got %d, want %d", name, res.code, tt.code)
		default:
			wantHeaders(t, res, map[string]string{"ETag": blobHeaders["ETag"], "Cache-Control": blobHeaders["Cache-Control"]})
		}
	}
	// A cache that has what has ended must not be told that all is as it was.
	h := newAPI(t, httpapi.Config{Blobs: &fake{status: func(_ context.Context, id shard.BlobID) (ledger.Status, error) {
		return ledger.Status{Kind: ledger.StatusRegistered, Blob: ledger.Blob{BlobID: id}}, nil
	}}})
	wantProblem(t, do(t, h, http.MethodGet, contentPath, nil, "If-None-Match", "*"), http.StatusNotFound, "BLOB_NOT_FOUND")
	// Nor that what cannot be read is there.
	h = newAPI(t, httpapi.Config{Blobs: &fake{status: func(context.Context, shard.BlobID) (ledger.Status, error) {
		return ledger.Status{Kind: ledger.StatusInvalid}, nil
	}}})
	wantProblem(t, do(t, h, http.MethodGet, contentPath, nil, "If-None-Match", "*"), http.StatusUnprocessableEntity, "INVALID_BLOB")
}

func TestRanges(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	for _, tt := range []struct{ header, body, at string }{
		{"bytes=0-5", "twelve", "bytes 0-5/12"},
		{"bytes=7-11", "bytes", "bytes 7-11/12"},
		{"bytes=0-0", "t", "bytes 0-0/12"},
		{"bytes=7-", "bytes", "bytes 7-11/12"},
		{"bytes=0-", "twelve bytes", "bytes 0-11/12"}, // what browsers begin playing with
		{"bytes=-5", "bytes", "bytes 7-11/12"},
		{"bytes=-99", "twelve bytes", "bytes 0-11/12"},
		{"bytes=7-99", "bytes", "bytes 7-11/12"},
	} {
		res := do(t, h, http.MethodGet, contentPath, nil, "Range", tt.header)
		if body := res.body; res.code != http.StatusPartialContent || body != tt.body {
			t.Errorf("%s: got %d %q, want 206 %q", tt.header, res.code, body, tt.body)
		}
		wantHeaders(t, res, map[string]string{"Content-Range": tt.at, "ETag": blobHeaders["ETag"], "Cache-Control": blobHeaders["Cache-Control"]})
	}
	for _, header := range []string{"lines=1-2", "nonsense", "bytes"} { // units that are not known are ignored: RFC 9110 §14.2
		res := do(t, h, http.MethodGet, contentPath, nil, "Range", header)
		if body := res.body; res.code != http.StatusOK || body != string(content) {
			t.Errorf("%s: got %d %q, want 200 and all", header, res.code, body)
		}
	}
	for _, header := range []string{"bytes=12-", "bytes=12-13", "bytes=5-4", "bytes=a-b", "bytes=-", "bytes=--1"} {
		res := do(t, h, http.MethodGet, contentPath, nil, "Range", header)
		e := wantProblem(t, res, http.StatusRequestedRangeNotSatisfiable, "INVALID_BYTE_RANGE")
		if e.Error.Status != "RANGE_NOT_SATISFIABLE" || !strings.Contains(e.Error.Message, "12 bytes") {
			t.Errorf("%s: got %+v", header, e)
		}
		if want := "bytes */12"; strings.HasPrefix(header, "bytes=12") && res.header.Get("Content-Range") != want {
			t.Errorf("%s: got Content-Range %q, want %q", header, res.header.Get("Content-Range"), want)
		}
	}
	empty := newAPI(t, httpapi.Config{Blobs: &fake{read: func(context.Context, shard.BlobID, client.ReadOptions) ([]byte, error) { return nil, nil }}})
	if res := do(t, empty, http.MethodGet, contentPath, nil, "Range", "bytes=0-"); res.code != http.StatusOK {
		t.Errorf("of an empty blob: got %d, want 200", res.code)
	}
}

func TestContentTypeIsMirrored(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	for _, tt := range []struct{ accept, own, want string }{
		{"", "", "application/octet-stream"},
		{"image/png", "", "image/png"},
		{"text/html; charset=utf-8", "image/png", "text/html; charset=utf-8"},
		{"*/*", "", "application/octet-stream"},
		{"image/*", "image/png", "image/png"},
		{"image/png, image/webp", "", "application/octet-stream"}, // a list is no type
		{"", "video/mp4", "video/mp4"},
		{"", "*/*", "application/octet-stream"},
	} {
		var header []string
		if tt.accept != "" {
			header = append(header, "Accept", tt.accept)
		}
		if tt.own != "" {
			header = append(header, "Content-Type", tt.own)
		}
		res := do(t, h, http.MethodGet, contentPath, nil, header...)
		if got := res.header.Get("Content-Type"); got != tt.want {
			t.Errorf("Accept %q, Content-Type %q: got %q, want %q", tt.accept, tt.own, got, tt.want)
		}
	}
}

func TestConsistencyChecks(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]shard.Check{
		"":                               shard.CheckDefault,
		"strict_consistency_check=true":  shard.CheckStrict,
		"skip_consistency_check=true":    shard.CheckSkip,
		"strict_consistency_check=false": shard.CheckDefault,
	} {
		h := newAPI(t, httpapi.Config{Blobs: &fake{read: func(_ context.Context, _ shard.BlobID, opt client.ReadOptions) ([]byte, error) {
			if opt.Check != want {
				t.Errorf("%s: got check %v, want %v", query, opt.Check, want)
			}
			return content, nil
		}}})
		if res := do(t, h, http.MethodGet, contentPath+"?"+query, nil); res.code != http.StatusOK {
			t.Errorf("%s: got %d", query, res.code)
		}
	}
	h := newAPI(t, httpapi.Config{Blobs: &fake{read: unwanted(t)}})
	wantProblem(t, do(t, h, http.MethodGet, contentPath+"?strict_consistency_check=true&skip_consistency_check=true", nil),
		http.StatusBadRequest, "INVALID_CONSISTENCY_CHECK")
	wantProblem(t, do(t, h, http.MethodGet, contentPath+"?strict_consistency_check=yes", nil), http.StatusBadRequest, "MALFORMED_REQUEST")
}

func TestMalformedIDs(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{read: unwanted(t)}})
	good := contentID.String()
	for name, id := range map[string]string{
		"short": good[1:], "long": good + "A", "standard alphabet": "+" + good[1:], "padded": good + "=",
		"stray bits": good[:42] + "B", "one letter": "x", "space": good[:42] + "%20",
	} {
		for _, path := range []string{"/v1/blobs/" + id, "/v1/blobs/" + id + "/status"} {
			e := wantProblem(t, do(t, h, http.MethodGet, path, nil), http.StatusBadRequest, "MALFORMED_REQUEST")
			if !strings.Contains(e.Error.Message, "blob ID") {
				t.Errorf("%s: got %q", name, e.Error.Message)
			}
		}
	}
}
