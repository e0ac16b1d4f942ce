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
	uploadTries = 4                      // again to one node, while it says "later" or cannot be reached
	uploadPause = 100 * time.Millisecond // before the first of them, unless the node says how long; it doubles
	longestWait = 5 * time.Second        // a node that asks for a longer pause is left out
	// uploadStall is how long an upload may make no progress before the node
	// is given up: it may have to wait for the ledger, and for its disk.
	uploadStall = 30 * time.Second
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
	ex, err := c.exchangeFor(s.net)
	if err != nil {
		return committee.Certificate{}, err
	}
	uploads, cancel := context.WithCancel(context.WithoutCancel(ctx)) // they may outlive ctx
	done, ok := c.tails.begin(len(members), cancel)
	if !ok {
		cancel()
		return committee.Certificate{}, ErrClosed
	}
	r := &round{
		exchange: ex, committee: s.net.Committee, id: s.result.BlobID, md: s.md, pairs: s.pairs,
		epoch: s.net.System.Epoch, persistence: committee.Persistence{Deletable: s.result.Registered.Deletable},
	}
	if r.persistence.Deletable {
		r.persistence.Object = s.result.Registered.ID
	}
	began := time.Now()
	results := make(chan confirmed, len(members))
	for i := range members {
		m, holds := &members[i], s.holders[members[i].ID]
		go func() { // ends with its upload, at the latest when uploads is canceled; tails waits for it
			defer done()
			confirmation, err := r.send(uploads, m, holds)
			results <- confirmed{m, confirmation, err}
		}()
	}
	collector, err := s.gather(ctx, r, results)
	if err != nil {
		cancel()
		if c.tails.closing() {
			err = ErrClosed
		}
		return committee.Certificate{}, err
	}
	time.AfterFunc(max(tailTime, time.Since(began)), cancel)
	return collector.Certificate()
}

// gather takes results until they are a quorum or no more can come.
func (s *storing) gather(ctx context.Context, r *round, results <-chan confirmed) (*committee.Collector, error) {
	collector := committee.NewCollector(r.committee, committee.Confirmation{
		Epoch: r.epoch, Blob: r.id, Persistence: r.persistence,
	}.Message())
	total := r.committee.Shards()
	var faults []error
	for range r.committee.Members() {
		select {
		case a := <-results:
			if a.err == nil {
				s.holders[a.member.ID] = true
				s.heard(a.confirmation)
				a.err = collector.Add(a.member.ID, *a.confirmation)
			}
			if a.err != nil {
				if wire.CodeOf(a.err) == wire.CodeWrongShard {
					s.behind = true // another committee is responsible already
				}
				s.client.log.DebugContext(ctx, "no confirmation", "peer", p2p.PeerID(a.member.NetworkKey), "blob", r.id, "err", a.err)
				faults = append(faults, fmt.Errorf("node %s: %w", a.member.Name, a.err))
			}
			s.opt.Progress(Progress{Step: StepUpload, Done: int(collector.Weight()), Total: total})
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if collector.Quorum() {
			return collector, nil
		}
	}
	return nil, fmt.Errorf("%w: weight %d of %d: %w",
		ErrNotEnoughConfirmations, collector.Weight(), total, errors.Join(faults...))
}

// heard notes that a node is in a later epoch than we know of.
func (s *storing) heard(c *exchange.SignedConfirmation) {
	if said, err := committee.ParseConfirmation(c.Message); err == nil && said.Epoch > s.net.System.Epoch {
		s.behind = true
	}
}

// round is one attempt to have a blob confirmed by the committee of an epoch.
// Its uploads share it and nothing else with the goroutine of Store.
type round struct {
	exchange    *exchange.Client
	committee   *committee.Committee
	epoch       committee.Epoch
	id          shard.BlobID
	persistence committee.Persistence
	md          *shard.Metadata
	pairs       []shard.SliverPair
}

// send uploads what one node should hold, again while the node says "later" or
// is behind us. A node that has told that it holds all is asked for its
// confirmation only.
func (r *round) send(ctx context.Context, m *committee.Member, holds bool) (*exchange.SignedConfirmation, error) {
	for try := 0; ; try++ {
		var confirmation *exchange.SignedConfirmation
		var err error
		if holds {
			confirmation, err = r.confirm(ctx, m)
			holds = !wire.IsNotFound(err)
		} else {
			confirmation, err = r.upload(ctx, m)
			holds = err == nil
		}
		if err == nil && !r.early(confirmation) || try == uploadTries {
			return confirmation, err
		}
		wait := uploadPause << try
		if err != nil {
			pause, later := wire.IsBusy(err)
			again := later || wire.IsNotRegistered(err) || wire.IsNotFound(err) || errors.Is(err, p2p.ErrUnreachable)
			if !again || pause > longestWait {
				return nil, err
			}
			wait = max(wait, pause)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// early tells whether a node has confirmed in an epoch before ours, because it
// has not seen ours begin.
func (r *round) early(c *exchange.SignedConfirmation) bool {
	said, err := committee.ParseConfirmation(c.Message)
	return err == nil && said.Epoch < r.epoch
}

// confirm asks a node that holds its slivers for a confirmation.
func (r *round) confirm(ctx context.Context, m *committee.Member) (*exchange.SignedConfirmation, error) {
	ctx, cancel := context.WithTimeout(ctx, uploadStall)
	defer cancel()
	c, err := r.exchange.Confirm(ctx, m.NetworkKey, r.id, r.persistence)
	return &c, err
}

// upload sends a node its slivers once, and gives up when nothing moves.
func (r *round) upload(ctx context.Context, m *committee.Member) (*exchange.SignedConfirmation, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(uploadStall, func() { cancel(errStalled) })
	defer stall.Stop()
	result, err := r.exchange.Upload(ctx, m.NetworkKey, exchange.Upload{
		Blob: r.id, Persistence: r.persistence, Epoch: r.epoch,
		Metadata: r.md, Slivers: r.sliversOf(m), Confirm: true,
		Progress: func(int) { stall.Reset(uploadStall) },
	})
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errStalled):
		return nil, fmt.Errorf("%w: %w", errStalled, err)
	case err == nil && result.Confirmation == nil:
		return nil, errors.New("stored, but not confirmed")
	}
	return result.Confirmation, err
}

var errStalled = errors.New("client: the node takes nothing more")

// sliversOf yields the slivers for the shards of a node.
func (r *round) sliversOf(m *committee.Member) iter.Seq[shard.Sliver] {
	params := r.committee.Params()
	return func(yield func(shard.Sliver) bool) {
		for _, at := range m.Shards {
			pair := r.pairs[params.PairOf(r.id, at)]
			if !yield(pair.Primary) || !yield(pair.Secondary) {
				return
			}
		}
	}
}
