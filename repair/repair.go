package repair

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// ErrConfig says that a Config lacks something; the error lists all of it.
var ErrConfig = errors.New("repair: incomplete configuration")

// Config says what a repairer works on and how hard.
type Config struct {
	Self   committee.NodeID // whose slivers are restored
	Peers  Peers            // required
	Store  Store            // required
	Ledger Ledger           // required

	// Availability is what gossip says. Nil means a new and empty one; see
	// [Repairer.Observe].
	Availability *Availability

	// Concurrency is the number of blobs repaired at the same time, as far as
	// MaxBytesInFlight allows; default 64. What they want of one member goes into
	// one call.
	Concurrency int
	// MaxBytesInFlight bounds the symbols that all repairs together have in
	// memory; default 64 MiB. Of a blob that needs more for one sliver, one sliver
	// is repaired at a time, alone.
	MaxBytesInFlight int64
	// Rate bounds the bytes of symbols pulled in a second, on average; 0 means no bound.
	Rate int64
	// Busy, if not nil, tells whether the node has others to serve. While it does, no
	// work starts, but none waits longer than MaxPause, default 2 s, so that a node
	// that is never idle is repaired, too. It is called often and from many
	// goroutines.
	Busy     func() bool
	MaxPause time.Duration
	// MaxQueue bounds the blobs that wait; default 65536. When more are enqueued,
	// the ledger is scanned once half of those have been repaired.
	MaxQueue int
	// Grace is how long [Repairer.Certified] waits for the live upload; default 10 s.
	Grace time.Duration
	// RequestTimeout bounds one request to one member; default 20 s.
	RequestTimeout time.Duration
	// HedgeAfter is how long a request may take before others are asked for the
	// same number of symbols; default 2 s.
	HedgeAfter time.Duration
	// RetryMin and RetryMax bound how long a blob waits after a failed attempt,
	// doubling from the one to the other; defaults 2 s and 5 min.
	RetryMin, RetryMax time.Duration

	// Moving, if not nil, tells of shards that a [Migrator] is at work on: nothing
	// of them is looked for or restored meanwhile.
	Moving func(shard.Index) bool
	// Holders, if not nil, returns a committee of those who are asked for each
	// shard, while its holder in the running one may not have it yet. It may return
	// nil, for that one.
	Holders func() *committee.Committee

	// OnRestored, if not nil, is told what has been restored, when it is durable.
	OnRestored func(id shard.BlobID, restored []Restored)
	// OnInconsistent, if not nil, is handed the proof that a blob was encoded
	// wrongly. The blob is not tried again until it is enqueued again. Both
	// callbacks come from the goroutines of Run and should return soon.
	OnInconsistent func(id shard.BlobID, md *shard.Metadata, proof *shard.InconsistencyProof)

	// Logger receives what an operator should know. Nil discards it.
	Logger *slog.Logger
}

// Restored names a sliver that is here again.
type Restored struct {
	Shard shard.Index
	Axis  shard.Axis
}

