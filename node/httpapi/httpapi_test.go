package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/httpapi"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

const (
	shards    = 4
	maxEpochs = 53
)

// content and contentID are a blob that every fake has.
var (
	content   = []byte("twelve bytes")
	contentID = shard.BlobID{1, 2, 3}
)

// fake is a client whose answers the test gives. Methods that are nil answer
// that all is well.
type fake struct {
	store   func(ctx context.Context, data []byte, opt client.StoreOptions) (*client.StoreResult, error)
	read    func(ctx context.Context, id shard.BlobID, opt client.ReadOptions) ([]byte, error)
	status  func(ctx context.Context, id shard.BlobID) (ledger.Status, error)
	network func(ctx context.Context) (*client.Network, error)
}

func (f *fake) Store(ctx context.Context, data []byte, opt client.StoreOptions) (*client.StoreResult, error) {
	if f.store != nil {
		return f.store(ctx, data, opt)
	}
	return &client.StoreResult{BlobID: contentID, Size: uint64(len(data))}, nil
}

func (f *fake) Read(ctx context.Context, id shard.BlobID, opt client.ReadOptions) ([]byte, error) {
	if f.read != nil {
		return f.read(ctx, id, opt)
	}
	if id != contentID {
		return nil, client.ErrNotFound
	}
	return content, nil
}

func (f *fake) Status(ctx context.Context, id shard.BlobID) (ledger.Status, error) {
	if f.status != nil {
		return f.status(ctx, id)
	}
	if id != contentID {
		return ledger.Status{Epoch: 1}, nil
	}
	return ledger.Status{Kind: ledger.StatusPermanent, Epoch: 1, Blob: ledger.Blob{BlobID: id, Size: uint64(len(content)), Certified: 1}}, nil
}

func (f *fake) Network(ctx context.Context) (*client.Network, error) {
	if f.network != nil {
		return f.network(ctx)
	}
	key, err := bls.GenerateKey()
	if err != nil {
		return nil, err
	}
	all := make([]shard.Index, shards)
	for i := range all {
		all[i] = shard.Index(i)
	}
	c, err := committee.New(1, shards, []committee.Member{{ID: committee.NodeID{1}, Name: "one", BLSKey: key.PublicKey(), NetworkKey: [32]byte{1}, Shards: all}})
	if err != nil {
		return nil, err
	}
	return &client.Network{Params: ledger.Params{MaxEpochsAhead: maxEpochs}, Committee: c}, nil
}

func newAPI(t *testing.T, cfg httpapi.Config) http.Handler {
	t.Helper()
	h, err := httpapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// answer is a response that has been read.
type answer struct {
	code   int
	header http.Header
	body   string
	size   int64 // as announced
	close  bool  // the connection ends with it
}

func answerOf(t *testing.T, res *http.Response) answer {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b), res.ContentLength, res.Close}
}

// do carries out one request on a handler.
func do(t *testing.T, h http.Handler, method, target string, body io.Reader, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answerOf(t, w.Result())
}

// envelope is an error as Walrus's clients read it.
type envelope struct {
	Error struct {
		Status  string `json:"status"`
		Code    int    `json:"code"`
		Message string `json:"message"`
		Details []struct {
			Type         string            `json:"@type"`
			Reason       string            `json:"reason"`
			Domain       string            `json:"domain"`
			Metadata     map[string]string `json:"metadata"`
			StackEntries []string          `json:"stackEntries"`
			Detail       string            `json:"detail"`
		} `json:"details"`
	} `json:"error"`
}

