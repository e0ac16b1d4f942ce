package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/node/httpapi"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/shardtest"
)

// httptestServer runs the API on a port and returns its address.
func httptestServer(t *testing.T, cfg httpapi.Config) string {
	t.Helper()
	s := httptest.NewServer(newAPI(t, cfg))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// gateway is a network's HTTP API.
type gateway struct {
	t   *testing.T
	net *devnet.Net
}

func (g gateway) do(method, path string, body io.Reader, header ...string) answer {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, g.net.URL()+path, body)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	return answerOf(g.t, res)
}

// put stores a blob and returns the answer as a tree.
func (g gateway) put(query string, body io.Reader) map[string]any {
	g.t.Helper()
	res := g.do(http.MethodPut, "/v1/blobs"+query, body)
	text := res.body
	if res.code != http.StatusOK {
		g.t.Fatalf("PUT %s: %d %s", query, res.code, text)
	}
	wantHeaders(g.t, res, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"})
	if strings.Count(text, "\n") != 1 {
		g.t.Errorf("the answer is not one line: %q", text)
	}
	return tree(g.t, text)
}

func tree(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

// at returns what is at a path of keys.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("nothing at %v", path)
		}
		v = m[key]
	}
	return v
}

// wantGolden compares a tree with a file, whatever the order of its keys. Where
// the file has a string that begins with "any ", any value of that type will do.
func wantGolden(t *testing.T, got map[string]any, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	want := tree(t, string(b))
	if masked := mask(got, want); !reflect.DeepEqual(masked, want) {
		text, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s: got\n%s\nwant\n%s", name, text, b)
	}
}

func mask(got, want any) any {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return got
		}
		out := maps.Clone(g)
		for key := range out {
			out[key] = mask(g[key], w[key])
		}
		return out
	case string:
		switch g := got.(type) {
		case json.Number:
			if w == "any number" {
				return w
			}
		case string:
			if w == "any object ID" && len(g) == 66 && strings.HasPrefix(g, "0x") || w == "any base58" && len(g) > 40 {
				return w
			}
		}
	}
	return got
}

