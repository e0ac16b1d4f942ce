package comet

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"github.com/cometbft/cometbft/consensus"
	cmtp2p "github.com/cometbft/cometbft/p2p"
	bcproto "github.com/cometbft/cometbft/proto/tendermint/blocksync"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
)

// How a node that has fallen behind catches up.
const (
	syncChannel     = byte(0x40)
	syncPriority    = 4                      // below everything that consensus waits for
	syncWindow      = 32                     // blocks asked for or held at once: 32 MiB if they are full
	perPeerWindow   = 8                      // of these from one peer
	syncPatience    = 5 * time.Second        // for a block, then another peer is asked
	syncStrikes     = 5                      // blocks that did not come, and the peer is punished
	syncTick        = 500 * time.Millisecond // to look for what is late
	farBehind       = 10                     // blocks; a node less far behind first waits a tick for gossip
	statusInterval  = 2 * time.Second        // between two tellings of our height, if it has changed
	statusHeartbeat = 15 * time.Second       // and if it has not: the sign that we are alive
)

// syncReactor fetches blocks from peers that have more of them, next to the
// gossip of consensus, which alone can stall. It takes the place of CometBFT's
// block sync: that one, run beside consensus, takes 20 blocks per second, falls
// behind the gossip that it is meant to help, and accuses peers whose blocks
// are small of being slow.
type syncReactor struct {
	cmtp2p.BaseReactor

	blocks   *store.BlockStore
	states   state.Store
	executor *state.BlockExecutor
	rounds   *consensus.Reactor

	floor    int64          // our height at the start; above that of the blocks after a snapshot
	distance int64          // so far behind, a snapshot may be the better way
	far      chan struct{}  // has one element when we are, or cannot fetch what is pruned everywhere
	heard    chan struct{}  // has one element when a peer has told its height
	stopping chan struct{}  // closed by OnStop
	work     sync.WaitGroup // the one goroutine of run
	wake     chan struct{}  // has one element when there is news

	mu       sync.Mutex // mu guards the fields below.
	paused   bool       // nothing is fetched while a snapshot is
	peers    map[cmtp2p.ID]*syncPeer
	fetching map[int64]*fetch // by height
	last     int64            // our height at the last tick
	told     int64            // our height when it was last told
	toldAt   time.Time
}

// syncPeer is what a peer says that it has.
type syncPeer struct {
	cmtp2p.Peer
	base, height int64
	asked        int // blocks on their way
	strikes      int
}

// fetch is a block that was asked for.
type fetch struct {
	from  cmtp2p.ID
	at    time.Time
	block *types.Block // nil until it has come
	late  cmtp2p.ID    // who was asked before and did not answer
}

func newSyncReactor(floor int64, distance uint64, blocks *store.BlockStore, states state.Store, executor *state.BlockExecutor, rounds *consensus.Reactor) *syncReactor {
	r := &syncReactor{
		floor:    floor,
		distance: int64(distance),
		far:      make(chan struct{}, 1),
		heard:    make(chan struct{}, 1),
		blocks:   blocks,
		states:   states,
		executor: executor,
		rounds:   rounds,
		stopping: make(chan struct{}),
		wake:     make(chan struct{}, 1),
		peers:    map[cmtp2p.ID]*syncPeer{},
		fetching: map[int64]*fetch{},
	}
	r.BaseReactor = *cmtp2p.NewBaseReactor("Sync", r)
	return r
}

// OnStart starts the one goroutine, which ends with OnStop.
func (r *syncReactor) OnStart() error {
	r.work.Go(r.run)
	return nil
}

// OnStop waits until no block is being handed to consensus.
func (r *syncReactor) OnStop() {
	close(r.stopping)
	r.work.Wait()
}

// GetChannels implements [cmtp2p.Reactor].
func (r *syncReactor) GetChannels() []*cmtp2p.ChannelDescriptor {
	return []*cmtp2p.ChannelDescriptor{{
		ID:                  syncChannel,
		Priority:            syncPriority,
		SendQueueCapacity:   2 * syncWindow,
		RecvMessageCapacity: maxMessageSize,
		MessageType:         &bcproto.Message{},
	}}
}

// AddPeer tells a new peer what we have.
func (r *syncReactor) AddPeer(p cmtp2p.Peer) {
	p.TrySend(r.status())
}

// RemovePeer forgets a peer; what it owed is asked of others.
func (r *syncReactor) RemovePeer(p cmtp2p.Peer, _ any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.peers, p.ID())
	for height, f := range r.fetching {
		if f.from == p.ID() && f.block == nil {
			delete(r.fetching, height)
		}
	}
	r.kick()
}

func (r *syncReactor) status() cmtp2p.Envelope {
	return cmtp2p.Envelope{ChannelID: syncChannel, Message: &bcproto.StatusResponse{Base: r.blocks.Base(), Height: r.blocks.Height()}}
}

