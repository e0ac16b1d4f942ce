package repair

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

var (
	// errSlow says that a former holder has sent too little for too long.
	errSlow = errors.New("repair: the former holder sends too little")
	// errFalse says that a former holder has sent what is provably wrong.
	errFalse = errors.New("repair: the former holder answered wrongly")
)

const (
	// leastRate is the rate, in bytes per second, below which a former holder is
	// given up. Each sliver counts for leastSliver bytes more than it has.
	leastRate   = 16 << 10
	leastSliver = 1 << 10
	// perHolder is how many shards are pulled from one former holder at once.
	perHolder = 2
)

// Holders asks the former holders of shards. Its methods are called from many
// goroutines at once and must end soon after ctx does. Nothing in the results
// need have been verified.
type Holders interface {
	// SyncShard yields what a member has of a shard, from a blob on, in the order of
	// blob IDs and at most one sliver of each axis; it ends without an error only if
	// that was all. Slivers belong to the consumer, who may stop.
	SyncShard(ctx context.Context, from committee.Member, at shard.Index, first shard.BlobID) iter.Seq2[Moved, error]
	// Metadata returns a blob's metadata.
	Metadata(ctx context.Context, from committee.Member, id shard.BlobID) (*shard.Metadata, error)
}

// Moved is a sliver on its way from one holder of its shard to the next.
type Moved struct {
	Blob   shard.BlobID
	Sliver shard.Sliver
}

// Register is what the migrator needs of the ledger.
type Register interface {
	// Committee returns the members of the running epoch, who may know metadata.
	Committee() *committee.Committee
	// Wanted tells whether a blob is certified, has not expired and is not invalid.
	Wanted(id shard.BlobID) bool
	// Older returns the wanted blobs that were certified before an epoch, in any order.
	Older(ctx context.Context, epoch committee.Epoch) ([]shard.BlobID, error)
}

// MigratorConfig says what a migrator works on and how hard.
type MigratorConfig struct {
	Self    committee.NodeID // who is not asked
	Params  shard.Params     // required
	Holders Holders          // required
	Store   Store            // required
	Ledger  Register         // required

	// Concurrency is the number of shards pulled at the same time; default 8.
	Concurrency int
	// Patience is how long a former holder may send next to nothing before it is
	// given up; default 30 s.
	Patience time.Duration
	// RetryMin and RetryMax bound the pause after a failed call, doubling from the
	// one to the other; defaults 200 ms and 5 s.
	RetryMin, RetryMax time.Duration
	// Logger receives what an operator should know. Nil discards it.
	Logger *slog.Logger
}

func (c *MigratorConfig) validate() error {
	if c.Params.Shards() == 0 || c.Holders == nil || c.Store == nil || c.Ledger == nil {
		return fmt.Errorf("%w: Params, Holders, Store and Ledger are required", ErrConfig)
	}
	setDefault(&c.Concurrency, 8)
	setDefault(&c.Patience, 30*time.Second)
	setDefault(&c.RetryMin, 200*time.Millisecond)
	setDefault(&c.RetryMax, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Move is a shard that this node has gained and the member that held it before.
type Move struct {
	Shard shard.Index
	From  committee.Member
}

// Shards returns the shards of moves, in their order.
func Shards(moves []Move) []shard.Index {
	out := make([]shard.Index, len(moves))
	for i, m := range moves {
		out[i] = m.Shard
	}
	return out
}

// Outcome says what became of a move. What is still missing afterwards is for the
// [Repairer].
type Outcome struct {
	Move
	Err error // why the former holder was given up; nil if it sent all that it has
}

// MigratorStats is what a migrator has done since it was made.
type MigratorStats struct {
	Shards        uint64 // that their former holders have sent to the end
	Given         uint64 // whose former holders were given up
	Slivers       uint64 // stored
	BytesPulled   uint64 // slivers and metadata received, useless ones included
	BytesRestored uint64 // slivers and metadata stored
}

// Migrator pulls shards from those who held them before.
//
// Every sliver is verified against its metadata before it is stored. How far a
// shard has come is durable, so that a node which was stopped goes on there. A
// former holder that is gone, slow or wrong is given up.
type Migrator struct {
	cfg     MigratorConfig
	counts  migratorCounts
	fetches fetches
}

type migratorCounts struct{ shards, given, slivers, pulled, restored atomic.Uint64 }

// NewMigrator returns a migrator. Its error is [ErrConfig].
func NewMigrator(cfg MigratorConfig) (*Migrator, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Migrator{cfg: cfg, fetches: fetches{running: map[shard.BlobID]*fetch{}}}, nil
}

// Stats returns the figures of now.
func (m *Migrator) Stats() MigratorStats {
	c := &m.counts
	return MigratorStats{
		Shards: c.shards.Load(), Given: c.given.Load(), Slivers: c.slivers.Load(),
		BytesPulled: c.pulled.Load(), BytesRestored: c.restored.Load(),
	}
}

// Run pulls the shards that were gained with an epoch, and returns what became
// of each, in the order of moves. It goes on where an earlier Run for the same
// epoch was stopped. The error is that of ctx, or what kept this node from
// storing; then some outcomes have an error that says nothing of the holder.
func (m *Migrator) Run(ctx context.Context, epoch committee.Epoch, moves []Move) ([]Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]Outcome, len(moves))
	slots := make(chan struct{}, m.cfg.Concurrency)
	var wg sync.WaitGroup
	for _, places := range byHolder(moves) {
		h := &holder{}
		work := make(chan int, len(places))
		for _, i := range places {
			work <- i
		}
		close(work)
		for range min(perHolder, len(places)) {
			wg.Go(func() { // ends with its work or ctx
				for i := range work {
					slots <- struct{}{}
					t := &transfer{Migrator: m, Move: moves[i], epoch: epoch, holder: h}
					out[i] = Outcome{Move: moves[i], Err: t.run(ctx)}
					<-slots
					if own, ok := errors.AsType[*ownError](out[i].Err); ok {
						cancel(own.err)
					}
				}
			})
		}
	}
	wg.Wait()
	return out, context.Cause(ctx)
}

