package comet

import (
	cmtlog "github.com/cometbft/cometbft/libs/log"
	cmtp2p "github.com/cometbft/cometbft/p2p"
	cmtcons "github.com/cometbft/cometbft/proto/tendermint/consensus"
	"github.com/cosmos/gogoproto/proto"
)

// What CometBFT's reactors ask of a switch.

// Peers implements [cmtp2p.Switcher].
func (s *peerSwitch) Peers() cmtp2p.IPeerSet { return (*peerSet)(s) }

// NumPeers implements [cmtp2p.Switcher].
func (s *peerSwitch) NumPeers() (outbound, inbound, dialing int) {
	for _, p := range s.list() {
		if p.outbound {
			outbound++
		} else {
			inbound++
		}
	}
	return outbound, inbound, 0
}

// Reactor implements [cmtp2p.Switcher].
func (s *peerSwitch) Reactor(name string) (cmtp2p.Reactor, bool) {
	for _, r := range s.reactors {
		if r.name == name {
			return r.Reactor, true
		}
	}
	return nil, false
}

// StopPeerForError implements [cmtp2p.Switcher]: a reactor found the peer at
// fault, or too slow. It does not wait, for it may be called by the peer's reader.
func (s *peerSwitch) StopPeerForError(cp cmtp2p.Peer, reason any) {
	p, ok := cp.(*peer)
	if !ok {
		return
	}
	if _, transient := cmtp2p.TransientErrorFromAny(reason); !transient && p.IsRunning() {
		s.punish(p.id)
		s.log.Debug("peer stopped", "peer", p.id, "reason", reason)
	}
	p.end(reason)
}

// StopPeerGracefully implements [cmtp2p.Switcher].
func (s *peerSwitch) StopPeerGracefully(cp cmtp2p.Peer) {
	if p, ok := cp.(*peer); ok {
		p.end(errLeaving)
	}
}

// IsPeerUnconditional implements [cmtp2p.Switcher]: transactions go to the
// committee in any case.
func (s *peerSwitch) IsPeerUnconditional(id cmtp2p.ID) bool {
	p, ok := s.Peers().Get(id).(*peer)
	return ok && p.wanted
}

// BroadcastAsync implements [cmtp2p.Switcher].
func (s *peerSwitch) BroadcastAsync(e cmtp2p.Envelope) { s.broadcast(e, true) }

// TryBroadcast implements [cmtp2p.Switcher].
func (s *peerSwitch) TryBroadcast(e cmtp2p.Envelope) { s.broadcast(e, false) }

func (s *peerSwitch) broadcast(e cmtp2p.Envelope, wait bool) {
	i, frame, err := s.encode(e)
	if err != nil {
		s.Logger.Error("message not sent", "err", err)
		return
	}
	for _, p := range s.list() {
		if !p.enqueue(i, frame) && wait && p.IsRunning() {
			s.sendLate(p, i, frame)
		}
	}
}

// sendLate waits for a place in a full queue, unless too many do already.
func (s *peerSwitch) sendLate(p *peer, i int, frame []byte) {
	select {
	case p.late <- struct{}{}:
	default:
		return
	}
	if !s.enter() {
		<-p.late
		return
	}
	go func() { // ends with the peer or after sendTimeout; stop waits for work
		defer s.work.Done()
		p.enqueueLate(i, frame)
		<-p.late
	}()
}

// repaired corrects what CometBFT says while it takes the first block from block
// sync: a last commit at the first height, for which others drop the peer.
func repaired(msg proto.Message) proto.Message {
	step, ok := msg.(*cmtcons.NewRoundStep)
	if !ok || step.Height != initialHeight || step.LastCommitRound == -1 {
		return msg
	}
	fixed := *step
	fixed.LastCommitRound = -1
	return &fixed
}

// Log implements [cmtp2p.Switcher].
func (s *peerSwitch) Log() cmtlog.Logger { return s.Logger }

// NodeInfo implements [cmtp2p.Switcher].
func (s *peerSwitch) NodeInfo() cmtp2p.NodeInfo {
	info := cmtp2p.DefaultNodeInfo{Network: s.hello.chainID}
	if s.cfg.Host != nil {
		info.DefaultNodeID = peerName(s.cfg.Host.ID())
	}
	return info
}

// The rest of [cmtp2p.Switcher] is about addresses, which libp2p and the
// committee settle, and about reactors, which are fixed.

// AddReactor does nothing.
func (*peerSwitch) AddReactor(_ string, r cmtp2p.Reactor) cmtp2p.Reactor { return r }

// RemoveReactor does nothing.
func (*peerSwitch) RemoveReactor(string, cmtp2p.Reactor) {}

// MaxNumOutboundPeers returns no limit that matters.
func (*peerSwitch) MaxNumOutboundPeers() int { return maxGuests }

// AddPersistentPeers does nothing.
func (*peerSwitch) AddPersistentPeers([]string) error { return nil }

// AddPrivatePeerIDs does nothing.
func (*peerSwitch) AddPrivatePeerIDs([]string) error { return nil }

// AddUnconditionalPeerIDs does nothing.
func (*peerSwitch) AddUnconditionalPeerIDs([]string) error { return nil }

// DialPeerWithAddress does nothing.
func (*peerSwitch) DialPeerWithAddress(*cmtp2p.NetAddress) error { return nil }

// DialPeersAsync does nothing.
func (*peerSwitch) DialPeersAsync([]string) error { return nil }

// IsDialingOrExistingAddress reports false.
func (*peerSwitch) IsDialingOrExistingAddress(*cmtp2p.NetAddress) bool { return false }

// IsPeerPersistent reports true.
func (*peerSwitch) IsPeerPersistent(*cmtp2p.NetAddress) bool { return true }

// MarkPeerAsGood does nothing.
func (*peerSwitch) MarkPeerAsGood(cmtp2p.Peer) {}

// peerSet is a switch as the set of its peers.
type peerSet peerSwitch

func (s *peerSet) list() []*peer { return (*peerSwitch)(s).list() }

// Has implements [cmtp2p.IPeerSet].
func (s *peerSet) Has(id cmtp2p.ID) bool { return s.Get(id) != nil }

// Get implements [cmtp2p.IPeerSet].
func (s *peerSet) Get(id cmtp2p.ID) cmtp2p.Peer {
	for _, p := range s.list() {
		if p.name == id {
			return p
		}
	}
	return nil
}

// Copy implements [cmtp2p.IPeerSet].
func (s *peerSet) Copy() (out []cmtp2p.Peer) {
	for _, p := range s.list() {
		out = append(out, p)
	}
	return out
}

// Size implements [cmtp2p.IPeerSet].
func (s *peerSet) Size() int { return len(s.list()) }

// ForEach implements [cmtp2p.IPeerSet].
func (s *peerSet) ForEach(f func(cmtp2p.Peer)) {
	for _, p := range s.list() {
		f(p)
	}
}

// Random implements [cmtp2p.IPeerSet]: the order of the list is random enough.
func (s *peerSet) Random() cmtp2p.Peer {
	for _, p := range s.list() {
		return p
	}
	return nil
}
