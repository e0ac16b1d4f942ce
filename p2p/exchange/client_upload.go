package exchange

import (
	"context"
	"fmt"
	"sync"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
)

// Upload sends metadata and slivers to one node and returns once the node says that they are durable.
// A node that refuses says so while the rest is still being sent, and the rest is then not sent.
func (c *Client) Upload(ctx context.Context, to p2p.PeerID, u Upload) (UploadResult, error) {
	if u.Metadata != nil {
		u.Size = u.Metadata.Size
	}
	var done wire.Uploaded
	_, err := c.params.SymbolSize(u.Size)
	if err == nil {
		err = c.call(ctx, to, wire.BlobProtocol, func(k *conn) error { return c.upload(k, &u, &done) })
	}
	if err != nil {
		return UploadResult{}, fmt.Errorf("send %v to %v: %w", u.Blob, to, err)
	}
	return UploadResult{Stored: int(done.Stored), Confirmation: (*SignedConfirmation)(done.Confirmation)}, nil
}

// upload writes in one goroutine and waits for the answer in another, because the answer may come first.
func (c *Client) upload(k *conn, u *Upload, done *wire.Uploaded) error {
	var (
		writer sync.WaitGroup // ends when all is written, or with the stream
		sent   error
	)
	answered := make(chan struct{})
	writer.Go(func() { sent = c.send(k, u, answered) })
	err := k.status(true)
	close(answered)
	if err != nil {
		k.s.Reset() // whatever the writer is at
	}
	writer.Wait()
	if err != nil {
		if _, ok := err.(*wire.Error); !ok && sent != nil { //nolint:errorlint // made by status, not wrapped
			return fmt.Errorf("%w (while sending: %w)", err, sent)
		}
		return err
	}
	return k.read(done) // a node that has stored all may hang up before we have closed our side
}

// send writes the whole request. It stops early, without fault, once an answer is there.
func (c *Client) send(k *conn, u *Upload, answered <-chan struct{}) error {
	err := k.write(&wire.Request{Call: &wire.Upload{
		Blob: u.Blob, Epoch: u.Epoch, Persistence: u.Persistence,
		Size: u.Size, Metadata: u.Metadata != nil, Confirm: u.Confirm,
	}})
	if err != nil {
		return err
	}
	if u.Metadata != nil {
		body, err := u.Metadata.AppendBinary(make([]byte, 0, c.params.MetadataSize()))
		if err != nil {
			return err
		}
		if err := k.writeBody(body); err != nil {
			return err
		}
	}
	if u.Slivers != nil {
		for s := range u.Slivers {
			select {
			case <-answered:
				return nil
			default:
			}
			if err := k.write(&wire.Part{Sliver: SliverID{Axis: s.Axis, Index: s.Index}, Length: uint32(len(s.Data))}); err != nil {
				return err
			}
			if err := k.writeBody(s.Data); err != nil {
				return err
			}
			if u.Progress != nil {
				u.Progress(len(s.Data))
			}
		}
	}
	if err := k.write(&wire.Part{End: true}); err != nil {
		return err
	}
	if err := k.flush(); err != nil {
		return err
	}
	return k.s.CloseWrite()
}
