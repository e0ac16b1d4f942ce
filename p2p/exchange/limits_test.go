package exchange

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// until waits for a condition; the test's own limit ends a wait in vain.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for tick := time.NewTicker(time.Millisecond); !ok(); {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// idle reports whether nothing is admitted.
func (s *Server) idle() bool {
	for _, a := range []*admission{s.admission, s.pulls} {
		a.mu.Lock()
		idle := a.used == 0 && len(a.peers) == 0
		a.mu.Unlock()
		if !idle {
			return false
		}
	}
	return true
}

func TestInnerTextStaysInside(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", func(m *memory, _ *ServerConfig) {
		m.onStatus = func(context.Context) error { return errors.New("open /var/lib/secret: no such file") }
	})
	_, err := f.client.Status(t.Context(), f.to, []shard.BlobID{{}})
	if wire.CodeOf(err) != wire.CodeInternal || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestBusyPerPeer(t *testing.T) {
	t.Parallel()
	release, started := make(chan struct{}), make(chan struct{}, 8)
	f := setup(t, 3, "", func(m *memory, cfg *ServerConfig) {
		cfg.PerPeer = 2
		m.onStatus = func(context.Context) error {
			started <- struct{}{}
			<-release
			return nil
		}
	})
	ask := func(c *Client) error {
		_, err := c.Status(t.Context(), f.to, []shard.BlobID{{}})
		return err
	}
	results := make(chan error, 3)
	for range 2 {
		go func() { results <- ask(f.client) }()
		<-started
	}
	if after, busy := wire.IsBusy(ask(f.client)); !busy || after <= 0 {
		t.Errorf("third call: got busy %v, retry after %v", busy, after)
	}
	go func() { results <- ask(NewClient(f.hosts[2], f.params)) }()
	<-started // another peer is let in
	close(release)
	for range 3 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if err := ask(f.client); err != nil {
		t.Errorf("later: %v", err)
	}
	until(t, "all slots are given back", f.server.idle)
}

func TestBusyOverBudget(t *testing.T) {
	t.Parallel()
	release, started := make(chan struct{}), make(chan struct{}, 8)
	wait := func(_ context.Context, slivers iter.Seq2[shard.Sliver, error]) (r UploadResult, err error) {
		started <- struct{}{}
		<-release
		for _, err := range slivers {
			if err != nil {
				return r, err
			}
			r.Stored++
		}
		return r, nil
	}
	var need int64
	f := setup(t, 3, "", func(m *memory, cfg *ServerConfig) {
		m.onUpload = wait
		symbolSize, err := m.params.SymbolSize(20_000 * 9)
		if err != nil {
			t.Fatal(err)
		}
		need = int64(2*m.params.SliverSize(shard.Primary, symbolSize) + 2*m.params.MetadataSize())
		cfg.Budget = 2*need + need/2 // two uploads of different peers
	})
	second := NewClient(f.hosts[2], f.params)
	results := make(chan error, 2)
	for _, c := range []*Client{f.client, second} {
		go func() {
			_, err := c.Upload(t.Context(), f.to, f.upload())
			results <- err
		}()
		<-started
	}
	if _, busy := wire.IsBusy(errOf(f.client.Upload(t.Context(), f.to, f.upload()))); !busy {
		t.Error("a third upload was let in")
	}
	close(release)
	for range 2 {
		if err := <-results; err != nil { // although its slivers are many times what was reserved
			t.Error(err)
		}
	}
	// More than the whole budget will never fit.
	u := f.upload()
	u.Metadata, u.Size = nil, 100*f.metadata.Size
	if _, err := f.client.Upload(t.Context(), f.to, u); wire.CodeOf(err) != wire.CodeTooLarge {
		t.Errorf("beyond the budget: got %v", err)
	}
	until(t, "the budget is given back", f.server.idle)
}

func errOf[T any](_ T, err error) error { return err }