func (c *Config) validate() error {
	var errs []error
	for name, missing := range map[string]bool{"Peers": c.Peers == nil, "Store": c.Store == nil, "Ledger": c.Ledger == nil} {
		if missing {
			errs = append(errs, fmt.Errorf("%w: %s is nil", ErrConfig, name))
		}
	}
	setDefault(&c.Concurrency, 64)
	setDefault(&c.MaxBytesInFlight, 64<<20)
	setDefault(&c.MaxQueue, 1<<16)
	setDefault(&c.MaxPause, 2*time.Second)
	setDefault(&c.Grace, 10*time.Second)
	setDefault(&c.RequestTimeout, 20*time.Second)
	setDefault(&c.HedgeAfter, 2*time.Second)
	setDefault(&c.RetryMin, 2*time.Second)
	setDefault(&c.RetryMax, 5*time.Minute)
	if c.Availability == nil {
		c.Availability = NewAvailability(1 << 14)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(errs...)
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Repairer restores one node's slivers.
type Repairer struct {
	cfg       Config
	queue     *queue
	budget    *budget
	pulls     *pulls
	standings *standings
	counts    counts
}

type counts struct {
	blobs, inconsistent, failures atomic.Uint64
	slivers                       [2]atomic.Uint64
	pulled, restored, drops       atomic.Uint64
}

// New returns a repairer that does nothing until Run. Its error, [ErrConfig],
// lists everything that is missing.
func New(cfg Config) (*Repairer, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Repairer{
		cfg: cfg, queue: newQueue(cfg.MaxQueue), budget: newBudget(cfg.MaxBytesInFlight, max(0, cfg.Rate)),
		pulls: newPulls(cfg.Peers), standings: newStandings(),
	}, nil
}

// Run repairs what is enqueued, and what was when it ended last, until ctx ends,
// whose error it returns. When it returns, nothing is left running. It is called
// once.
func (r *Repairer) Run(ctx context.Context) error {
	r.restore(ctx)
	var workers sync.WaitGroup
	for range r.cfg.Concurrency {
		workers.Go(func() { r.work(ctx) }) // ended by ctx
	}
	r.record(ctx) // ended by ctx
	workers.Wait()
	r.pulls.running.Wait()
	r.save(context.WithoutCancel(ctx)) // what ended with ctx is still to be done
	return ctx.Err()
}

// work repairs one blob after the other.
func (r *Repairer) work(ctx context.Context) {
	for {
		it, err := r.queue.next(ctx)
		if err != nil {
			return
		}
		var retry time.Duration
		if err := r.repair(ctx, it.id); err != nil {
			r.counts.failures.Add(1)
			retry = backoff(it.attempts+1, r.cfg.RetryMin, r.cfg.RetryMax)
			if ctx.Err() == nil {
				r.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "blob not repaired yet", slog.Any("blob", it.id),
					slog.Int("attempt", it.attempts+1), slog.Duration("retry", retry), slog.Any("err", err))
			}
		}
		r.queue.done(it, retry)
		r.refill(ctx)
	}
}

// refill looks for what the queue had no room for, once there is room.
func (r *Repairer) refill(ctx context.Context) {
	if !r.queue.drained() {
		return
	}
	if err := r.Scan(ctx); err != nil && ctx.Err() == nil {
		r.cfg.Logger.WarnContext(ctx, "scan for lost slivers ended early", "err", err)
	}
}

// Enqueue asks for a blob to be looked at and repaired. It never blocks. A blob
// that waits already is not enqueued twice. It may be called for blobs of which
// nothing is lost.
func (r *Repairer) Enqueue(id shard.BlobID) { r.enqueue(id, 0) }

// Certified is Enqueue for a blob that was certified just now: it waits
// Config.Grace for the live upload, which costs nothing, before it pulls.
func (r *Repairer) Certified(id shard.BlobID) { r.enqueue(id, r.cfg.Grace) }

func (r *Repairer) enqueue(id shard.BlobID, delay time.Duration) {
	if !r.queue.add(id, r.remaining(id), delay) {
		r.counts.drops.Add(1)
	}
}

func (r *Repairer) remaining(id shard.BlobID) int {
	c := r.cfg.Ledger.Committee()
	if c == nil {
		return 0
	}
	return r.cfg.Availability.Remaining(id, c.Shards())
}

// Scan enqueues every blob of the ledger of which something is lost: after a
// start, after a change of epoch, when a disk was lost.
func (r *Repairer) Scan(ctx context.Context) error {
	for id := range r.cfg.Ledger.Blobs() {
		if err := ctx.Err(); err != nil {
			return err
		}
		lost, err := r.lacks(id)
		if err != nil {
			return fmt.Errorf("look for lost slivers of blob %v: %w", id, err)
		}
		if lost {
			r.Enqueue(id)
		}
	}
	return nil
}

// lacks tells whether anything of a blob is lost.
func (r *Repairer) lacks(id shard.BlobID) (bool, error) {
	c := r.cfg.Ledger.Committee()
	if c == nil {
		return false, nil
	}
	self := c.Member(r.cfg.Self)
	if self == nil {
		return false, nil
	}
	held, err := r.cfg.Store.Holdings(id, r.shards(self))
	if err != nil {
		return false, err
	}
	for _, h := range held {
		if !h.Primary || !h.Secondary {
			return true, nil
		}
	}
	return false, nil
}

// Observe folds an announcement of another node in, see [Availability.Apply], and
// repairs what has become most urgent first.
func (r *Repairer) Observe(from committee.NodeID, a Announcement) error {
	c := r.cfg.Ledger.Committee()
	if c == nil {
		return ErrNotMember
	}
	if err := r.cfg.Availability.Apply(c, from, a); err != nil {
		return err
	}
	for _, en := range a.Entries {
		r.queue.reorder(en.Blob, r.remaining(en.Blob))
	}
	return nil
}

// WaitIdle waits until nothing is enqueued and nothing is being repaired, or
// returns the error of ctx. A blob that waits for its next attempt is enqueued.
func (r *Repairer) WaitIdle(ctx context.Context) error {
	for {
		idle, changed := r.queue.idle()
		if idle {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stats is what a repairer has done and has to do.
type Stats struct {
	Waiting int       // blobs in the queue, those that wait for another attempt included
	Active  int       // blobs being repaired
	Oldest  time.Time // when the blob that waits longest was enqueued; zero if none
	// Margins counts these blobs by the pairs not believed lost beyond those that a
	// reader needs: none of them and fewer than needed, then by quarters of the most
	// there can be.
	Margins [5]int

	Blobs         uint64 // repaired: nothing of them is lost any more
	Inconsistent  uint64 // found to be encoded wrongly
	Failures      uint64 // attempts that have to be repeated
	Dropped       uint64 // blobs not enqueued for want of room; a scan finds them
	Primary       uint64 // slivers restored
	Secondary     uint64 // slivers restored
	Calls         uint64 // made to members
	BytesPulled   uint64 // symbols, proofs and metadata received
	BytesRestored uint64 // slivers and metadata stored
	Liars         []committee.NodeID
}

// Stats returns the figures of now.
func (r *Repairer) Stats() Stats {
	c := &r.counts
	s := Stats{
		Blobs: c.blobs.Load(), Inconsistent: c.inconsistent.Load(), Failures: c.failures.Load(), Dropped: c.drops.Load(),
		Primary: c.slivers[shard.Primary].Load(), Secondary: c.slivers[shard.Secondary].Load(),
		BytesPulled: c.pulled.Load(), BytesRestored: c.restored.Load(), Liars: r.standings.liars(),
		Calls: r.pulls.made(),
	}
	s.Waiting, s.Active, s.Oldest = r.queue.sizes()
	if c := r.cfg.Ledger.Committee(); c != nil {
		s.Margins = r.queue.margins(c.Params().SourceSymbols(shard.Secondary), c.Shards())
	}
	return s
}

// Idle tells whether there is nothing to do.
func (r *Repairer) Idle() bool {
	idle, _ := r.queue.idle()
	return idle
}