// byHolder returns the places of moves, each list for one former holder.
func byHolder(moves []Move) [][]int {
	var lists [][]int
	for i := range moves {
		at := slices.IndexFunc(lists, func(l []int) bool { return moves[l[0]].From.ID == moves[i].From.ID })
		if at < 0 {
			at, lists = len(lists), append(lists, nil)
		}
		lists[at] = append(lists[at], i)
	}
	return lists
}

// holder is what the transfers from one member share: once it is given up, it is
// not asked for the next shard.
type holder struct {
	mu  sync.Mutex // mu guards the field below.
	bad error
}

func (h *holder) fault() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bad
}

func (h *holder) giveUp(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bad == nil {
		h.bad = err
	}
}

// ownError is a fault of this node's, not of the former holder.
type ownError struct{ err error }

func (e *ownError) Error() string { return e.err.Error() }
func (e *ownError) Unwrap() error { return e.err }

// Missing counts, for each of the shards, the blobs certified before an epoch of
// which a sliver is missing here, and returns how many such blobs there are.
func (m *Migrator) Missing(ctx context.Context, epoch committee.Epoch, shards []shard.Index) (missing []int, blobs int, err error) {
	missing = make([]int, len(shards))
	if len(shards) == 0 {
		return missing, 0, nil
	}
	ids, err := m.cfg.Ledger.Older(ctx, epoch)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		held, err := m.cfg.Store.Holdings(id, shards)
		if err != nil {
			return nil, 0, err
		}
		for i, h := range held {
			if !h.Primary || !h.Secondary {
				missing[i]++
			}
		}
	}
	return missing, len(ids), ctx.Err()
}

// tolerance is the part of a shard's blobs that its former holder may lack
// without being complained about: it may have been repairing.
const tolerance = 10 // one in

// Lost returns the shards, ascending, that were not handed over: of which
// something is missing here because their former holder was given up, or did not
// have much.
func (m *Migrator) Lost(ctx context.Context, epoch committee.Epoch, outcomes []Outcome) ([]shard.Index, error) {
	shards := make([]shard.Index, len(outcomes))
	for i, o := range outcomes {
		shards[i] = o.Shard
	}
	missing, blobs, err := m.Missing(ctx, epoch, shards)
	if err != nil {
		return nil, err
	}
	var lost []shard.Index
	for i, o := range outcomes {
		if missing[i] > 0 && (o.Err != nil || missing[i] > blobs/tolerance) {
			lost = append(lost, o.Shard)
		}
	}
	slices.Sort(lost)
	return lost, nil
}

// ErrMissing says that shards were gained of which something is not here yet.
var ErrMissing = errors.New("repair: shards are not complete")

// Complaints returns which of the shards are to be complained of, in their order,
// when lost were not handed over: those, and once time is up the ones of which
// something is still missing. Before that such a shard is [ErrMissing].
func (m *Migrator) Complaints(ctx context.Context, epoch committee.Epoch, shards, lost []shard.Index, late bool) ([]shard.Index, error) {
	missing, _, err := m.Missing(ctx, epoch, shards)
	if err != nil {
		return nil, err
	}
	var out []shard.Index
	for i, s := range shards {
		switch {
		case missing[i] > 0 && !late:
			return nil, fmt.Errorf("%w: shard %d lacks %d blobs", ErrMissing, s, missing[i])
		case missing[i] > 0 || slices.Contains(lost, s):
			out = append(out, s)
		}
	}
	return out, nil
}
