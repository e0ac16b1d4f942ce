package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

const (
	uploadTries = 4                      // to one node, while it says "later"
	uploadPause = 200 * time.Millisecond // between tries, unless the node says how long
	// tailTime is how long, at the least, slivers are still sent to nodes that
	// were slower than the quorum. What does not arrive, those nodes repair.
	tailTime = 3 * time.Second
)

// ErrNotEnoughConfirmations says that a blob was paid for and sent, and that
// too few nodes confirmed to hold it. Storing it again goes on with the same
// registration.
var ErrNotEnoughConfirmations = errors.New("client: too few storage nodes confirmed")

// confirmed is one node's answer to an upload.
type confirmed struct {
	member       *committee.Member
	confirmation *exchange.SignedConfirmation
	err          error
}

// collect sends every node its slivers and gathers confirmations until they
// are a certificate. The other uploads go on for a while after that.
func (s *storing) collect(ctx context.Context) (committee.Certificate, error) {
	c := s.client
	members := s.net.Committee.Members()
	ex, err := c.begin(s.net, len(members))
	if err != nil {
		return committee.Certificate{}, err
	}
	persistence := committee.Persistence{Deletable: s.result.Registered.Deletable}
	if persistence.Deletable {
		persistence.Object = s.result.Registered.ID
	}
	message := committee.Confirmation{
		Epoch: s.net.System.Epoch, Blob: s.result.BlobID, Persistence: persistence,
	}.Message()

	uploads, cancel := context.WithCancel(c.stop) // may outlive ctx
	began := time.Now()
	results := make(chan confirmed, len(members))
	for i := range members {
		m := &members[i]
		go func() { // ends with its upload, at the latest when uploads is canceled; tails waits for it
			defer c.tails.Done()
			confirmation, err := s.send(uploads, ex, m, persistence)
			results <- confirmed{m, confirmation, err}
		}()
	}

	collector := committee.NewCollector(s.net.Committee, message)
	var faults []error
	for range members {
		select {
		case r := <-results:
			if r.err == nil {
				r.err = collector.Add(r.member.ID, committee.SignedConfirmation(*r.confirmation))
			}
			if r.err != nil {
				c.log.DebugContext(ctx, "no confirmation", "peer", p2p.PeerID(r.member.NetworkKey), "blob", s.result.BlobID, "err", r.err)
				faults = append(faults, fmt.Errorf("node %s: %w", r.member.Name, r.err))
			}
			s.opt.Progress(Progress{Step: StepUpload, Done: int(collector.Weight()), Total: s.net.Committee.Shards()})
		case <-ctx.Done():
			cancel()
			return committee.Certificate{}, ctx.Err()
		}
		if collector.Quorum() {
			time.AfterFunc(max(tailTime, time.Since(began)), cancel)
			return collector.Certificate()
		}
	}
	cancel()
	return committee.Certificate{}, fmt.Errorf("%w: weight %d of %d: %w",
		ErrNotEnoughConfirmations, collector.Weight(), s.net.Committee.Shards(), errors.Join(faults...))
}

// begin announces uploads that Close has to wait for.
func (c *Client) begin(net *Network, count int) (*exchange.Client, error) {
	ex, err := c.exchangeFor(net)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	c.tails.Add(count)
	return ex, nil
}

// send uploads what one node should hold, again while the node says "later".
func (s *storing) send(ctx context.Context, ex *exchange.Client, m *committee.Member, p committee.Persistence) (*exchange.SignedConfirmation, error) {
	for try := 1; ; try++ {
		result, err := ex.Upload(ctx, m.NetworkKey, exchange.Upload{
			Blob: s.result.BlobID, Persistence: p, Epoch: s.net.System.Epoch,
			Metadata: s.md, Slivers: s.sliversOf(m), Confirm: true,
		})
		if err == nil && result.Confirmation != nil {
			return result.Confirmation, nil
		}
		if err == nil {
			return nil, errors.New("stored, but not confirmed")
		}
		pause, later := wire.IsBusy(err)
		if !later && !wire.IsNotRegistered(err) || try == uploadTries {
			return nil, err
		}
		select {
		case <-time.After(max(pause, uploadPause)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// sliversOf yields the slivers for the shards of a node.
func (s *storing) sliversOf(m *committee.Member) iter.Seq[shard.Sliver] {
	params := s.net.Committee.Params()
	return func(yield func(shard.Sliver) bool) {
		for _, at := range m.Shards {
			pair := s.pairs[params.PairOf(s.result.BlobID, at)]
			if !yield(pair.Primary) || !yield(pair.Secondary) {
				return
			}
		}
	}
}
