package comet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cometbft/cometbft/libs/service"
	cmtp2p "github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cosmos/gogoproto/proto"

	"github.com/floe-storage/floe/p2p"
)

// Bounds of one peer.
const (
	maxQueuedSize = 24 << 20         // bytes waiting to be sent; room for the blocks that a peer may ask for at once
	sendTimeout   = 10 * time.Second // how long Send waits for a place in the queue
	writeTimeout  = 30 * time.Second // a peer that does not read for so long is let go
	silence       = 60 * time.Second // and one that says nothing: each tells its height every statusHeartbeat
	silenceStep   = 10 * time.Second // how often the limit of silence is moved
	maxLateSends  = 64               // broadcasts that wait for a place in the queue
	bufferSize    = 8 << 10
)

var (
	errFrame    = errors.New("comet: bad frame")
	errReplaced = errors.New("comet: the peer opened a newer stream")
	errLeaving  = errors.New("comet: node is leaving")
)

// peer is a node of the chain at the other end of a stream. It is CometBFT's
// p2p.Peer. Its owner is peerSwitch.serve, which ends after end was called.
type peer struct {
	*service.BaseService

	sw       *peerSwitch
	id       p2p.PeerID
	name     cmtp2p.ID // of id
	stream   *p2p.Stream
	outbound bool // we opened the stream
	session  uint64
	since    time.Time
	wanted   bool // of the committee

	queues []chan []byte // in the order of sw.channels
	queued atomic.Int64  // bytes in queues
	wake   chan struct{} // has one element when something was queued
	late   chan struct{} // one element for each late send

	data          sync.Map // of the reactors
	removalFailed atomic.Bool

	ready   atomic.Bool // the reactors know it
	endOnce sync.Once
	reason  any           // why it ended; written inside endOnce
	done    chan struct{} // closed when the reactors have let go of it
}

var _ cmtp2p.Peer = (*peer)(nil)

func newPeer(sw *peerSwitch, id p2p.PeerID, s *p2p.Stream, outbound bool, session uint64) *peer {
	p := &peer{
		sw:       sw,
		id:       id,
		name:     peerName(id),
		stream:   s,
		outbound: outbound,
		session:  session,
		since:    time.Now(),
		queues:   make([]chan []byte, len(sw.channels)),
		wake:     make(chan struct{}, 1),
		late:     make(chan struct{}, maxLateSends),
		done:     make(chan struct{}),
	}
	for i, c := range sw.channels {
		p.queues[i] = make(chan []byte, max(c.SendQueueCapacity, 8))
	}
	p.BaseService = service.NewBaseService(sw.Logger, "Peer", p)
	_ = p.Start() // has no OnStart that could fail; from now on end works
	return p
}

func peerName(id p2p.PeerID) cmtp2p.ID { return cmtp2p.ID(id.String()) }

// end begins the end of the peer; only the first reason counts. It does not wait.
func (p *peer) end(reason any) {
	p.endOnce.Do(func() {
		p.reason = reason
		_ = p.Stop() // was started
		p.stream.Reset()
	})
}

// Send implements [cmtp2p.Peer]: it waits for a place in the queue, for a
// while. True does not mean that the peer has got the message.
func (p *peer) Send(e cmtp2p.Envelope) bool {
	i, frame, err := p.sw.encode(e)
	if err != nil || p.enqueue(i, frame) {
		return err == nil
	}
	return p.enqueueLate(i, frame)
}

func (p *peer) enqueueLate(i int, frame []byte) bool {
	if !p.IsRunning() || !p.reserve(frame) {
		return false
	}
	timer := time.NewTimer(sendTimeout)
	defer timer.Stop()
	select {
	case p.queues[i] <- frame:
		p.kick()
		return true
	case <-p.Quit():
	case <-timer.C:
	}
	p.queued.Add(-int64(len(frame)))
	return false
}

// TrySend implements [cmtp2p.Peer]: it does not wait.
func (p *peer) TrySend(e cmtp2p.Envelope) bool {
	i, frame, err := p.sw.encode(e)
	return err == nil && p.enqueue(i, frame)
}

func (p *peer) enqueue(i int, frame []byte) bool {
	if !p.IsRunning() || !p.reserve(frame) {
		return false
	}
	select {
	case p.queues[i] <- frame:
		p.kick()
		return true
	default:
		p.queued.Add(-int64(len(frame)))
		return false
	}
}

func (p *peer) reserve(frame []byte) bool {
	size := int64(len(frame))
	if p.queued.Add(size) > maxQueuedSize {
		p.queued.Add(-size)
		return false
	}
	return true
}

