package comet

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/service"
	cmtp2p "github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cosmos/gogoproto/proto"

	"github.com/floe-storage/floe/p2p"
)

// Bounds of the switch.
const (
	maxGuests      = 64                     // peers beside the committee
	maxMessageSize = maxBlockSize + 256<<10 // the largest message is a whole block
	raceWindow     = 3 * time.Second        // two streams opened within it may be a race
	stopPatience   = 5 * time.Second        // for readers, after consensus has failed
)

type namedReactor struct {
	name string
	cmtp2p.Reactor
}

// channel is one of the kinds of messages that share a stream.
type channel struct {
	conn.ChannelDescriptor
	reactor cmtp2p.Reactor
}

// peerSwitch carries the messages of CometBFT's reactors over the streams of
// one host. It is CometBFT's p2p.Switcher, see reactor.go for the parts that
// only make it one.
type peerSwitch struct {
	*service.BaseService

	cfg      *Config
	log      *slog.Logger
	hello    hello // ours
	reactors []namedReactor
	channels []channel // the most urgent first
	wake     chan struct{}
	cancel   context.CancelFunc // ends dialing and all streams
	work     sync.WaitGroup     // streams and dials; Add only under mu while running

	mu      sync.Mutex // mu guards the fields below.
	running bool
	peers   map[p2p.PeerID]*peer // those that run, and those that end, until they have
	lines   map[p2p.PeerID]*line // whom we dial
	bans    map[p2p.PeerID]*ban
	wanted  map[p2p.PeerID]bool // the committee, as last asked; written by dialLoop alone
}

var _ cmtp2p.Switcher = (*peerSwitch)(nil)

func newSwitch(cfg *Config, reactors []namedReactor) *peerSwitch {
	s := &peerSwitch{
		cfg:      cfg,
		log:      cfg.Logger,
		hello:    hello{session: newSession(), chainID: cfg.ChainID, genesis: cfg.chainHash()},
		reactors: reactors,
		wake:     make(chan struct{}, 1),
		peers:    map[p2p.PeerID]*peer{},
		lines:    map[p2p.PeerID]*line{},
		bans:     map[p2p.PeerID]*ban{},
		wanted:   map[p2p.PeerID]bool{},
	}
	s.BaseService = service.NewBaseService(logBridge{cfg.Logger}, "Switch", s)
	for _, r := range reactors {
		for _, d := range r.GetChannels() {
			c := channel{d.FillDefaults(), r.Reactor}
			c.RecvMessageCapacity = min(c.RecvMessageCapacity, maxMessageSize)
			s.channels = append(s.channels, c)
		}
		r.SetSwitch(s)
	}
	slices.SortStableFunc(s.channels, func(a, b channel) int { return b.Priority - a.Priority })
	return s
}

func newSession() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// start starts the reactors and begins to take and to seek peers. ctx ends with stop.
func (s *peerSwitch) start(ctx context.Context) error {
	ctx, s.cancel = context.WithCancel(ctx)
	if err := s.Start(); err != nil {
		return err
	}
	for i, r := range s.reactors {
		if err := r.Start(); err != nil {
			s.cancel()
			s.stopReactors(s.reactors[:i], false)
			return fmt.Errorf("start %s: %w", r.name, err)
		}
	}
	if s.cfg.Host == nil {
		return nil
	}
	s.mu.Lock()
	s.running = true
	s.work.Go(func() { s.dialLoop(ctx) })
	s.mu.Unlock()
	s.cfg.Host.Handle(protocol, func(_ context.Context, from p2p.PeerID, st *p2p.Stream) {
		if s.enter() {
			defer s.work.Done()
			s.answer(ctx, from, st)
		}
	})
	return nil
}

// enter counts a stream in; false once the switch has begun to leave.
func (s *peerSwitch) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		s.work.Add(1)
	}
	return s.running
}

// leave lets all peers go and takes no more. It does not wait.
func (s *peerSwitch) leave() {
	s.mu.Lock()
	was := s.running
	s.running = false
	peers := slices.Collect(maps.Values(s.peers))
	s.mu.Unlock()
	if was {
		s.cfg.Host.Unhandle(protocol)
	}
	s.cancel()
	for _, p := range peers {
		p.end(errLeaving)
	}
}

