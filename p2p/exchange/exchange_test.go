package exchange

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/p2ptest"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// memory is a handler that keeps everything and confirms what it has. Its hooks, where set, come first.
type memory struct {
	params    shard.Params
	onUpload  func(ctx context.Context, slivers iter.Seq2[shard.Sliver, error]) (UploadResult, error)
	onStatus  func(ctx context.Context) error
	onSliver  func() (shard.Sliver, error)
	onSymbols func(r SymbolRequest) (SymbolReply, error)
	onShard   func(ctx context.Context, from p2p.PeerID) error

	mu       sync.Mutex // mu guards the fields below.
	metadata map[shard.BlobID]*shard.Metadata
	slivers  map[shard.BlobID]map[SliverID]shard.Sliver
	from     p2p.PeerID
}

func newMemory(p shard.Params) *memory {
	return &memory{params: p, metadata: map[shard.BlobID]*shard.Metadata{}, slivers: map[shard.BlobID]map[SliverID]shard.Sliver{}}
}

func (m *memory) Upload(ctx context.Context, from p2p.PeerID, h UploadHeader, md *shard.Metadata, slivers iter.Seq2[shard.Sliver, error]) (r UploadResult, err error) {
	if m.onUpload != nil {
		return m.onUpload(ctx, slivers)
	}
	m.mu.Lock()
	if md == nil {
		md = m.metadata[h.Blob]
	}
	m.from = from
	m.mu.Unlock()
	if md == nil {
		return r, wire.Errorf(wire.CodeNotFound, "metadata first")
	}
	if err := md.Verify(m.params, h.Blob); err != nil {
		return r, err
	}
	m.mu.Lock()
	m.metadata[h.Blob] = md
	if m.slivers[h.Blob] == nil {
		m.slivers[h.Blob] = map[SliverID]shard.Sliver{}
	}
	m.mu.Unlock()
	for s, err := range slivers {
		if err != nil {
			return r, err
		}
		if err := shard.VerifySliver(m.params, md, &s); err != nil {
			return r, err
		}
		m.mu.Lock()
		m.slivers[h.Blob][SliverID{Axis: s.Axis, Index: s.Index}] = s
		m.mu.Unlock()
		r.Stored++
	}
	if h.Confirm {
		signed, err := m.Confirm(ctx, from, h.Blob, h.Persistence)
		if err != nil {
			return r, err
		}
		r.Confirmation = &signed
	}
	return r, nil
}

func (m *memory) Confirm(_ context.Context, _ p2p.PeerID, blob shard.BlobID, p committee.Persistence) (SignedConfirmation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.metadata[blob] == nil {
		return SignedConfirmation{}, &wire.Error{Code: wire.CodeNotRegistered, Text: "wait for the ledger", RetryAfter: time.Second}
	}
	return SignedConfirmation{Message: committee.Confirmation{Epoch: 3, Blob: blob, Persistence: p}.Message()}, nil
}

func (m *memory) Metadata(_ context.Context, _ p2p.PeerID, blob shard.BlobID) (*shard.Metadata, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if md := m.metadata[blob]; md != nil {
		return md, nil
	}
	return nil, wire.Errorf(wire.CodeNotFound, "no metadata of %v", blob)
}

