package comet

import (
	"context"
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/floe-storage/floe/p2p"
)

// snapshotProtocol is the name under which snapshots are asked for.
const snapshotProtocol = "snapshot/1"

// What may be asked for, one question for each stream.
const (
	askSnapshots  = 0 // which there are: count u8, and for each height u64le ‖ SHA-256 of its manifest
	askManifest   = 1 // of a height
	askChunk      = 2 // by height and index
	askLightBlock = 3 // of a height; 0: the newest
)

// lendStatus begins an answer.
type lendStatus byte

const (
	lent        lendStatus = 0
	lentNone    lendStatus = 1 // there is no such thing here
	lentBusy    lendStatus = 2 // ask another, or later
	lentOther   lendStatus = 3 // we belong to another chain
	questionLen            = 32 + 1 + 8 + 4
	answerHead             = 1 + 4
)

// What a peer may take from us.
const (
	maxBorrowers  = 256              // peers that are remembered
	peerQuestions = 8                // of one peer at once
	allQuestions  = 64               // of all peers at once
	peerRate      = 32 << 20         // bytes a second, in the long run
	peerBurst     = 256 << 20        // and at once
	questionCost  = 4 << 10          // bytes that a question counts for in any case
	lendTimeout   = 30 * time.Second // for one question and its answer
)

// question is what is asked for.
type question struct {
	chain  [32]byte // Config.chainHash
	what   byte
	height uint64
	index  uint32
}

func (q question) append(b []byte) []byte {
	b = append(append(b, q.chain[:]...), q.what)
	b = binary.LittleEndian.AppendUint64(b, q.height)
	return binary.LittleEndian.AppendUint32(b, q.index)
}

func readQuestion(r io.Reader) (q question, err error) {
	var b [questionLen]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return q, err
	}
	copy(q.chain[:], b[:])
	q.what = b[32]
	q.height = binary.LittleEndian.Uint64(b[33:])
	q.index = binary.LittleEndian.Uint32(b[41:])
	return q, nil
}

// lender gives snapshots, and the light blocks that prove them, to peers.
type lender struct {
	n     *Node
	chain [32]byte
	gate  // of answers under way

	mu        sync.Mutex // mu guards the fields below.
	borrowers map[p2p.PeerID]*borrower
	questions int
	exact     map[uint64][]byte // light blocks next to our snapshots, by height
}

// borrower is what a peer may still take.
type borrower struct {
	questions int
	credit    int64 // bytes
	at        time.Time
}

func newLender(n *Node) *lender {
	return &lender{n: n, chain: n.cfg.chainHash(), borrowers: map[p2p.PeerID]*borrower{}, exact: map[uint64][]byte{}}
}

// serve begins to answer; ctx ends all answers.
func (l *lender) serve(ctx context.Context) {
	l.n.cfg.Host.Handle(snapshotProtocol, func(_ context.Context, from p2p.PeerID, st *p2p.Stream) {
		if !l.enter() {
			return
		}
		defer l.leave()
		stop := context.AfterFunc(ctx, st.Reset)
		defer stop()
		if err := st.SetDeadline(time.Now().Add(lendTimeout)); err != nil {
			return
		}
		q, err := readQuestion(st)
		if err != nil {
			st.Reset()
			return
		}
		status, body := l.answer(ctx, from, q)
		head := binary.LittleEndian.AppendUint32([]byte{byte(status)}, uint32(len(body)))
		if _, err := st.Write(append(head, body...)); err == nil {
			_ = st.CloseWrite() // whether it arrives is theirs to care
		}
	})
}

// close stops answering and waits for answers under way; the context of serve has ended.
func (l *lender) close() {
	l.n.cfg.Host.Unhandle(snapshotProtocol)
	idle, _ := l.shut()
	<-idle
}

func (l *lender) answer(ctx context.Context, from p2p.PeerID, q question) (lendStatus, []byte) {
	if q.chain != l.chain {
		return lentOther, nil
	}
	if !l.admit(from) {
		return lentBusy, nil
	}
	body := l.look(ctx, q)
	l.charge(from, len(body))
	if body == nil {
		return lentNone, nil
	}
	return lent, body
}

// look returns nil if there is no such thing.
func (l *lender) look(ctx context.Context, q question) []byte {
	switch q.what {
	case askSnapshots:
		return l.list()
	case askLightBlock:
		return l.lightBlock(ctx, q.height)
	}
	for _, m := range l.n.shelf.list() {
		switch {
		case m.height != q.height:
		case q.what == askManifest:
			return m.append(nil)
		case q.what == askChunk && int(q.index) < len(m.chunks):
			if b, err := l.n.shelf.chunk(q.height, q.index); err == nil { // else it was removed this moment
				return b
			}
		}
	}
	return nil
}

// list tells only of snapshots for which there is all that a joiner needs: the
// validators of the two heights after it.
func (l *lender) list() []byte {
	out := []byte{0}
	for _, m := range l.n.shelf.list() {
		if m.height+2 > l.n.Height() {
			continue
		}
		id := m.id()
		out[0]++
		out = append(binary.LittleEndian.AppendUint64(out, m.height), id[:]...)
	}
	return out
}

// lightBlock is Node.LightBlock. Next to a snapshot it has the exact proposer
// priorities, from which a joiner goes on; they take long to work out, and are kept.
func (l *lender) lightBlock(ctx context.Context, height uint64) []byte {
	near := height > 0 && (l.n.shelf.has(height-1) || height > 1 && l.n.shelf.has(height-2))
	if !near {
		b, err := l.n.LightBlock(ctx, height)
		if err != nil {
			return nil
		}
		return b
	}
	l.mu.Lock()
	b := l.exact[height]
	l.mu.Unlock()
	if b != nil {
		return b
	}
	c, err := l.n.enter()
	if err != nil {
		return nil
	}
	defer c.leave()
	block, err := c.engine.lightBlock(height, c.engine.states.LoadValidators)
	if err != nil {
		return nil
	}
	if b, err = block.Marshal(); err != nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for old := range l.exact {
		if !l.n.shelf.has(old-1) && !l.n.shelf.has(old-2) {
			delete(l.exact, old)
		}
	}
	l.exact[height] = b
	return b
}

// admit takes a question in, unless the peer, or all together, ask too much.
func (l *lender) admit(from p2p.PeerID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	p := l.borrowers[from]
	if p == nil {
		if len(l.borrowers) >= maxBorrowers {
			l.forgetLocked(now)
		}
		if len(l.borrowers) >= maxBorrowers {
			return false
		}
		p = &borrower{credit: peerBurst, at: now}
		l.borrowers[from] = p
	}
	p.earn(now)
	if p.credit <= 0 || p.questions >= peerQuestions || l.questions >= allQuestions {
		return false
	}
	p.credit -= questionCost
	p.questions++
	l.questions++
	return true
}

func (l *lender) charge(from p2p.PeerID, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.borrowers[from] // stays while it has a question
	p.credit -= int64(size)
	p.questions--
	l.questions--
}

// forgetLocked drops peers that ask nothing and owe nothing.
func (l *lender) forgetLocked(now time.Time) {
	for id, p := range l.borrowers {
		if p.earn(now); p.questions == 0 && p.credit == peerBurst {
			delete(l.borrowers, id)
		}
	}
}

func (p *borrower) earn(now time.Time) {
	elapsed := min(now.Sub(p.at), peerBurst/peerRate*time.Second)
	p.credit = min(p.credit+elapsed.Milliseconds()*(peerRate/1000), peerBurst)
	p.at = now
}
