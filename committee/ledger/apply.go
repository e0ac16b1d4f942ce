package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
)

// maxExpired bounds the objects that one block removes when an epoch has
// ended; the blocks after it go on.
const maxExpired = 1000

// begin does what is due at the beginning of a block.
func (m *Machine) begin(u *rules, s *Overlay, b Block) BlockResult {
	x := &execution{rules: *u, state: s}
	if b.Time >= x.system.EpochStart+x.params.EpochDuration {
		x.turnEpoch(b.Time)
	}
	x.expire()
	*u = x.rules
	return BlockResult{Events: x.events}
}

// turnEpoch shares out the ended epoch's revenue and starts the next epoch.
// [WL] §2.6, §3.5
func (x *execution) turnEpoch(now uint64) {
	ended := x.system.Epoch
	ring, err := readRing(x.state, ended)
	sound(err)
	x.state.Delete(ringKey(ended))

	burned := share(ring.Rewards, uint64(x.params.BurnRate), wholeRate)
	rest := ring.Rewards - burned
	members, err := readAssignment(x.state, ended)
	sound(err)
	if ring.Used > 0 {
		pot := rest
		for _, m := range members.Members {
			n, err := ReadNode(x.state, m.ID)
			reward := share(pot, uint64(len(m.Shards)), uint64(x.params.Shards))
			if reward == 0 || err != nil || x.credit(n.Account, reward) != nil {
				continue // stays in the rest
			}
			rest -= reward
			x.emit(RewardPaid{Epoch: ended, Node: n.ID, To: n.Account, Amount: reward})
		}
	}
	next, err := readRing(x.state, ended+1)
	sound(err)
	next.Rewards += rest // the sum of all FROST is below 2^63
	if next != (ringEntry{}) {
		x.setRing(ended+1, next)
	}

	sys := x.system
	sys.Epoch = ended + 1
	sys.EpochStart = now
	sys.Supply -= burned
	x.setSystem(sys)
	keepAssignment(x.state, sys.Epoch, members)
	x.committee = x.committee.AtEpoch(sys.Epoch)
	x.emit(EpochChanged{Epoch: sys.Epoch, Start: now, Burned: burned, Carried: rest})
}

// expire removes objects whose last epoch has ended, at most maxExpired.
func (x *execution) expire() {
	var due [][]byte
	end := binary.BigEndian.AppendUint32([]byte{keyExpiry}, uint32(x.system.Epoch)+1)
	x.state.Ascend([]byte{keyExpiry}, end, func(key, _ []byte) bool {
		due = append(due, append([]byte(nil), key...))
		return len(due) < maxExpired
	})
	for _, key := range due {
		id := committee.ObjectID(key[len(key)-len(committee.ObjectID{}):])
		if b, err := ReadBlob(x.state, id); err == nil {
			x.dropBlob(b)
			x.emit(BlobExpired{Epoch: x.system.Epoch, BlobID: b.BlobID, Object: id, Certified: b.Certified != 0})
			continue
		}
		st, err := ReadStorage(x.state, id)
		sound(err) // an object and its expiry key come and go together
		x.dropStorage(st)
		x.emit(StorageExpired{Epoch: x.system.Epoch, Object: id})
	}
}

// sound stops the process on a fault that only a damaged state has.
func sound(err error) {
	if err != nil {
		panic("ledger: the state is damaged: " + err.Error()) //nolint:forbidigo // invariant: only this package writes the state
	}
}

// A Checker judges transactions that wait for a block. Those that it accepts
// change its view, so that an account may have several waiting. It is not safe
// for concurrent use.
type Checker struct {
	rules   rules
	pending *Overlay
	err     error
}

// Check carries tx out on the checker's view. A transaction that would be
// refused changes nothing there.
func (c *Checker) Check(tx []byte) TxResult {
	if c.err != nil {
		return refused(refuse(CodeMalformed, "no state yet: %v", c.err))
	}
	trial := NewOverlay(c.pending)
	work := uint64(0)
	r := c.rules.run(trial, tx, &work)
	if Code(r.Code) == CodeOK {
		trial.Flush(c.pending)
	}
	r.Events = nil
	return r
}
