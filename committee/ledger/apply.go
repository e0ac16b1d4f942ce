package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
)

// maxExpired bounds the objects that one block removes when an epoch has
// ended; the blocks after it go on.
const maxExpired = 1000

// begin does what is due at the beginning of a block.
func (u *rules) begin(s Store, b Block, out *BlockResult) {
	if b.Time >= u.system.EpochStart+u.params.EpochDuration {
		out.Events = append(out.Events, u.turnEpoch(s, b.Time)...)
	}
	out.Events = append(out.Events, u.expire(s)...)
}

// turnEpoch shares out the ended epoch's revenue and starts the next epoch.
// [WL] §2.6, §3.5
func (u *rules) turnEpoch(s Store, now uint64) []Event {
	ended := u.system.Epoch
	ring, err := readRing(s, ended)
	if err != nil {
		panic("ledger: ring does not decode: " + err.Error()) //nolint:forbidigo // invariant: only this package writes the state
	}
	s.Delete(ringKey(ended))

	burned := share(ring.Rewards, uint64(u.params.BurnRate), wholeRate)
	rest := ring.Rewards - burned
	var events []Event
	members, _ := readAssignment(s, ended)
	if ring.Used > 0 {
		pot := rest
		for _, m := range members.Members {
			n, err := ReadNode(s, m.ID)
			reward := share(pot, uint64(len(m.Shards)), uint64(u.params.Shards))
			if reward == 0 || err != nil || credit(s, n.Account, reward) != nil {
				continue // stays in the rest
			}
			rest -= reward
			events = append(events, toEvent(RewardPaid{Epoch: ended, Node: n.ID, To: n.Account, Amount: reward}))
		}
	}
	next, _ := readRing(s, ended+1)
	next.Rewards += rest // the sum of all FROST is below 2^63
	if next != (ringEntry{}) {
		s.Set(ringKey(ended+1), encode(next))
	}

	u.system.Epoch = ended + 1
	u.system.EpochStart = now
	u.system.Supply -= burned
	s.Set([]byte{keySystem}, encode(u.system))
	keepAssignment(s, u.system.Epoch, members)
	u.committee = u.committee.AtEpoch(u.system.Epoch)
	return append(events, toEvent(EpochChanged{Epoch: u.system.Epoch, Start: now, Burned: burned, Carried: rest}))
}

// expire removes objects whose last epoch has ended, at most maxExpired.
func (u *rules) expire(s Store) []Event {
	var due [][]byte
	end := binary.BigEndian.AppendUint32([]byte{keyExpiry}, uint32(u.system.Epoch)+1)
	s.Ascend([]byte{keyExpiry}, end, func(key, _ []byte) bool {
		due = append(due, append([]byte(nil), key...))
		return len(due) < maxExpired
	})
	var events []Event
	for _, key := range due {
		id := committee.ObjectID(key[len(key)-len(committee.ObjectID{}):])
		if b, err := ReadBlob(s, id); err == nil {
			dropBlob(s, b)
			events = append(events, toEvent(BlobExpired{
				Epoch: u.system.Epoch, BlobID: b.BlobID, Object: id, Certified: b.Certified != 0,
			}))
		} else if st, err := ReadStorage(s, id); err == nil {
			dropStorage(s, st)
			events = append(events, toEvent(StorageExpired{Epoch: u.system.Epoch, Object: id}))
		} else {
			panic("ledger: nothing of what expires is there: " + err.Error()) //nolint:forbidigo // invariant: an object and its expiry key come and go together
		}
	}
	return events
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