// Receive implements [cmtp2p.Reactor].
func (r *syncReactor) Receive(e cmtp2p.Envelope) {
	switch msg := e.Message.(type) {
	case *bcproto.StatusResponse:
		r.receiveStatus(e.Src, msg)
	case *bcproto.BlockRequest:
		r.serve(e.Src, msg.Height)
	case *bcproto.BlockResponse:
		block, err := types.BlockFromProto(msg.Block)
		if err != nil {
			r.Switch.StopPeerForError(e.Src, err)
			return
		}
		r.receiveBlock(e.Src, block)
	case *bcproto.NoBlockResponse:
		r.mu.Lock()
		defer r.mu.Unlock()
		if f := r.fetching[msg.Height]; f != nil && f.from == e.Src.ID() && f.block == nil {
			r.missLocked(msg.Height, f)
		}
	default:
		r.Switch.StopPeerForError(e.Src, errSyncMessage)
	}
}

var errSyncMessage = errors.New("comet: not a message of block sync")

func (r *syncReactor) receiveStatus(src cmtp2p.Peer, msg *bcproto.StatusResponse) {
	if msg.Base < 0 || msg.Height < msg.Base {
		r.Switch.StopPeerForError(src, errSyncMessage)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[src.ID()]
	if p == nil || p.Peer != src {
		p = &syncPeer{Peer: src}
		r.peers[src.ID()] = p
	}
	p.base, p.height = msg.Base, msg.Height
	r.kick()
	select {
	case r.heard <- struct{}{}:
	default:
	}
}

// heights returns the heights that connected members of the committee have told.
func (r *syncReactor) heights() (out []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.peers {
		if p.IsPersistent() {
			out = append(out, p.height)
		}
	}
	return out
}

// serve sends a block, unless the peer has plenty of them to read.
func (r *syncReactor) serve(src cmtp2p.Peer, height int64) {
	if p, ok := src.(*peer); ok && p.queued.Load() > maxQueuedSize/2 {
		return
	}
	block := r.blocks.LoadBlockProto(height)
	if block == nil {
		src.TrySend(cmtp2p.Envelope{ChannelID: syncChannel, Message: &bcproto.NoBlockResponse{Height: height}})
		return
	}
	src.TrySend(cmtp2p.Envelope{ChannelID: syncChannel, Message: &bcproto.BlockResponse{Block: block}})
}

// receiveBlock takes a block that was asked for; others are late, and dropped.
func (r *syncReactor) receiveBlock(src cmtp2p.Peer, block *types.Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.fetching[block.Height]
	if f == nil || f.from != src.ID() || f.block != nil {
		return
	}
	f.block = block
	if p := r.peers[f.from]; p != nil {
		p.asked--
		p.strikes = 0
	}
	r.kick()
}

func (r *syncReactor) kick() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run fetches and hands over until OnStop.
func (r *syncReactor) run() {
	tick := time.NewTicker(syncTick)
	defer tick.Stop()
	for {
		ticked := false
		select {
		case <-r.stopping:
			return
		case <-tick.C:
			ticked = true
		case <-r.wake:
		}
		for r.ingestNext() {
			r.ask(false)
		}
		r.ask(ticked)
		if ticked {
			r.tell()
		}
	}
}

// tell tells the peers our height, when it is time.
func (r *syncReactor) tell() {
	now, height := time.Now(), r.height()
	r.mu.Lock()
	since := now.Sub(r.toldAt)
	due := since >= statusHeartbeat || height != r.told && since >= statusInterval
	if due {
		r.told, r.toldAt = height, now
	}
	r.mu.Unlock()
	if due {
		r.Switch.TryBroadcast(r.status())
	}
}

// ask asks for blocks that are missing, if gossip does not bring them.
func (r *syncReactor) ask(ticked bool) {
	now, next := time.Now(), r.height()+1
	r.mu.Lock()
	defer r.mu.Unlock()
	stalled := ticked && r.last == next
	if ticked {
		r.last = next
	}
	best := r.bestLocked(next)
	if r.paused {
		return
	}
	for height, f := range r.fetching {
		switch {
		case height < next:
			r.dropLocked(height, f)
		case f.block == nil && f.from != "" && now.Sub(f.at) > syncPatience:
			r.missLocked(height, f)
		}
	}
	// A block is believed by the commit in the one after it.
	if best <= next || !stalled && len(r.fetching) == 0 && best-next < farBehind {
		return
	}
	for height := next; height <= min(best, next+syncWindow-1); height++ {
		f := r.fetching[height]
		if f != nil && f.from != "" {
			continue
		}
		if f == nil {
			f = &fetch{}
		}
		r.askLocked(height, f, now)
	}
}

// bestLocked returns the greatest height of a peer, and tells if we are far behind.
func (r *syncReactor) bestLocked(next int64) (best int64) {
	for _, p := range r.peers {
		best = max(best, p.height)
	}
	if best-next >= r.distance || best > next && !r.reachLocked(next) {
		select {
		case r.far <- struct{}{}:
		default:
		}
	}
	return best
}

// reachLocked tells whether some peer has a block.
func (r *syncReactor) reachLocked(height int64) bool {
	for _, p := range r.peers {
		if p.base <= height && height <= p.height {
			return true
		}
	}
	return false
}

// leastSnapshot returns the lowest height whose snapshot helps: it saves many
// blocks, or those that nobody has.
func (r *syncReactor) leastSnapshot() uint64 {
	next := r.height() + 1
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reachLocked(next) {
		next += r.distance / 2
	}
	return uint64(next)
}

// height returns how far we are.
func (r *syncReactor) height() int64 { return max(r.blocks.Height(), r.floor) }

// pause ends fetching, until it is called with false.
func (r *syncReactor) pause(paused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = paused
	if !paused {
		r.kick()
	}
}

// askLocked asks the least busy peer that has the block and was not late with it.
func (r *syncReactor) askLocked(height int64, f *fetch, now time.Time) {
	var to *syncPeer
	for id, p := range r.peers {
		has := p.base <= height && height <= p.height && p.asked < perPeerWindow
		if has && (id != f.late || len(r.peers) == 1) && (to == nil || p.asked < to.asked) {
			to = p
		}
	}
	if to == nil || !to.TrySend(cmtp2p.Envelope{ChannelID: syncChannel, Message: &bcproto.BlockRequest{Height: height}}) {
		return
	}
	to.asked++
	f.from, f.at = to.ID(), now
	r.fetching[height] = f
}

// dropLocked forgets a block, and that it is owed to us.
func (r *syncReactor) dropLocked(height int64, f *fetch) {
	if p := r.peers[f.from]; p != nil && f.block == nil {
		p.asked--
	}
	delete(r.fetching, height)
}

// missLocked counts a block that did not come against whom we asked.
func (r *syncReactor) missLocked(height int64, f *fetch) {
	r.dropLocked(height, f)
	r.fetching[height] = &fetch{late: f.from}
	if p := r.peers[f.from]; p != nil {
		if p.strikes++; p.strikes >= syncStrikes {
			p.strikes, p.height = 0, 0 // until it tells its height again
		}
	}
}

// ingestNext hands the next block to consensus and reports whether it is worth looking for another.
func (r *syncReactor) ingestNext() bool {
	select {
	case <-r.stopping:
		return false
	default:
	}
	if r.rounds.WaitSync() { // consensus has not begun
		return false
	}
	current, err := r.states.Load()
	if err != nil || current.IsEmpty() {
		return false
	}
	height := max(current.LastBlockHeight+1, current.InitialHeight)
	r.mu.Lock()
	first, second := r.fetching[height], r.fetching[height+1]
	r.mu.Unlock()
	if first == nil || second == nil || first.block == nil || second.block == nil {
		return false
	}
	candidate, err := r.verify(current, first.block, second.block)
	if err != nil {
		liar, at := first, height
		switch commit := second.block.LastCommit; {
		case !commitHolds(current, height, commit):
			liar, at = second, height+1
		case bytes.Equal(commit.BlockID.Hash, first.block.Hash()):
			// Nobody lied: two thirds are of another mind than we.
			r.Logger.Error("a committed block does not fit our state", "height", height, "err", err)
			return false
		}
		r.mu.Lock()
		r.dropLocked(at, liar)
		r.mu.Unlock()
		if p := r.Switch.Peers().Get(liar.from); p != nil {
			r.Switch.StopPeerForError(p, err)
		}
		return true
	}
	err = r.rounds.IngestVerifiedBlock(candidate)
	if err != nil && !errors.Is(err, consensus.ErrAlreadyIncluded) {
		r.Logger.Info("block not taken", "height", height, "err", err) // consensus has moved on, or stops
		return false
	}
	return true
}

// verify checks a block against the committed state and the commit in the block after it.
func (r *syncReactor) verify(current state.State, block, next *types.Block) (consensus.IngestCandidate, error) {
	parts, err := block.MakePartSet(types.BlockPartSizeBytes)
	if err != nil {
		return consensus.IngestCandidate{}, err
	}
	candidate, err := consensus.NewIngestCandidate(block, parts, next.LastCommit, nil, r.executor.ValidateBlock)
	if err != nil {
		return candidate, err
	}
	return candidate, candidate.Verify(current)
}

// commitHolds reports whether two thirds have signed what a commit says, and so
// which of two blocks that do not fit is the false one: nobody can forge that.
func commitHolds(current state.State, height int64, commit *types.Commit) bool {
	return commit != nil && current.Validators.VerifyCommit(current.ChainID, commit.BlockID, height, commit) == nil
}