func (m *memory) Sliver(_ context.Context, _ p2p.PeerID, blob shard.BlobID, id SliverID) (shard.Sliver, error) {
	if m.onSliver != nil {
		return m.onSliver()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.slivers[blob][id]; ok {
		return s, nil
	}
	return shard.Sliver{}, &wire.Error{Code: wire.CodeNotFound}
}

func (m *memory) Status(ctx context.Context, _ p2p.PeerID, blobs []shard.BlobID) ([]Holding, error) {
	if m.onStatus != nil {
		if err := m.onStatus(ctx); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Holding, len(blobs))
	for i, b := range blobs {
		out[i].Metadata = m.metadata[b] != nil
		for id := range m.slivers[b] {
			if id.Axis == shard.Primary {
				out[i].Primary++
			} else {
				out[i].Secondary++
			}
		}
	}
	return out, nil
}

func (m *memory) Symbols(_ context.Context, _ p2p.PeerID, r SymbolRequest) (SymbolReply, error) {
	if m.onSymbols != nil {
		return m.onSymbols(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out SymbolReply
	bySource := [][]shard.RecoverySymbol{}
	for _, i := range r.Sources {
		s, ok := m.slivers[r.Blob][SliverID{Axis: r.Axis.Other(), Index: i}]
		if !ok {
			continue
		}
		cells, err := shard.ProvenSymbols(m.params, s, r.Targets)
		if err != nil {
			return out, err
		}
		out.Sources = append(out.Sources, i)
		bySource = append(bySource, cells)
	}
	for t := range r.Targets {
		var plain [][]byte
		var proven []shard.RecoverySymbol
		for s := range bySource {
			plain = append(plain, bySource[s][t].Data)
			proven = append(proven, bySource[s][t])
		}
		if r.Proofs {
			out.Proven = append(out.Proven, proven)
		} else {
			out.Symbols = append(out.Symbols, plain)
		}
	}
	return out, nil
}

// fixture is a server with a client and an encoded blob.
type fixture struct {
	params   shard.Params
	hosts    []*p2p.Host // server, client, further clients
	handler  *memory
	server   *Server
	client   *Client
	to       p2p.PeerID
	blob     shard.BlobID
	metadata *shard.Metadata
	slivers  []shard.Sliver
}

// setup starts a server. listen may be empty; change may be nil.
func setup(t *testing.T, hosts int, listen string, change func(*memory, *ServerConfig)) *fixture {
	t.Helper()
	p, err := shard.NewParams(10)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{params: p, handler: newMemory(p)}
	f.hosts = p2ptest.New(t, hosts, func(i int, cfg *p2p.Config) {
		if i == 0 && listen != "" {
			cfg.Listen = []string{listen}
		}
		cfg.Client = i > 0
	})
	cfg := ServerConfig{Params: p}
	if change != nil {
		change(f.handler, &cfg)
	}
	if f.server, err = Serve(f.hosts[0], f.handler, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.server.Close(); err != nil {
			t.Error(err)
		}
	})
	f.client, f.to = NewClient(f.hosts[1], p), f.hosts[0].ID()
	data := bytes.Repeat([]byte("red stuff"), 20_000)
	md, pairs, err := shard.Encode(p, data)
	if err != nil {
		t.Fatal(err)
	}
	f.metadata, f.blob = md, md.ID()
	for _, pair := range pairs {
		f.slivers = append(f.slivers, pair.Primary, pair.Secondary)
	}
	return f
}

func (f *fixture) upload() Upload {
	return Upload{Blob: f.blob, Epoch: 3, Metadata: f.metadata, Slivers: slices.Values(f.slivers)}
}

// store puts the blob into the handler without the network.
func (f *fixture) store(except func(SliverID) bool) {
	f.handler.metadata[f.blob] = f.metadata
	f.handler.slivers[f.blob] = map[SliverID]shard.Sliver{}
	for _, s := range f.slivers {
		if id := (SliverID{Axis: s.Axis, Index: s.Index}); except == nil || !except(id) {
			f.handler.slivers[f.blob][id] = s
		}
	}
}

const tcp = "/ip4/127.0.0.1/tcp/0"

func TestUploadAndRead(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"", tcp} {
		f := setup(t, 2, listen, nil)
		u, sent := f.upload(), 0
		u.Confirm = true
		u.Progress = func(n int) { sent += n }
		got, err := f.client.Upload(t.Context(), f.to, u)
		if err != nil || got.Stored != len(f.slivers) || got.Confirmation == nil {
			t.Fatalf("upload: got %+v, %v", got, err)
		}
		c, err := committee.ParseConfirmation(got.Confirmation.Message)
		if err != nil || c.Blob != f.blob || c.Epoch != 3 {
			t.Errorf("confirmation: got %+v, %v", c, err)
		}
		if f.handler.from != f.hosts[1].ID() {
			t.Errorf("from: got %v", f.handler.from)
		}
		total := 0
		for _, s := range f.slivers {
			total += len(s.Data)
		}
		if sent != total {
			t.Errorf("progress: got %d, want %d", sent, total)
		}

		md, err := f.client.Metadata(t.Context(), f.to, f.blob)
		if err != nil || md.Verify(f.params, f.blob) != nil {
			t.Errorf("metadata: %v", err)
		}
		held, err := f.client.Status(t.Context(), f.to, []shard.BlobID{{}, f.blob})
		if want := []Holding{{}, {Metadata: true, Primary: 10, Secondary: 10}}; err != nil || !slices.Equal(held, want) {
			t.Errorf("status: got %v, %v, want %v", held, err, want)
		}
		var ids []SliverID
		for i := range 10 {
			ids = append(ids, SliverID{Axis: shard.Axis(i % 2), Index: shard.SliverIndex(i)})
		}
		var back []shard.Sliver
		for s, err := range f.client.Slivers(t.Context(), f.to, f.blob, ids) {
			if err != nil {
				t.Fatalf("slivers: %v", err)
			}
			back = append(back, s)
		}
		for i, err := range shard.VerifySlivers(f.params, md, back) {
			if err != nil {
				t.Errorf("sliver %d: %v", i, err)
			}
		}
		if len(back) != len(ids) {
			t.Errorf("got %d slivers, want %d", len(back), len(ids))
		}
	}
}

// Metadata that the node has already is not sent, and slivers may come in several uploads.
func TestUploadInParts(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	u := f.upload()
	u.Metadata, u.Size = nil, f.metadata.Size
	if _, err := f.client.Upload(t.Context(), f.to, u); !wire.IsNotFound(err) || !strings.Contains(err.Error(), "metadata first") {
		t.Errorf("slivers before metadata: got %v", err)
	}
	if r, err := f.client.Upload(t.Context(), f.to, Upload{Blob: f.blob, Metadata: f.metadata}); err != nil || r.Stored != 0 || r.Confirmation != nil {
		t.Errorf("metadata alone: got %+v, %v", r, err)
	}
	if r, err := f.client.Upload(t.Context(), f.to, u); err != nil || r.Stored != len(f.slivers) {
		t.Errorf("slivers alone: got %+v, %v", r, err)
	}
}

func TestSliversReportsMissing(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	f.store(func(id SliverID) bool { return id.Index == 4 })
	ids := []SliverID{{Axis: shard.Primary, Index: 3}, {Axis: shard.Primary, Index: 4}, {Axis: shard.Secondary, Index: 4}, {Axis: shard.Secondary, Index: 5}, {Axis: shard.Primary, Index: 77}}
	want := []wire.Code{wire.CodeOK, wire.CodeNotFound, wire.CodeNotFound, wire.CodeOK, wire.CodeInvalid}
	i := 0
	for s, err := range f.client.Slivers(t.Context(), f.to, f.blob, ids) {
		if (SliverID{Axis: s.Axis, Index: s.Index}) != ids[i] || wire.CodeOf(err) != want[i] || (err == nil) != (s.Data != nil) {
			t.Errorf("%d: got %v with %d bytes, %v, want %v", i, &s, len(s.Data), err, want[i])
		}
		i++
	}
	if i != len(ids) {
		t.Errorf("got %d answers, want %d", i, len(ids))
	}
	for range f.client.Slivers(t.Context(), f.to, f.blob, ids) {
		break // leaves the rest unread
	}
	if _, err := f.client.Metadata(t.Context(), f.to, shard.BlobID{1}); !wire.IsNotFound(err) {
		t.Errorf("metadata of nothing: got %v", err)
	}
	if _, err := f.client.Confirm(t.Context(), f.to, f.blob, committee.Persistence{}); err != nil {
		t.Errorf("confirm: %v", err)
	}
	_, err := f.client.Confirm(t.Context(), f.to, shard.BlobID{1}, committee.Persistence{})
	if own, ok := errors.AsType[*wire.Error](err); !ok || own.Code != wire.CodeNotRegistered || own.RetryAfter != time.Second || own.Text != "wait for the ledger" {
		t.Errorf("confirm nothing: got %v", err)
	}
}

// symbols pulls symbols and nothing else.
func (f *fixture) symbols(ctx context.Context, r SymbolRequest) (SymbolReply, error) {
	for g, err := range f.client.Pull(ctx, f.to, []Want{{SymbolRequest: r}}) {
		return g.Symbols, err
	}
	return SymbolReply{}, errors.New("nothing came")
}

func TestSymbolsRecoverSlivers(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	f.store(func(id SliverID) bool { return id.Axis == shard.Primary && id.Index == 2 })
	symbolSize, err := f.params.SymbolSize(f.metadata.Size)
	if err != nil {
		t.Fatal(err)
	}
	r := SymbolRequest{
		Blob: f.blob, SymbolSize: symbolSize, Axis: shard.Secondary,
		Targets: []shard.SliverIndex{1, 8}, Sources: []shard.SliverIndex{9, 2, 0, 1, 5},
	}
	before := f.hosts[1].Traffic()[wire.SymbolsProtocol].Received
	reply, err := f.symbols(t.Context(), r)
	if err != nil || !slices.Equal(reply.Sources, []shard.SliverIndex{9, 0, 1, 5}) {
		t.Fatalf("got sources %v, %v", reply.Sources, err)
	}
	body := int64(2 * 4 * symbolSize)
	if got := f.hosts[1].Traffic()[wire.SymbolsProtocol].Received - before; got < body || got > body+100 {
		t.Errorf("received %d bytes for %d bytes of symbols", got, body)
	}
	for t2, target := range r.Targets {
		var syms []shard.DecodingSymbol
		for i, s := range reply.Sources {
			syms = append(syms, shard.DecodingSymbol{Source: s, Data: reply.Symbols[t2][i]})
		}
		if _, err := shard.RecoverSliver(f.params, f.metadata, shard.Secondary, target, syms); err != nil {
			t.Errorf("recover %d: %v", target, err)
		}
	}
	r.Proofs = true
	if reply, err = f.symbols(t.Context(), r); err != nil || len(reply.Proven) != 2 || reply.Symbols != nil {
		t.Fatalf("with proofs: %v", err)
	}
	for t2, target := range r.Targets {
		for _, sym := range reply.Proven[t2] {
			if err := shard.VerifySymbol(f.params, f.metadata, shard.Secondary, target, sym); err != nil {
				t.Errorf("target %d source %d: %v", target, sym.Source, err)
			}
		}
	}
	for name, change := range map[string]func(*SymbolRequest){
		"no targets":    func(r *SymbolRequest) { r.Targets = nil },
		"twice":         func(r *SymbolRequest) { r.Sources = []shard.SliverIndex{1, 1} },
		"out of range":  func(r *SymbolRequest) { r.Targets = []shard.SliverIndex{10} },
		"odd symbol":    func(r *SymbolRequest) { r.SymbolSize = 3 },
		"no such axis":  func(r *SymbolRequest) { r.Axis = 2 },
		"beyond symbol": func(r *SymbolRequest) { r.SymbolSize = 1 << 16 },
	} {
		bad := r
		change(&bad)
		if _, err := f.symbols(t.Context(), bad); wire.CodeOf(err) != wire.CodeInvalid {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
}

// More wants than one call takes come in order; what is refused or absent does not keep the rest.
func TestPullMany(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	f.store(nil)
	symbolSize, err := f.params.SymbolSize(f.metadata.Size)
	if err != nil {
		t.Fatal(err)
	}
	var wants []Want
	for i := range wire.MaxWants + 100 {
		w := Want{SymbolRequest: SymbolRequest{
			Blob: f.blob, SymbolSize: symbolSize, Axis: shard.Axis(i % 2), Proofs: i%5 == 0,
			Targets: []shard.SliverIndex{shard.SliverIndex(i % 10)}, Sources: []shard.SliverIndex{1, 2},
		}}
		switch i % 7 {
		case 3:
			w = Want{Metadata: true, SymbolRequest: SymbolRequest{Blob: f.blob}}
		case 4:
			w = Want{Metadata: true}
		case 5:
			w.Blob = shard.BlobID{}
		}
		wants = append(wants, w)
	}
	i := 0
	for g, err := range f.client.Pull(t.Context(), f.to, wants) {
		w := wants[i]
		switch {
		case w.Blob.IsZero():
			if !wire.IsNotFound(err) {
				t.Errorf("%d: got %v, want not found", i, err)
			}
		case err != nil:
			t.Errorf("%d: %v", i, err)
		case w.Metadata:
			if err := g.Metadata.Verify(f.params, f.blob); err != nil {
				t.Errorf("%d: %v", i, err)
			}
		default:
			if err := g.Symbols.check(&w.SymbolRequest); err != nil || len(g.Symbols.Sources) != 2 {
				t.Errorf("%d: got %d sources, %v", i, len(g.Symbols.Sources), err)
			}
		}
		i++
	}
	if i != len(wants) {
		t.Errorf("got %d of %d", i, len(wants))
	}
	// A consumer may stop; nothing is left at work.
	for range f.client.Pull(t.Context(), f.to, wants) {
		break
	}
	until(t, "all calls are over", f.server.idle)
}