// wantProblem checks that an answer is the envelope, not to be cached, with
// that code and reason, and returns it.
func wantProblem(t *testing.T, res answer, code int, reason string) envelope {
	t.Helper()
	text := res.body
	if res.code != code {
		t.Errorf("got status %d, want %d; body %s", res.code, code, text)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Etag": "",
		"Access-Control-Allow-Origin": "*",
	} {
		if got := res.header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	wantRetry := ""
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		wantRetry = "1"
	}
	if got := res.header.Get("Retry-After"); got != wantRetry {
		t.Errorf("got Retry-After %q, want %q", got, wantRetry)
	}
	var e envelope
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatalf("the body %q is no envelope: %v", text, err)
	}
	if e.Error.Code != code || e.Error.Status == "" || e.Error.Message == "" || len(e.Error.Details) == 0 {
		t.Fatalf("incomplete envelope %s", text)
	}
	if info := e.Error.Details[0]; info.Type != "ErrorInfo" || info.Reason != reason || info.Domain == "" || info.Metadata == nil {
		t.Errorf("got details %+v, want an ErrorInfo with reason %s", info, reason)
	}
	return e
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if _, err := httpapi.New(httpapi.Config{}); err == nil {
		t.Error("no Blobs: got no error")
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	blob := "/v1/blobs/" + contentID.String()

	res := do(t, h, http.MethodGet, "/status", nil)
	if body := res.body; res.code != http.StatusOK || body != "OK" {
		t.Errorf("/status: got %d %q", res.code, body)
	}
	for _, path := range []string{"/", "/v1", "/v1/blobs/", "/v1/quilts", blob + "/nothing", "/v1alpha/blobs/concat"} {
		wantProblem(t, do(t, h, http.MethodGet, path, nil), http.StatusNotFound, "ROUTE_NOT_FOUND")
	}
	for _, tt := range []struct{ method, path, allow string }{
		{http.MethodGet, "/v1/blobs", "PUT, OPTIONS"},
		{http.MethodPost, "/v1/blobs", "PUT, OPTIONS"},
		{http.MethodPut, blob, "GET, HEAD, OPTIONS"},
		{http.MethodDelete, blob, "GET, HEAD, OPTIONS"},
		{http.MethodPost, blob + "/status", "GET, HEAD, OPTIONS"},
		{http.MethodPut, "/status", "GET, HEAD, OPTIONS"},
		{"NONSENSE", "/status", "GET, HEAD, OPTIONS"},
	} {
		res := do(t, h, tt.method, tt.path, nil)
		if got := res.header.Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: got Allow %q, want %q", tt.method, tt.path, got, tt.allow)
		}
		wantProblem(t, res, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	}
}

func TestPagesOfOtherOriginsMayAsk(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	for _, path := range []string{"/v1/blobs", "/v1/blobs/" + contentID.String(), "/status"} {
		res := do(t, h, http.MethodOptions, path, nil, "Origin", "https://example.org", "Access-Control-Request-Method", "PUT")
		if res.code != http.StatusNoContent {
			t.Errorf("%s: got status %d, want 204", path, res.code)
		}
		for _, name := range []string{"Allow-Origin", "Allow-Methods", "Allow-Headers"} {
			if got := res.header.Get("Access-Control-" + name); got != "*" {
				t.Errorf("%s: got Access-Control-%s %q, want *", path, name, got)
			}
		}
	}
	res := do(t, h, http.MethodGet, "/v1/blobs/"+contentID.String(), nil)
	if got := res.header.Get("Access-Control-Expose-Headers"); got != "*" {
		t.Errorf("got Access-Control-Expose-Headers %q, want *: pages need the ETag and Content-Range", got)
	}
}

