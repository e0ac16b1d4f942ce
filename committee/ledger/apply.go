package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
)

// maxExpired bounds the objects that one block removes when an epoch has
// ended; the blocks after it go on.
const maxExpired = 1000

// ApplyBlock carries a block out on s: first what is due by itself (the turn
// of the epoch, what has expired), then the transactions in order. It never
// fails; a refused transaction is a result. s must hold what InitChain wrote.
func ApplyBlock(s Store, b Block) BlockResult {
	var out BlockResult
	u, err := readRules(s, b.Height)
	if err != nil {
		panic("ledger: state does not decode: " + err.Error()) //nolint:forbidigo // invariant: only this package writes the state
	}
	if b.Time >= u.system.EpochStart+u.params.EpochDuration {
		out.Events = append(out.Events, u.turnEpoch(s, b.Time)...)
	}
	out.Events = append(out.Events, u.expire(s)...)
	for _, tx := range b.Txs {
		out.Txs = append(out.Txs, u.run(s, tx))
	}
	return out
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

	burned := share(ring.Rewards, burnPercent, 100)
	rest := ring.Rewards - burned
	var events []Event
	members, _ := read(s, []byte{keyNodes}, "nodes", decodeNodes)
	if ring.Used > 0 {
		pot := rest
		for _, n := range members {
			reward := share(pot, uint64(len(n.Shards)), uint64(u.params.Shards))
			if reward == 0 || credit(s, n.Account, reward) != nil {
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

// NewChecker returns a checker above the state committed at the given height;
// it is of use until the next block is committed.
func NewChecker(r Reader, height uint64) *Checker {
	u, err := readRules(r, height+1)
	return &Checker{rules: u, pending: NewOverlay(r), err: err}
}

// Check carries tx out on the checker's view. A transaction that would be
// refused changes nothing there.
func (c *Checker) Check(tx []byte) TxResult {
	if c.err != nil {
		return refused(refuse(CodeMalformed, "no state yet: %v", c.err))
	}
	trial := NewOverlay(c.pending)
	r := c.rules.run(trial, tx)
	if Code(r.Code) == CodeOK {
		trial.Flush(c.pending)
	}
	r.Events = nil
	return r
}
