package exchange

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// proofSize is about what one proof takes in memory and on the wire: 16 nodes of 33 bytes.
const proofSize = 16 * 33

// symbols answers one call of symbols/2: each want after the other, with the bytes of one in memory.
func (c *call) symbols(ctx context.Context) error {
	var m wire.Wants
	if err := c.read(&m); err != nil {
		return c.badRequest(err)
	}
	if err := c.write(&wire.Error{}); err != nil {
		return err
	}
	for i := range m.List {
		if err := c.want(ctx, &m.List[i]); err != nil {
			return err
		}
		c.unhold()
	}
	return c.flush()
}

// want answers one want. It returns an error only when the stream fails.
func (c *call) want(ctx context.Context, w *wire.Want) error {
	if w.Metadata {
		return c.wantMetadata(ctx, w.Blob)
	}
	r := SymbolRequest{
		Blob: w.Blob, SymbolSize: int(w.SymbolSize), Axis: w.Axis, Targets: w.Targets, Sources: w.Sources, Proofs: w.Proofs,
	}
	if err := r.check(c.server.cfg.Params); err != nil {
		return c.refuseWant(ctx, err)
	}
	if full := c.hold(r.bytes()); full != nil {
		return c.refuseWant(ctx, full)
	}
	reply, err := c.server.handler.Symbols(ctx, c.from, r)
	if err == nil {
		err = reply.check(&r)
	}
	if err != nil {
		return c.refuseWant(ctx, err)
	}
	have := make([]bool, len(r.Sources))
	rest := 0
	for _, s := range reply.Sources { // in the order of the request
		for r.Sources[rest] != s {
			rest++
		}
		have[rest] = true
	}
	if err := c.writeHead(have); err != nil {
		return err
	}
	for _, row := range reply.Symbols {
		for _, symbol := range row {
			if err := c.writeBody(symbol); err != nil {
				return err
			}
		}
	}
	for _, row := range reply.Proven {
		for _, symbol := range row {
			if err := c.write(&wire.ProvenSymbol{Symbol: symbol}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) wantMetadata(ctx context.Context, blob shard.BlobID) error {
	size := c.server.cfg.Params.MetadataSize()
	if full := c.hold(int64(size)); full != nil {
		return c.refuseWant(ctx, full)
	}
	md, err := c.server.handler.Metadata(ctx, c.from, blob)
	if err != nil {
		return c.refuseWant(ctx, err)
	}
	body, err := md.AppendBinary(make([]byte, 0, size))
	if err == nil && len(body) != size {
		err = fmt.Errorf("exchange: handler gave metadata of %d bytes, want %d", len(body), size)
	}
	if err != nil {
		return c.refuseWant(ctx, err)
	}
	if err := c.writeHead(nil); err != nil {
		return err
	}
	return c.writeBody(body)
}

// refuseWant says why there is nothing for a want; the next one follows.
func (c *call) refuseWant(ctx context.Context, err error) error {
	if wire.IsNotFound(err) {
		return c.writeBody([]byte{byte(wire.HeadNone)})
	}
	c.server.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "want refused", slog.Any("peer", c.from), slog.Any("err", err))
	if err := c.writeBody([]byte{byte(wire.HeadRefused)}); err != nil {
		return err
	}
	return c.write(wire.Answer(err))
}

// bytes returns about how much the longest answer takes.
func (r *SymbolRequest) bytes() int64 {
	each := int64(r.SymbolSize)
	if r.Proofs {
		each += proofSize
	}
	return int64(len(r.Targets)) * int64(len(r.Sources)) * each
}

// check refuses requests that no answer could fit. Its error is a *wire.Error.
func (r *SymbolRequest) check(p shard.Params) error {
	switch {
	case r.Axis > shard.Secondary:
		return wire.Errorf(wire.CodeInvalid, "no axis %d", r.Axis)
	case r.SymbolSize <= 0 || r.SymbolSize > shard.MaxSymbolSize || r.SymbolSize%2 != 0:
		return wire.Errorf(wire.CodeInvalid, "symbols of %d bytes", r.SymbolSize)
	case len(r.Targets) == 0 || len(r.Sources) == 0:
		return wire.Errorf(wire.CodeInvalid, "no targets or no sources")
	case len(r.Targets) > wire.MaxSymbolIndexes || len(r.Sources) > wire.MaxSymbolIndexes || r.bytes() > MaxBody:
		return wire.Errorf(wire.CodeTooLarge, "%d targets and %d sources of %d bytes are too many for one call", len(r.Targets), len(r.Sources), r.SymbolSize)
	}
	for _, list := range [][]shard.SliverIndex{r.Targets, r.Sources} {
		seen := make(map[shard.SliverIndex]bool, len(list))
		for _, i := range list {
			if int(i) >= p.Shards() || seen[i] {
				return wire.Errorf(wire.CodeInvalid, "sliver %d does not exist or is named twice", i)
			}
			seen[i] = true
		}
	}
	return nil
}

// check finds replies that do not have the shape of the request; on the server that is a fault of the
// handler, on the client one of the peer.
func (a *SymbolReply) check(r *SymbolRequest) error {
	if err := within(a.Sources, r.Sources); err != nil {
		return err
	}
	if r.Proofs {
		if a.Symbols != nil || len(a.Proven) != len(r.Targets) {
			return fmt.Errorf("exchange: %d rows of symbols for %d targets", len(a.Proven), len(r.Targets))
		}
		for _, row := range a.Proven {
			if len(row) != len(a.Sources) {
				return fmt.Errorf("exchange: %d symbols of %d sources", len(row), len(a.Sources))
			}
			for i, s := range row {
				if s.Source != a.Sources[i] || len(s.Data) != r.SymbolSize {
					return fmt.Errorf("exchange: symbol of source %d, %d bytes, want %d, %d", s.Source, len(s.Data), a.Sources[i], r.SymbolSize)
				}
			}
		}
		return nil
	}
	if a.Proven != nil || len(a.Symbols) != len(r.Targets) {
		return fmt.Errorf("exchange: %d rows of symbols for %d targets", len(a.Symbols), len(r.Targets))
	}
	for _, row := range a.Symbols {
		if len(row) != len(a.Sources) {
			return fmt.Errorf("exchange: %d symbols of %d sources", len(row), len(a.Sources))
		}
		for _, s := range row {
			if len(s) != r.SymbolSize {
				return fmt.Errorf("exchange: symbol of %d bytes, want %d", len(s), r.SymbolSize)
			}
		}
	}
	return nil
}

// within checks that have is want with some left out.
func within(have, want []shard.SliverIndex) error {
	rest := want
	for _, i := range have {
		for len(rest) > 0 && rest[0] != i {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return fmt.Errorf("exchange: source %d was not asked for, or is out of order", i)
		}
		rest = rest[1:]
	}
	return nil
}