func (p *peer) kick() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// write sends what is queued, the most urgent channel first, until the peer ends.
func (p *peer) write() error {
	w := bufio.NewWriterSize(p.stream, bufferSize)
	for {
		if err := p.stream.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		for frame := p.next(); frame != nil; frame = p.next() {
			if _, err := w.Write(frame); err != nil {
				return err
			}
			p.queued.Add(-int64(len(frame)))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		select {
		case <-p.wake:
		case <-p.Quit():
			return errLeaving
		}
	}
}

func (p *peer) next() []byte {
	for _, q := range p.queues { // sorted by priority
		select {
		case frame := <-q:
			return frame
		default:
		}
	}
	return nil
}

// read gives what arrives to the reactors until the stream ends. A reactor that
// panics over a message is the sender's fault, as in CometBFT's own transport.
func (p *peer) read() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: it made the reactor panic: %v\n%s", errFrame, r, debug.Stack())
		}
	}()
	r := bufio.NewReaderSize(p.stream, bufferSize)
	var limit time.Time
	for {
		if now := time.Now(); now.Sub(limit) > silenceStep {
			limit = now
			if err := p.stream.SetReadDeadline(now.Add(silence)); err != nil {
				return err
			}
		}
		if err := p.readFrame(r); err != nil {
			return err
		}
	}
}

func (p *peer) readFrame(r *bufio.Reader) error {
	id, err := r.ReadByte()
	if err != nil {
		return err
	}
	size, err := readLength(r)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.sw.channels, func(c channel) bool { return c.ID == id })
	if i < 0 {
		return fmt.Errorf("%w: no channel %#x", errFrame, id)
	}
	c := p.sw.channels[i]
	if size > uint64(c.RecvMessageCapacity) {
		return fmt.Errorf("%w: %d bytes on channel %#x, at most %d", errFrame, size, id, c.RecvMessageCapacity)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if f, ok := c.reactor.(cmtp2p.MsgBytesFilter); ok {
		if err := f.FilterMsgBytes(id, p, body); err != nil {
			return fmt.Errorf("%w: %w", errFrame, err)
		}
	}
	msg := proto.Clone(c.MessageType)
	if err := proto.Unmarshal(body, msg); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	if u, ok := msg.(cmtp2p.Unwrapper); ok {
		if msg, err = u.Unwrap(); err != nil {
			return fmt.Errorf("%w: %w", errFrame, err)
		}
	}
	c.reactor.Receive(cmtp2p.Envelope{ChannelID: id, Src: p, Message: msg})
	return nil
}

// readLength reads a uvarint of at most five bytes.
func readLength(r io.ByteReader) (uint64, error) {
	var n uint64
	for i := range binary.MaxVarintLen32 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if n |= uint64(b&0x7f) << (7 * i); b < 0x80 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: length of more than %d bytes", errFrame, binary.MaxVarintLen32)
}

// The rest of [cmtp2p.Peer]. Addresses are libp2p's business: those below say nothing.

// String names the peer in CometBFT's log lines.
func (p *peer) String() string { return string(p.name) }

// ID returns the text form of the peer ID.
func (p *peer) ID() cmtp2p.ID { return p.name }

// IsOutbound reports whether we opened the stream.
func (p *peer) IsOutbound() bool { return p.outbound }

// IsPersistent reports whether we open another stream when this one ends.
func (p *peer) IsPersistent() bool { return p.wanted }

// Set keeps a value of a reactor.
func (p *peer) Set(key string, value any) { p.data.Store(key, value) }

// Get returns what Set kept.
func (p *peer) Get(key string) any {
	value, _ := p.data.Load(key)
	return value
}

// FlushStop stops; what is queued is dropped.
func (p *peer) FlushStop() { p.end(errLeaving) }

// CloseConn ends the stream.
func (p *peer) CloseConn() error {
	p.end(errLeaving)
	return nil
}

// SetRemovalFailed and GetRemovalFailed are for CometBFT's own switch.
func (p *peer) SetRemovalFailed() { p.removalFailed.Store(true) }

// GetRemovalFailed returns whether SetRemovalFailed was called.
func (p *peer) GetRemovalFailed() bool { return p.removalFailed.Load() }

// NodeInfo names the peer.
func (p *peer) NodeInfo() cmtp2p.NodeInfo {
	return cmtp2p.DefaultNodeInfo{DefaultNodeID: p.name, Network: p.sw.hello.chainID}
}

// Status is empty.
func (*peer) Status() conn.ConnectionStatus { return conn.ConnectionStatus{} }

// RemoteIP is unspecified.
func (*peer) RemoteIP() net.IP { return net.IPv4zero }

// RemoteAddr is unspecified.
func (*peer) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

// SocketAddr is unspecified.
func (p *peer) SocketAddr() *cmtp2p.NetAddress {
	return &cmtp2p.NetAddress{ID: p.name, IP: net.IPv4zero}
}