// A node that refuses is heard at once, although the writer has more to send than any buffer holds.
func TestEarlyRefusal(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"", tcp} {
		f := setup(t, 2, listen, func(m *memory, _ *ServerConfig) {
			m.onUpload = func(context.Context, iter.Seq2[shard.Sliver, error]) (UploadResult, error) {
				return UploadResult{}, wire.Errorf(wire.CodeBlocked, "not here")
			}
		})
		u := f.upload()
		u.Slivers = func(yield func(shard.Sliver) bool) {
			for yield(f.slivers[0]) { // without end
			}
		}
		if _, err := f.client.Upload(t.Context(), f.to, u); wire.CodeOf(err) != wire.CodeBlocked || !strings.Contains(err.Error(), "not here") {
			t.Errorf("%s: got %v, want blocked", listen, err)
		}
		until(t, "the call is over", f.server.idle)
	}
}

func TestUploadFaults(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	other, _, err := shard.Encode(f.params, make([]byte, f.metadata.Size))
	if err != nil {
		t.Fatal(err)
	}
	short := f.slivers[0]
	short.Data = short.Data[:len(short.Data)-2]
	far := f.slivers[0]
	far.Index = 10
	bad := f.slivers[0]
	bad.Data = make([]byte, len(bad.Data))
	for name, c := range map[string]struct {
		change func(*Upload)
		code   wire.Code
	}{
		"other metadata": {func(u *Upload) { u.Metadata = other }, wire.CodeInvalid},
		"short sliver":   {func(u *Upload) { u.Slivers = only(short) }, wire.CodeInvalid},
		"no such sliver": {func(u *Upload) { u.Slivers = only(far) }, wire.CodeInvalid},
		"wrong sliver":   {func(u *Upload) { u.Slivers = only(bad) }, wire.CodeInvalid},
		"without end": {func(u *Upload) {
			u.Slivers = func(yield func(shard.Sliver) bool) {
				for yield(f.slivers[0]) {
				}
			}
		}, wire.CodeInvalid},
		"too large": {func(u *Upload) { u.Metadata, u.Size = nil, f.params.MaxBlobSize()+1 }, wire.CodeTooLarge},
	} {
		u := f.upload()
		c.change(&u)
		if _, err := f.client.Upload(t.Context(), f.to, u); wire.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want %v", name, err, c.code)
		}
	}
	until(t, "all calls are over", f.server.idle)
}

func only(s shard.Sliver) iter.Seq[shard.Sliver] {
	return func(yield func(shard.Sliver) bool) { yield(s) }
}

// A handler that accepts what it has not read would lose the writer's slivers.
func TestHandlerMustReadAll(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", func(m *memory, _ *ServerConfig) {
		m.onUpload = func(context.Context, iter.Seq2[shard.Sliver, error]) (UploadResult, error) {
			return UploadResult{Stored: 20}, nil
		}
		m.onSliver = func() (shard.Sliver, error) {
			return shard.Sliver{Axis: shard.Secondary, SymbolSize: 2, Data: make([]byte, 8)}, nil
		}
		m.onSymbols = func(r SymbolRequest) (SymbolReply, error) {
			return SymbolReply{Sources: r.Sources, Symbols: [][][]byte{{{1}}}}, nil
		}
	})
	if _, err := f.client.Upload(t.Context(), f.to, f.upload()); wire.CodeOf(err) != wire.CodeInternal {
		t.Errorf("upload: got %v, want internal", err)
	}
	for _, err := range f.client.Slivers(t.Context(), f.to, f.blob, []SliverID{{Axis: shard.Primary, Index: 0}}) {
		if wire.CodeOf(err) != wire.CodeInternal {
			t.Errorf("sliver: got %v, want internal", err)
		}
	}
	r := SymbolRequest{SymbolSize: 2, Targets: []shard.SliverIndex{0}, Sources: []shard.SliverIndex{0}}
	if _, err := f.symbols(t.Context(), r); wire.CodeOf(err) != wire.CodeInternal {
		t.Errorf("symbols: got %v, want internal", err)
	}
}

