package exchange

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// Client asks peers. Errors it returns can be classified with wire.CodeOf: what a peer answered is a
// *wire.Error, what a peer got wrong is CodeInvalid, and no answer is CodeUnavailable. All calls obey
// their context.
type Client struct {
	host    *p2p.Host
	params  shard.Params
	pace    pace
	buffers buffers
}

// NewClient returns a client of a network with parameters p.
func NewClient(h *p2p.Host, p shard.Params) *Client {
	return &Client{host: h, params: p, pace: pace{defaultPatience, defaultRate}}
}

// call opens a stream and runs fn on it.
func (c *Client) call(ctx context.Context, to p2p.PeerID, proto string, fn func(*conn) error) error {
	s, err := c.host.Open(ctx, to, proto)
	if err != nil {
		return err
	}
	k := c.buffers.conn(s, c.pace)
	defer c.buffers.release(k)
	if err := fn(k); err != nil {
		s.Reset()
		return err
	}
	_ = s.Close() // all that was wanted has arrived
	return nil
}

// ask sends a request that nothing follows and waits for the status of the answer. A peer that is busy
// may answer and hang up before it has read the request: its answer counts, not the broken write.
func (k *conn) ask(m wire.Message) error {
	sent := k.send(m)
	if errors.Is(sent, p2p.ErrTimeout) {
		return sent
	}
	err := k.status(true)
	if _, ok := err.(*wire.Error); !ok && err != nil && sent != nil { //nolint:errorlint // made by status, not wrapped
		return fmt.Errorf("%w (after: %w)", err, sent)
	}
	return err
}

func (k *conn) send(m wire.Message) error {
	if err := k.write(m); err != nil {
		return err
	}
	if err := k.flush(); err != nil {
		return err
	}
	return k.s.CloseWrite()
}

// status reads a status and returns it as an error unless it is good.
func (k *conn) status(patient bool) error {
	read := k.read
	if patient {
		read = k.wait
	}
	var e wire.Error
	if err := read(&e); err != nil {
		return err
	}
	if e.Code != wire.CodeOK {
		return &e
	}
	return nil
}

// Metadata returns the metadata of blob as the peer has it, not yet verified.
func (c *Client) Metadata(ctx context.Context, from p2p.PeerID, blob shard.BlobID) (md *shard.Metadata, err error) {
	err = c.call(ctx, from, wire.BlobProtocol, func(k *conn) error {
		if err := k.ask(&wire.Request{Call: &wire.Metadata{Blob: blob}}); err != nil {
			return err
		}
		var length wire.Length
		if err := k.read(&length); err != nil {
			return err
		}
		if int64(length.Bytes) != int64(c.params.MetadataSize()) {
			return fmt.Errorf("%w: metadata of %d bytes, want %d", wire.ErrMalformed, length.Bytes, c.params.MetadataSize())
		}
		body, err := k.readBody(int(length.Bytes))
		if err != nil {
			return err
		}
		md, err = shard.ParseMetadata(body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get metadata of %v from %v: %w", blob, from, err)
	}
	return md, nil
}

// Confirm asks for a confirmation of a blob that the peer has been sent.
func (c *Client) Confirm(ctx context.Context, to p2p.PeerID, blob shard.BlobID, p committee.Persistence) (SignedConfirmation, error) {
	var signed wire.Confirmation
	err := c.call(ctx, to, wire.BlobProtocol, func(k *conn) error {
		if err := k.ask(&wire.Request{Call: &wire.Confirm{Blob: blob, Persistence: p}}); err != nil {
			return err
		}
		return k.read(&signed)
	})
	if err != nil {
		return SignedConfirmation{}, fmt.Errorf("get confirmation of %v from %v: %w", blob, to, err)
	}
	return SignedConfirmation(signed), nil
}

// Status returns what the peer has of each blob, in their order. At most wire.MaxBlobs.
func (c *Client) Status(ctx context.Context, from p2p.PeerID, blobs []shard.BlobID) ([]Holding, error) {
	var held wire.Holdings
	err := c.call(ctx, from, wire.BlobProtocol, func(k *conn) error {
		if err := k.ask(&wire.Request{Call: &wire.Status{Blobs: blobs}}); err != nil {
			return err
		}
		if err := k.read(&held); err != nil {
			return err
		}
		if len(held.Blobs) != len(blobs) {
			return fmt.Errorf("%w: %d holdings for %d blobs", wire.ErrMalformed, len(held.Blobs), len(blobs))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("get status of %d blobs from %v: %w", len(blobs), from, err)
	}
	return held.Blobs, nil
}

// Slivers fetches slivers of one blob, in the order of ids, at most wire.MaxSlivers. Each has the size
// its axis and its own symbol size give, and is not verified; its data belongs to the consumer. A sliver
// that the peer does not have comes with only Axis and Index set and a *wire.Error of its own, and the
// others follow. Any other error is the last.
func (c *Client) Slivers(ctx context.Context, from p2p.PeerID, blob shard.BlobID, ids []SliverID) iter.Seq2[shard.Sliver, error] {
	return func(yield func(shard.Sliver, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stopped := false
		err := c.call(ctx, from, wire.BlobProtocol, func(k *conn) error {
			if err := k.ask(&wire.Request{Call: &wire.Slivers{Blob: blob, IDs: ids}}); err != nil {
				return err
			}
			for _, id := range ids {
				s, err := c.sliver(k, id)
				if own, ok := err.(*wire.Error); ok { //nolint:errorlint // made by status, not wrapped
					err = fmt.Errorf("get %v of %v from %v: %w", &s, blob, from, own)
				} else if err != nil {
					return err
				}
				if !yield(s, err) {
					stopped = true
					cancel() // what is still on its way is not wanted
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(shard.Sliver{}, fmt.Errorf("get slivers of %v from %v: %w", blob, from, err))
		}
	}
}

// sliver reads one item. The peer may take its time, since it reads from its disk.
func (c *Client) sliver(k *conn, id SliverID) (shard.Sliver, error) {
	s := shard.Sliver{Axis: id.Axis, Index: id.Index}
	if err := k.status(true); err != nil {
		return s, err
	}
	var item wire.Item
	if err := k.read(&item); err != nil {
		return s, err
	}
	size := int(item.SymbolSize)
	if want := c.params.SliverSize(id.Axis, size); item.Sliver != id || size == 0 || size%2 != 0 || int64(item.Length) != int64(want) {
		return s, fmt.Errorf("%w: %v sliver %d of %d bytes in symbols of %d for %v", wire.ErrMalformed, item.Sliver.Axis, item.Sliver.Index, item.Length, size, &s)
	}
	var err error
	s.SymbolSize = size
	s.Data, err = k.readBody(int(item.Length))
	return s, err
}