// TestErrors checks what becomes of each error that a client gives.
func TestErrors(t *testing.T) {
	t.Parallel()
	wrap := func(err error) error { return errors.Join(errors.New("something before"), err) }
	tests := map[string]struct {
		err    error
		code   int
		status string
		reason string
		says   string
	}{
		"not found":             {client.ErrNotFound, 404, "NOT_FOUND", "BLOB_NOT_FOUND", "no such blob"},
		"encoded wrongly":       {client.ErrInconsistent, 422, "FAILED_PRECONDITION", "INVALID_BLOB", "encoded wrongly"},
		"too few slivers":       {client.ErrUnavailable, 503, "UNAVAILABLE", "BLOB_UNAVAILABLE", "too few"},
		"too few confirmations": {client.ErrNotEnoughConfirmations, 504, "DEADLINE_EXCEEDED", "INSUFFICIENT_CONFIRMATIONS", "too few"},
		"too large":             {&shard.TooLargeError{Size: 400_000, Max: 393_204, Shards: 4}, 413, "SIZE_EXCEEDED", "BLOB_TOO_LARGE", "5 shards would take it"},
		"larger than anything":  {&shard.TooLargeError{Size: 1 << 60, Max: 393_204, Shards: 4}, 413, "SIZE_EXCEEDED", "BLOB_TOO_LARGE", "in parts"},
		"no funds":              {&ledger.Error{Code: ledger.CodeInsufficientFunds, Info: "only 3 FROST"}, 503, "UNAVAILABLE", "INSUFFICIENT_FUNDS", "only 3 FROST"},
		"bad epochs":            {&ledger.Error{Code: ledger.CodeBadEpochs, Info: "sold for 1 to 5"}, 400, "INVALID_ARGUMENT", "MALFORMED_REQUEST", "1 to 5"},
		"no capacity":           {&ledger.Error{Code: ledger.CodeNoCapacity, Info: "full"}, 503, "UNAVAILABLE", "NO_CAPACITY", "full"},
		"no account":            {client.ErrNoAccount, 403, "PERMISSION_DENIED", "NO_ACCOUNT", "only reads"},
		"closed":                {client.ErrClosed, 503, "UNAVAILABLE", "SHUTTING_DOWN", "shutting down"},
		"time is up":            {context.DeadlineExceeded, 504, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "in time"},
		"given up":              {context.Canceled, 499, "CANCELLED", "REQUEST_GIVEN_UP", "given up"}, //nolint:misspell // as gRPC spells it
		"another refusal":       {&ledger.Error{Code: ledger.CodeOverflow, Info: "secret"}, 500, "INTERNAL", "INTERNAL_ERROR", "internal error"},
		"a bug":                 {errors.New("secret"), 500, "INTERNAL", "INTERNAL_ERROR", "internal error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAPI(t, httpapi.Config{Blobs: &fake{
				store: func(context.Context, []byte, client.StoreOptions) (*client.StoreResult, error) {
					return nil, wrap(tt.err)
				},
				read:   func(context.Context, shard.BlobID, client.ReadOptions) ([]byte, error) { return nil, wrap(tt.err) },
				status: func(context.Context, shard.BlobID) (ledger.Status, error) { return ledger.Status{}, wrap(tt.err) },
			}})
			id := contentID.String()
			for _, res := range []answer{
				do(t, h, http.MethodPut, "/v1/blobs", strings.NewReader("data")),
				do(t, h, http.MethodGet, "/v1/blobs/"+id, nil),
				do(t, h, http.MethodGet, "/v1/blobs/"+id, nil, "If-None-Match", `"`+id+`"`),
				do(t, h, http.MethodGet, "/v1/blobs/"+id+"/status", nil),
			} {
				e := wantProblem(t, res, tt.code, tt.reason)
				if e.Error.Status != tt.status || !strings.Contains(e.Error.Message, tt.says) {
					t.Errorf("got %s %q, want %s and %q", e.Error.Status, e.Error.Message, tt.status, tt.says)
				}
				internal := tt.code == http.StatusInternalServerError
				if got := e.Error.Details[0].Domain; internal && got != "global" || !internal && got != "daemon.walrus.space" {
					t.Errorf("got domain %q", got)
				}
				if got := len(e.Error.Details); internal && got != 2 || !internal && got != 1 {
					t.Errorf("got %d details", got)
				}
				if internal && (strings.Contains(e.Error.Message, "secret") || !strings.HasPrefix(e.Error.Details[1].Detail, "TraceID: ")) {
					t.Errorf("got %+v, want a trace ID and nothing of what only the log may say", e)
				}
			}
		})
	}
	h := newAPI(t, httpapi.Config{Blobs: &fake{
		network: func(context.Context) (*client.Network, error) { return nil, client.ErrUnavailable },
	}})
	wantProblem(t, do(t, h, http.MethodPut, "/v1/blobs", nil), 503, "BLOB_UNAVAILABLE")
}

// TestEnvelope pins the very bytes of an error. [WS] §1.5
func TestEnvelope(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Config{Blobs: &fake{}})
	res := do(t, h, http.MethodGet, "/v1/blobs/"+shard.BlobID{}.String(), nil)
	const want = `{"error":{"status":"NOT_FOUND","code":404,"message":"client: no such blob","details":` +
		`[{"@type":"ErrorInfo","reason":"BLOB_NOT_FOUND","domain":"daemon.walrus.space","metadata":{}}]}}` + "\n"
	if got := res.body; got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// oversized is what a network of 4 shards cannot take.
var oversized = shardtest.Ramp(0, int(shardtest.MustParams(shards).MaxBlobSize())+1)