// raw writes bytes to the server as a peer that follows no rules, and returns the status it gets.
func (f *fixture) raw(t *testing.T, proto string, b []byte) (wire.Code, error) {
	t.Helper()
	s, err := f.hosts[1].Open(t.Context(), f.to, proto)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write(b); err != nil {
		t.Fatal(err)
	}
	_ = s.CloseWrite() // the server may have hung up already
	var e wire.Error
	err = wire.Read(s, &e)
	return e.Code, err
}

func frame(m wire.Message) []byte {
	b := wire.Encode(m)
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	upload := frame(&wire.Request{Call: &wire.Upload{Size: 1000, Metadata: true}})
	for name, c := range map[string]struct {
		proto string
		bytes []byte
	}{
		"truncated length":  {wire.BlobProtocol, []byte{1, 2}},
		"truncated frame":   {wire.BlobProtocol, upload[:20]},
		"oversized":         {wire.BlobProtocol, []byte{0xff, 0xff, 0xff, 0xff}},
		"oversized symbols": {wire.SymbolsProtocol, []byte{0xff, 0xff, 0xff, 0x7f}},
		"oversized shard":   {wire.ShardProtocol, []byte{0xff, 0xff, 0xff, 0x7f}},
		"garbage shard":     {wire.ShardProtocol, append([]byte{40, 0, 0, 0}, make([]byte, 40)...)},
		"unknown shard":     {wire.ShardProtocol, frame(&wire.SyncShard{Shard: 10})},
		"garbage":           {wire.BlobProtocol, append([]byte{40, 0, 0, 0}, make([]byte, 40)...)},
		"unknown call":      {wire.BlobProtocol, []byte{1, 0, 0, 0, 9}},
		"garbage symbols":   {wire.SymbolsProtocol, append([]byte{40, 0, 0, 0}, make([]byte, 40)...)},
		"garbage metadata":  {wire.BlobProtocol, append(upload, make([]byte, f.params.MetadataSize())...)},
	} {
		if code, err := f.raw(t, c.proto, c.bytes); err != nil || code != wire.CodeInvalid {
			t.Errorf("%s: got %v, %v, want invalid", name, code, err)
		}
	}
	if _, err := f.raw(t, wire.BlobProtocol, nil); err == nil {
		t.Error("nothing at all was answered")
	}
	if _, err := f.client.Upload(t.Context(), f.to, f.upload()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	until(t, "all calls are over", f.server.idle)
}

// One byte now and then does not keep a slot: the deadline is that of the whole message.
func TestSlowDripIsCut(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", func(_ *memory, cfg *ServerConfig) { cfg.Patience, cfg.Rate = 30*time.Millisecond, 1<<20 })
	head := frame(&wire.Request{Call: &wire.Upload{Blob: f.blob, Size: f.metadata.Size, Metadata: true}})
	for name, first := range map[string][]byte{"in the request": head[:5], "in a body": head} {
		s, err := f.hosts[1].Open(t.Context(), f.to, wire.BlobProtocol)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(first); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(5 * time.Millisecond)
		for err == nil {
			<-tick.C
			_, err = s.Write([]byte{0})
		}
		if !errors.Is(err, p2p.ErrReset) {
			t.Errorf("%s: got %v, want %v", name, err, p2p.ErrReset)
		}
		s.Close()
	}
	until(t, "the slots are given back", f.server.idle)
}

// A peer that accepts and never answers holds us no longer than the context does.
func TestSilentPeer(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	silent := func(ctx context.Context, _ p2p.PeerID, _ *p2p.Stream) { <-ctx.Done() }
	f.hosts[0].Handle(wire.BlobProtocol, silent)
	f.hosts[0].Handle(wire.SymbolsProtocol, silent)
	endless := f.upload()
	endless.Slivers = func(yield func(shard.Sliver) bool) {
		for yield(f.slivers[0]) {
		}
	}
	for name, call := range map[string]func(context.Context) error{
		"metadata": func(ctx context.Context) error { return errOf(f.client.Metadata(ctx, f.to, f.blob)) },
		"status":   func(ctx context.Context) error { return errOf(f.client.Status(ctx, f.to, []shard.BlobID{{}})) },
		"upload":   func(ctx context.Context) error { return errOf(f.client.Upload(ctx, f.to, f.upload())) },
		"endless":  func(ctx context.Context) error { return errOf(f.client.Upload(ctx, f.to, endless)) },
		"confirm": func(ctx context.Context) error {
			return errOf(f.client.Confirm(ctx, f.to, f.blob, committee.Persistence{}))
		},
		"symbols": func(ctx context.Context) error {
			return errOf(f.symbols(ctx, SymbolRequest{SymbolSize: 2, Targets: []shard.SliverIndex{0}, Sources: []shard.SliverIndex{0}}))
		},
		"slivers": func(ctx context.Context) (err error) {
			for _, err = range f.client.Slivers(ctx, f.to, f.blob, []SliverID{{}}) {
			}
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || wire.CodeOf(err) != wire.CodeUnavailable {
			t.Errorf("%s: got %v, want %v", name, err, context.DeadlineExceeded)
		}
		cancel()
	}
}

// liar answers any request with the given bytes.
func liar(b []byte) func(context.Context, p2p.PeerID, *p2p.Stream) {
	return func(_ context.Context, _ p2p.PeerID, s *p2p.Stream) {
		_, _ = io.Copy(io.Discard, s)
		_, _ = s.Write(b)
	}
}

func TestLyingPeer(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	ok := frame(&wire.Error{})
	join := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	ask := map[string]func() error{
		"metadata": func() error { return errOf(f.client.Metadata(t.Context(), f.to, f.blob)) },
		"status":   func() error { return errOf(f.client.Status(t.Context(), f.to, []shard.BlobID{{}})) },
		"sliver": func() (err error) {
			for _, err = range f.client.Slivers(t.Context(), f.to, f.blob, []SliverID{{Axis: shard.Primary, Index: 1}}) {
			}
			return err
		},
		"symbols": func() error {
			return errOf(f.symbols(t.Context(), SymbolRequest{SymbolSize: 2, Targets: []shard.SliverIndex{0}, Sources: []shard.SliverIndex{0, 1}, Proofs: true}))
		},
	}
	for _, c := range []struct {
		name, call string
		bytes      []byte
	}{
		{"oversized frame", "metadata", []byte{0xff, 0xff, 0xff, 0xff}},
		{"huge metadata", "metadata", join(ok, frame(&wire.Length{Bytes: 1 << 31}))},
		{"garbage metadata", "metadata", join(ok, frame(&wire.Length{Bytes: uint32(f.params.MetadataSize())}), make([]byte, f.params.MetadataSize()))},
		{"too few holdings", "status", join(ok, frame(&wire.Holdings{}))},
		{"other sliver", "sliver", join(ok, ok, frame(&wire.Item{Sliver: SliverID{Axis: shard.Primary, Index: 2}, SymbolSize: 2, Length: 14}))},
		{"huge sliver", "sliver", join(ok, ok, frame(&wire.Item{Sliver: SliverID{Axis: shard.Primary, Index: 1}, SymbolSize: 2, Length: 1 << 31}))},
		{"no symbol size", "sliver", join(ok, ok, frame(&wire.Item{Sliver: SliverID{Axis: shard.Primary, Index: 1}}))},
		{"unknown head", "symbols", join(ok, []byte{9})},
		{"source not asked for", "symbols", join(ok, []byte{byte(wire.HeadSome), 4})},
		{"refused for no reason", "symbols", join(ok, []byte{byte(wire.HeadRefused)}, ok)},
		{"symbol of another source", "symbols", join(ok, []byte{byte(wire.HeadSome), 2},
			frame(&wire.ProvenSymbol{Symbol: shard.RecoverySymbol{Source: 0, Data: []byte{1, 2}}}))},
		{"symbol too long", "symbols", join(ok, []byte{byte(wire.HeadSome), 2},
			frame(&wire.ProvenSymbol{Symbol: shard.RecoverySymbol{Source: 1, Data: []byte{1, 2, 3, 4}}}))},
	} {
		f.hosts[0].Handle(wire.BlobProtocol, liar(c.bytes))
		f.hosts[0].Handle(wire.SymbolsProtocol, liar(c.bytes))
		if err := ask[c.call](); wire.CodeOf(err) != wire.CodeInvalid {
			t.Errorf("%s: got %v, want invalid", c.name, err)
		}
	}
	// An answer that breaks off is no proof of anything.
	f.hosts[0].Handle(wire.BlobProtocol, liar(join(ok, ok, frame(&wire.Item{Sliver: SliverID{Axis: shard.Primary, Index: 1}, SymbolSize: 2, Length: 14}), []byte{1})))
	if err := ask["sliver"](); wire.CodeOf(err) != wire.CodeUnavailable {
		t.Errorf("cut body: got %v, want unavailable", err)
	}
}

func TestServerClose(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	f := setup(t, 2, "", func(m *memory, _ *ServerConfig) {
		m.onStatus = func(ctx context.Context) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		}
	})
	result := make(chan error, 1)
	go func() {
		_, err := f.client.Status(t.Context(), f.to, []shard.BlobID{{}})
		result <- err
	}()
	<-started
	if err := f.server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; wire.CodeOf(err) != wire.CodeUnavailable {
		t.Errorf("call at work: got %v, want unavailable", err)
	}
	if _, err := f.client.Metadata(t.Context(), f.to, f.blob); !errors.Is(err, p2p.ErrNoProtocol) {
		t.Errorf("later call: got %v, want %v", err, p2p.ErrNoProtocol)
	}
	if !f.server.idle() {
		t.Error("slots are held")
	}
	if err := f.server.Close(); err != nil {
		t.Error(err)
	}
	again, err := Serve(f.hosts[0], newMemory(f.params), ServerConfig{Params: f.params})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := f.client.Metadata(t.Context(), f.to, f.blob); !wire.IsNotFound(err) {
		t.Errorf("served again: got %v, want not found", err)
	}
}

func TestServerConfig(t *testing.T) {
	t.Parallel()
	f := setup(t, 2, "", nil)
	for _, cfg := range []ServerConfig{{}, {Params: f.params, PerPeer: -1}} {
		if _, err := Serve(f.hosts[1], f.handler, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// Those who repair, however many calls they make, take nothing from readers.
func TestPullFlood(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := setup(t, 2, "", func(m *memory, cfg *ServerConfig) {
		cfg.PullsPerPeer, cfg.PerPeer = 2, 1
		m.onSymbols = func(SymbolRequest) (SymbolReply, error) {
			<-release
			return SymbolReply{Symbols: [][][]byte{{}}}, nil
		}
	})
	r := SymbolRequest{SymbolSize: 2, Targets: []shard.SliverIndex{0}, Sources: []shard.SliverIndex{0}}
	const flood = 20
	results := make(chan error, flood)
	for range flood {
		go func() { results <- errOf(f.symbols(t.Context(), r)) }()
	}
	for range flood - 2 {
		if err := <-results; wire.CodeOf(err) != wire.CodeBusy {
			t.Errorf("got %v, want busy", err)
		}
	}
	if _, err := f.client.Status(t.Context(), f.to, []shard.BlobID{{}}); err != nil {
		t.Errorf("a reader during the flood: %v", err)
	}
	if n := f.server.Serving(); n > 1 {
		t.Errorf("got %d readers at work", n)
	}
	close(release)
	for range 2 {
		if err := <-results; !wire.IsNotFound(err) {
			t.Errorf("got %v, want not found", err)
		}
	}
	until(t, "all calls are over", f.server.idle)
}
