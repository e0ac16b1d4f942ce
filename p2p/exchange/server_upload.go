package exchange

import (
	"context"
	"errors"
	"fmt"

	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// upload reads an upload and hands it on as it comes.
func (c *call) upload(ctx context.Context, r *wire.Upload) error {
	p := c.server.cfg.Params
	symbolSize, err := p.SymbolSize(r.Size)
	if err != nil {
		return c.refuse(wire.Answer(err))
	}
	// At any time there is the metadata, the sliver being read and the one before it, which the handler
	// may still be verifying.
	need := int64(2 * max(p.SliverSize(shard.Primary, symbolSize), p.SliverSize(shard.Secondary, symbolSize)))
	if r.Metadata {
		need += 2 * int64(p.MetadataSize()) // as bytes and decoded
	}
	if full := c.hold(need); full != nil {
		return c.refuse(full)
	}
	var md *shard.Metadata
	if r.Metadata {
		body, err := c.readBody(p.MetadataSize())
		if err != nil {
			return err
		}
		if md, err = shard.ParseMetadata(body); err != nil {
			return c.refuse(wire.Answer(err))
		}
		if md.Size != r.Size || md.Shards() != p.Shards() {
			return c.refuse(wire.Errorf(wire.CodeInvalid, "metadata of %d bytes in %d shards, announced were %d in %d", md.Size, md.Shards(), r.Size, p.Shards()))
		}
	}
	in := &incoming{call: c, symbolSize: symbolSize}
	result, err := c.server.handler.Upload(ctx, c.from, UploadHeader{
		Blob: r.Blob, Persistence: r.Persistence, Epoch: r.Epoch, Size: r.Size, Confirm: r.Confirm,
	}, md, in.all)
	if err == nil && !in.ended {
		err = errors.New("exchange: handler accepted an upload it had not read")
	}
	if in.fault != nil && wire.CodeOf(in.fault) == wire.CodeUnavailable {
		return in.fault // the stream failed, so there is nobody to tell
	}
	done := &wire.Uploaded{Stored: uint32(result.Stored)}
	if err == nil && r.Confirm && result.Confirmation != nil {
		done.Confirmation = (*wire.Confirmation)(result.Confirmation)
	}
	return c.result(ctx, done, err)
}

// incoming is the sequence of slivers of an upload.
type incoming struct {
	call       *call
	symbolSize int
	count      int
	ended      bool // the end was read
	fault      error
}

// all yields the slivers that are still to come.
func (in *incoming) all(yield func(shard.Sliver, error) bool) {
	for !in.ended && in.fault == nil {
		s, err := in.next()
		if err != nil {
			in.fault = err
			yield(shard.Sliver{}, err)
			return
		}
		if !in.ended && !yield(s, nil) {
			return
		}
	}
	if in.fault != nil {
		yield(shard.Sliver{}, in.fault)
	}
}

func (in *incoming) next() (shard.Sliver, error) {
	p := in.call.server.cfg.Params
	var part wire.Part
	// The writer may be encoding the next sliver, or waiting for its disk: patience does for that.
	if err := in.call.read(&part); err != nil {
		return shard.Sliver{}, fmt.Errorf("read sliver: %w", err)
	}
	if part.End {
		in.ended = true
		return shard.Sliver{}, nil
	}
	in.count++
	want := p.SliverSize(part.Sliver.Axis, in.symbolSize)
	switch {
	case in.count > 2*p.Shards():
		return shard.Sliver{}, wire.Errorf(wire.CodeInvalid, "more than the %d slivers of a blob", 2*p.Shards())
	case int(part.Sliver.Index) >= p.Shards():
		return shard.Sliver{}, wire.Errorf(wire.CodeInvalid, "no %v sliver %d", part.Sliver.Axis, part.Sliver.Index)
	case int64(part.Length) != int64(want):
		return shard.Sliver{}, wire.Errorf(wire.CodeInvalid, "%v sliver of %d bytes, want %d", part.Sliver.Axis, part.Length, want)
	}
	data, err := in.call.readBody(want)
	if err != nil {
		return shard.Sliver{}, fmt.Errorf("read sliver: %w", err)
	}
	return shard.Sliver{Axis: part.Sliver.Axis, Index: part.Sliver.Index, SymbolSize: in.symbolSize, Data: data}, nil
}