// stop leaves and stops the reactors. Streams end while consensus still runs,
// or a reader could wait for it for ever; if it has failed they may wait
// already, and are left behind after a while.
func (s *peerSwitch) stop(failed bool) {
	s.leave()
	ended := make(chan struct{})
	go func() { // ends with the last stream
		s.work.Wait()
		close(ended)
	}()
	if failed {
		select {
		case <-ended:
		case <-time.After(stopPatience):
			s.log.Warn("streams still wait for the consensus that failed")
		}
	} else {
		<-ended
	}
	s.stopReactors(s.reactors, failed)
	_ = s.Stop() // was started
}

// stopReactors stops in the order of start: block sync waits for consensus to
// take its block. When consensus has failed it will not, and goes first.
func (s *peerSwitch) stopReactors(reactors []namedReactor, failed bool) {
	for _, r := range reactors {
		if failed && r.name == "CONSENSUS" {
			_ = r.Stop() // was started
		}
	}
	for _, r := range reactors {
		if r.IsRunning() {
			_ = r.Stop() // is running
		}
	}
}

// answer takes a stream that a peer opened.
func (s *peerSwitch) answer(ctx context.Context, from p2p.PeerID, st *p2p.Stream) {
	stop := context.AfterFunc(ctx, st.Reset)
	defer stop()
	if st.SetDeadline(time.Now().Add(helloTimeout)) != nil {
		return
	}
	theirs, err := readHello(st)
	if err != nil {
		s.log.DebugContext(ctx, "consensus stream without a hello", "peer", from, "err", err)
		st.Reset()
		return
	}
	p := newPeer(s, from, st, false, theirs.session)
	var v verdict
	if !s.hello.sameChain(theirs) {
		v = otherChain
		s.reportChain(from, theirs)
	} else {
		v = s.admit(ctx, p)
	}
	_, err = st.Write(s.hello.append([]byte{byte(v)}))
	if v == accepted {
		s.serve(p, err)
		return
	}
	_ = st.CloseWrite() // the verdict is on its way; whether it arrives is theirs to care
}

// open opens a stream to a peer and serves it until it ends.
func (s *peerSwitch) open(ctx context.Context, id p2p.PeerID) error {
	ctx, cancel := context.WithCancel(ctx) // the stream's life, which a dial must not outlast
	defer cancel()
	slow := time.AfterFunc(helloTimeout, cancel)
	st, err := s.cfg.Host.Open(ctx, id, protocol)
	if err != nil {
		slow.Stop()
		return err
	}
	defer st.Reset()
	theirs, err := s.greet(st)
	if err != nil || !slow.Stop() {
		return errors.Join(err, ctx.Err())
	}
	p := newPeer(s, id, st, true, theirs.session)
	if v := s.admit(ctx, p); v != accepted {
		return &refusedError{v}
	}
	s.serve(p, nil)
	return nil
}

func (s *peerSwitch) greet(st *p2p.Stream) (theirs hello, err error) {
	if err := st.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return theirs, err
	}
	if _, err := st.Write(s.hello.append(nil)); err != nil {
		return theirs, err
	}
	var v [1]byte
	if _, err := st.Read(v[:]); err != nil {
		return theirs, err
	}
	if theirs, err = readHello(st); err != nil {
		return theirs, err
	}
	if !s.hello.sameChain(theirs) {
		s.reportChain(st.Peer(), theirs)
		return theirs, &refusedError{otherChain}
	}
	if verdict(v[0]) != accepted {
		return theirs, &refusedError{verdict(v[0])}
	}
	return theirs, nil
}

// reportChain says that a peer is of another chain, once in a while for each.
func (s *peerSwitch) reportChain(id p2p.PeerID, theirs hello) {
	if s.punish(id) {
		s.log.Warn("peer of another chain refused", "peer", id, "chain", theirs.chainID, "genesis", fmt.Sprintf("%x", theirs.genesis[:8]),
			"want_chain", s.hello.chainID, "want_genesis", fmt.Sprintf("%x", s.hello.genesis[:8]))
	}
}