// TestNetwork speaks HTTP to a network of four nodes, as a program written for
// Walrus would.
func TestNetwork(t *testing.T) {
	t.Parallel()
	net, err := devnet.Open(t.Context(), devnet.Config{Dir: t.TempDir(), Nodes: 4, Shards: 13, HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := net.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	for name, test := range map[string]func(*testing.T, gateway){
		"deletable":            testDeletable,
		"permanent":            testPermanent,
		"bytes come back":      testBytesComeBack,
		"sent to another":      testSentToAnother,
		"unknown":              testUnknown,
		"too large":            testTooLarge,
		"what cannot be meant": testNonsense,
	} {
		t.Run(name, func(t *testing.T) { test(t, gateway{t, net}) })
	}
}

// testDeletable pins the answers for what is stored by default. [WS] §1.6
func testDeletable(t *testing.T, g gateway) {
	data := shardtest.Blob("floe-n13-len1000", 1000) // the golden file has its ID
	first := g.put("?epochs=3&cb=1", bytes.NewReader(data))
	wantGolden(t, first, "newly-created.json")

	again := g.put("?epochs=3", bytes.NewReader(data))
	wantGolden(t, again, "already-certified-deletable.json")
	if got, want := at(t, again, "alreadyCertified", "object"), at(t, first, "newlyCreated", "blobObject", "id"); got != want {
		t.Errorf("already certified as %v, want %v", got, want)
	}
	if longer := g.put("?epochs=4", bytes.NewReader(data)); at(t, longer, "newlyCreated") == nil {
		t.Errorf("stored for longer: got %v, want it newly created", longer)
	}
	if forced := g.put("?epochs=3&force=true", bytes.NewReader(data)); at(t, forced, "newlyCreated") == nil {
		t.Errorf("forced: got %v, want it newly created", forced)
	}

	res := g.do(http.MethodGet, "/v1/blobs/"+at(t, first, "newlyCreated", "blobObject", "blobId").(string)+"/status", nil)
	status := tree(t, res.body)
	if status["status"] != "deletable" || status["size"] != json.Number("1000") || status["endEpoch"] == nil || status["certifiedHeight"] == nil {
		t.Errorf("got status %v", status)
	}
}

func testPermanent(t *testing.T, g gateway) {
	data := []byte("to stay")
	first := g.put("?permanent=true", bytes.NewReader(data))
	if got := at(t, first, "newlyCreated", "blobObject", "deletable"); got != false {
		t.Errorf("got deletable %v, want false", got)
	}
	wantGolden(t, g.put("?permanent=true", bytes.NewReader(data)), "already-certified-permanent.json")
	wantGolden(t, g.put("?deletable=true", bytes.NewReader(data)), "already-certified-permanent.json") // that is more than asked for
}

func testBytesComeBack(t *testing.T, g gateway) {
	params := shardtest.MustParams(13)
	for name, data := range map[string][]byte{
		"empty": {}, "one byte": {7}, "some": shardtest.Ramp(3, 70_000), "the largest": shardtest.Ramp(5, int(params.MaxBlobSize())),
	} {
		sent := io.Reader(bytes.NewReader(data))
		if name == "some" {
			sent = unsized{sent}
		}
		stored := g.put("", sent)
		id := at(t, stored, "newlyCreated", "blobObject", "blobId").(string)
		md, err := shard.ComputeMetadata(params, data)
		if err != nil {
			t.Fatal(err)
		}
		if id != md.ID().String() {
			t.Errorf("%s: got ID %s, want %s", name, id, md.ID())
		}
		res := g.do(http.MethodGet, "/v1/blobs/"+id, nil, "Accept", "image/png")
		wantHeaders(t, res, map[string]string{"ETag": `"` + id + `"`, "Content-Type": "image/png"})
		if got := res.body; got != string(data) {
			t.Errorf("%s: got %d bytes that differ", name, len(got))
		}
		if res.size != int64(len(data)) {
			t.Errorf("%s: got Content-Length %d, want %d", name, res.size, len(data))
		}
		if res := g.do(http.MethodHead, "/v1/blobs/"+id, nil); res.code != http.StatusOK || res.size != int64(len(data)) {
			t.Errorf("%s: HEAD: got %d, %d bytes", name, res.code, res.size)
		}
		if res := g.do(http.MethodGet, "/v1/blobs/"+id, nil, "If-None-Match", `"`+id+`"`); res.code != http.StatusNotModified {
			t.Errorf("%s: If-None-Match: got %d, want 304", name, res.code)
		}
		if name != "some" {
			continue
		}
		res = g.do(http.MethodGet, "/v1/blobs/"+id, nil, "Range", "bytes=69999-80000")
		if got := res.body; res.code != http.StatusPartialContent || got != string(data[69_999:]) {
			t.Errorf("the last byte: got %d %q", res.code, got)
		}
		for _, check := range []string{"strict", "skip"} {
			if got := g.do(http.MethodGet, "/v1/blobs/"+id+"?"+check+"_consistency_check=true", nil).body; got != string(data) {
				t.Errorf("%s check: got %d bytes that differ", check, len(got))
			}
		}
	}
}

func testSentToAnother(t *testing.T, g gateway) {
	to := ledger.Address{0xab}
	stored := g.put("?send_object_to="+to.String(), strings.NewReader("a present"))
	id := at(t, stored, "newlyCreated", "blobObject", "blobId").(string)
	status := tree(t, g.do(http.MethodGet, "/v1/blobs/"+id+"/status", nil).body)
	if status["owner"] != to.String() {
		t.Errorf("got owner %v, want %v", status["owner"], to)
	}
}

func testUnknown(t *testing.T, g gateway) {
	path := "/v1/blobs/" + contentID.String()
	wantProblem(t, g.do(http.MethodGet, path, nil), http.StatusNotFound, "BLOB_NOT_FOUND")
	res := g.do(http.MethodGet, path+"/status", nil)
	if got := res.body; res.code != http.StatusOK || !strings.Contains(got, `"status":"nonexistent"`) {
		t.Errorf("got %d %s", res.code, got)
	}
	if res := g.do(http.MethodHead, path, nil); res.code != http.StatusNotFound {
		t.Errorf("HEAD: got %d, want 404", res.code)
	}
}

func testTooLarge(t *testing.T, g gateway) {
	size := int(shardtest.MustParams(13).MaxBlobSize()) + 1
	for name, body := range map[string]io.Reader{
		"of known size": bytes.NewReader(make([]byte, size)),
		"chunked":       unsized{bytes.NewReader(make([]byte, size))},
	} {
		e := wantProblem(t, g.do(http.MethodPut, "/v1/blobs", body), http.StatusRequestEntityTooLarge, "BLOB_TOO_LARGE")
		if !strings.Contains(e.Error.Message, "13 shards") || !strings.Contains(e.Error.Message, "12 shards would") {
			t.Errorf("%s: got %q", name, e.Error.Message)
		}
	}
}

func testNonsense(t *testing.T, g gateway) {
	for _, query := range []string{"?epochs=0", "?epochs=54", "?permanent=perhaps", "?send_object_to=me"} {
		wantProblem(t, g.do(http.MethodPut, "/v1/blobs"+query, strings.NewReader("x")), http.StatusBadRequest, "MALFORMED_REQUEST")
	}
	wantProblem(t, g.do(http.MethodGet, "/v1/blobs/x", nil), http.StatusBadRequest, "MALFORMED_REQUEST")
	wantProblem(t, g.do(http.MethodPost, "/v1/blobs", strings.NewReader("x")), http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
}
