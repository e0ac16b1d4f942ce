package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/exchange"
	"github.com/floe-storage/floe/shard"
)

const (
	// hedgeAfter is how long nothing may arrive before other nodes are asked
	// for the same.
	hedgeAfter = 300 * time.Millisecond
	// slowest is the rate, in bytes per second, at which a sliver is expected to
	// arrive: a large one may take longer than hedgeAfter.
	slowest = 2 << 20
	// silence is how long nothing at all may arrive before a read is given up.
	silence = 30 * time.Second
	// readTries is how often a read is tried again when too few nodes could be
	// reached: a peer that has only just joined may not know its way yet.
	readTries       = 3
	readPause       = 300 * time.Millisecond // before the first of them; it doubles
	metadataAtOnce  = 2
	metadataTimeout = 10 * time.Second // for one node
)

// ReadOptions says how a blob is read.
type ReadOptions struct {
	Check shard.Check // of the whole blob against its metadata; zero is right
}

// Read returns the bytes of a certified blob. Errors: [ErrNotFound],
// [ErrUnavailable], [ErrInconsistent].
func (c *Client) Read(ctx context.Context, id shard.BlobID, opt ReadOptions) ([]byte, error) {
	net, err := c.Network(ctx)
	if err != nil {
		return nil, err
	}
	status, err := c.Status(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case status.Kind == ledger.StatusInvalid:
		return nil, invalid(id, status)
	case status.Kind == ledger.StatusNone:
		return nil, fmt.Errorf("%w: %v", ErrNotFound, id)
	case !status.Available():
		return nil, fmt.Errorf("%w: %v is registered and not yet certified", ErrNotFound, id)
	}
	ex, err := c.exchangeFor(net)
	if err != nil {
		return nil, err
	}
	r := &reading{client: c, exchange: ex, params: net.Committee.Params(), id: id, certified: status.Blob.Certified}
	r.ask(net)
	slivers, err := r.fetch(ctx)
	if err != nil {
		if now, fault := c.Status(ctx, id); fault == nil && now.Kind == ledger.StatusNone { // it has ended meanwhile
			return nil, fmt.Errorf("%w: %v", ErrNotFound, id)
		}
		return nil, err
	}
	data, err := shard.Decode(r.params, r.md, slivers, opt.Check)
	var lie *shard.InconsistentBlobError
	if errors.As(err, &lie) {
		return nil, fmt.Errorf("%w: %v: %w", ErrInconsistent, id, err)
	}
	if err != nil {
		return nil, fmt.Errorf("decode blob %v: %w", id, err)
	}
	return data, nil
}

// invalid is the error of a blob that the ledger has recorded as invalid.
func invalid(id shard.BlobID, s ledger.Status) error {
	return fmt.Errorf("%w: %v: recorded in epoch %d on evidence %x", ErrInconsistent, id, s.Invalid.Epoch, s.Invalid.Evidence)
}

// reading is one blob on its way back.
type reading struct {
	client    *Client
	exchange  *exchange.Client
	params    shard.Params
	id        shard.BlobID
	certified committee.Epoch      // in which the blob was
	committee *committee.Committee // who should have it
	other     *committee.Committee // who may have what those lack; nil: nobody
	md        *shard.Metadata
	have      []shard.Sliver // verified, all of them different
}

// ask chooses the committee to read from: while shards are handed over, who was
// responsible when the blob was certified, and the other one for want of it. [WL] §4.4
func (r *reading) ask(net *Network) {
	r.committee, r.other = net.Committee, net.Previous
	if net.Previous != nil && r.certified < net.System.Epoch {
		r.committee, r.other = net.Previous, net.Committee
	}
}

// errSilent says that nodes take requests and do not answer them.
var errSilent = errors.New("client: nothing arrives")

// fetch returns slivers enough to decode, and sets md. It keeps what it has got
// from one try to the next.
func (r *reading) fetch(ctx context.Context) ([]shard.Sliver, error) {
	for try := 0; ; try++ {
		err := r.fetchOnce(ctx)
		if err == nil {
			return r.have, nil
		}
		if try == readTries || !errors.Is(err, ErrUnavailable) || errors.Is(err, errSilent) {
			return nil, err
		}
		select {
		case <-time.After(readPause << try):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if net, err := r.client.Network(ctx); err == nil { // an epoch may have begun, or its hand-over ended
			r.ask(net)
		}
	}
}

func (r *reading) fetchOnce(ctx context.Context) error {
	if r.md == nil {
		md, err := r.metadata(ctx)
		if err != nil {
			return err
		}
		r.md = md
	}
	return r.gather(ctx)
}

// unavailable says what could not be had, and why as far as nodes told.
func unavailable(faults []error, format string, args ...any) error {
	err := fmt.Errorf("%w: "+format, append([]any{ErrUnavailable}, args...)...)
	if len(faults) > 0 {
		err = fmt.Errorf("%w: %w", err, errors.Join(faults...))
	}
	return err
}

// metadata asks one node after the other, two at a time, until one sends what
// hashes to the blob ID.
func (r *reading) metadata(ctx context.Context) (*shard.Metadata, error) {
	ctx, cancel := context.WithCancel(ctx)
	type answer struct {
		md  *shard.Metadata
		err error
	}
	members := r.client.preferred(r.committee)
	if r.other != nil {
		for _, m := range r.client.preferred(r.other) {
			if !slices.ContainsFunc(members, func(o *committee.Member) bool { return o.NetworkKey == m.NetworkKey }) {
				members = append(members, m)
			}
		}
	}
	answers := make(chan answer, len(members))
	asked, open := 0, 0
	defer func() {
		cancel()
		for ; open > 0; open-- {
			<-answers
		}
	}()
	ask := func() {
		if asked == len(members) {
			return
		}
		m := members[asked]
		asked++
		open++
		go func() { // ends with ctx; metadata waits for its answer
			ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
			defer cancel()
			md, err := r.exchange.Metadata(ctx, m.NetworkKey, r.id)
			if err == nil {
				err = md.Verify(r.params, r.id)
			}
			answers <- answer{md, err}
		}()
	}
	for range metadataAtOnce {
		ask()
	}
	hedge := time.NewTicker(hedgeAfter)
	defer hedge.Stop()
	var faults []error
	for open > 0 {
		select {
		case a := <-answers:
			open--
			if a.err == nil {
				return a.md, nil
			}
			faults = append(faults, a.err)
			ask()
		case <-hedge.C:
			ask()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, unavailable(faults, "no metadata of blob %v", r.id)
}

// preferred returns the members in the order in which to ask them: shuffled,
// connected ones first, those that have just failed us last.
func (c *Client) preferred(net *committee.Committee) []*committee.Member {
	members := net.Members()
	out := make([]*committee.Member, len(members))
	for i, j := range rand.Perm(len(members)) {
		out[i] = &members[j]
	}
	slices.SortStableFunc(out, func(a, b *committee.Member) int { return c.rank(a) - c.rank(b) })
	return out
}

func (c *Client) rank(m *committee.Member) int {
	switch id := p2p.PeerID(m.NetworkKey); {
	case c.standing.failing(id):
		return 2
	case c.host.Connected(id):
		return 0
	default:
		return 1
	}
}