// admit makes p the peer of its ID, in the place of an older stream if that has
// to yield, after the reactors have let go of it.
func (s *peerSwitch) admit(ctx context.Context, p *peer) verdict {
	for {
		s.mu.Lock()
		old, v := s.admitLocked(p)
		s.mu.Unlock()
		if old == nil {
			return v
		}
		old.end(errReplaced)
		select {
		case <-old.done:
		case <-ctx.Done():
			return leaving
		}
	}
}

// admitLocked returns the peer that has to go first, or the verdict.
func (s *peerSwitch) admitLocked(p *peer) (*peer, verdict) {
	switch old := s.peers[p.id]; {
	case !s.running:
		return nil, leaving
	case s.bannedLocked(p.id):
		return nil, banned
	case old != nil && !s.replaces(p, old):
		return nil, duplicate
	case old != nil:
		return old, 0
	case !s.wanted[p.id] && s.guestsLocked() >= maxGuests:
		return nil, full
	}
	p.wanted = s.wanted[p.id]
	s.peers[p.id] = p
	return nil, accepted
}

// replaces judges two streams between the same nodes. One that comes later
// means that the peer has lost the older, or has started anew; only two that
// were opened from both ends at about the same time are a race, and both ends
// must then keep the same one: that of the smaller peer ID.
func (s *peerSwitch) replaces(p, old *peer) bool {
	if p.session != old.session || p.outbound == old.outbound || p.since.Sub(old.since) > raceWindow {
		return true
	}
	self := s.cfg.Host.ID()
	return p.outbound == (slices.Compare(self[:], p.id[:]) < 0)
}

func (s *peerSwitch) guestsLocked() (n int) {
	for id := range s.peers {
		if !s.wanted[id] {
			n++
		}
	}
	return n
}

// serve runs an admitted peer until its stream ends, and returns when the
// reactors have let go of it. A fault that happened before ends it at once.
func (s *peerSwitch) serve(p *peer, fault error) {
	for _, r := range s.reactors {
		r.InitPeer(p)
	}
	// Before it is ready no reactor must find it: they panic over a peer that
	// they have not prepared.
	p.ready.Store(true)
	for _, r := range s.reactors {
		r.AddPeer(p)
	}
	s.log.Debug("peer joined", "peer", p.id, "outbound", p.outbound)
	_ = p.stream.SetDeadline(time.Time{}) // a stream that is gone fails in read
	var writer sync.WaitGroup
	writer.Go(func() {
		if err := p.write(); err != nil {
			p.end(err)
		}
	})
	if fault == nil {
		fault = p.read()
	}
	if errors.Is(fault, errFrame) && s.punish(p.id) {
		s.log.Warn("peer misbehaved", "peer", p.id, "err", fault)
	}
	p.end(fault)
	writer.Wait()
	for _, r := range s.reactors {
		r.RemovePeer(p, p.reason)
	}
	s.log.Debug("peer left", "peer", p.id, "reason", p.reason)
	s.mu.Lock()
	delete(s.peers, p.id)
	s.mu.Unlock()
	close(p.done)
	s.kick()
}

// encode makes the frame of a message and finds the place of its channel.
func (s *peerSwitch) encode(e cmtp2p.Envelope) (int, []byte, error) {
	i := slices.IndexFunc(s.channels, func(c channel) bool { return c.ID == e.ChannelID })
	if i < 0 {
		return 0, nil, fmt.Errorf("%w: no channel %#x", errFrame, e.ChannelID)
	}
	msg := repaired(e.Message)
	if w, ok := msg.(cmtp2p.Wrapper); ok {
		msg = w.Wrap()
	}
	body, err := proto.Marshal(msg)
	if err != nil {
		return 0, nil, fmt.Errorf("encode message: %w", err)
	}
	frame := make([]byte, 0, 1+binary.MaxVarintLen32+len(body))
	frame = binary.AppendUvarint(append(frame, e.ChannelID), uint64(len(body)))
	return i, append(frame, body...), nil
}

// list returns the peers that take part.
func (s *peerSwitch) list() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*peer, 0, len(s.peers))
	for _, p := range s.peers {
		if p.ready.Load() && p.IsRunning() {
			out = append(out, p)
		}
	}
	return out
}
