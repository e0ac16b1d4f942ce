package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// StakeObject is FROST of an account's in the stake of a node: a stake object.
type StakeObject struct {
	ID    committee.ObjectID
	Owner Address
	Node  committee.NodeID
	// To is the node to whose stake it moves by itself as soon as it is
	// released; zero if it is not to move.
	To       committee.NodeID
	Position stake.Position
}

func (s *StakeObject) fields(c *codec) {
	c.fixed(s.ID[:])
	c.fixed(s.Owner[:])
	c.fixed(s.Node[:])
	c.fixed(s.To[:])
	if c.out != nil {
		s.Position.Encode(c.out)
	} else {
		s.Position = stake.DecodePosition(c.in)
	}
}

func (s StakeObject) key() []byte { return objectKey(keyStake, s.ID) }

func (s StakeObject) bytes() []byte { return encode(s) }

func (s StakeObject) entries() []write {
	out := []write{{key: ownerKey(s.Owner, KindStake, s.ID)}}
	if s.To != (committee.NodeID{}) {
		out = append(out, write{key: moveStakeKey(s.Position.Withdraw, s.ID)})
	}
	return out
}

// moveStakeKey is the entry of a stake object that moves from an epoch on.
func moveStakeKey(e committee.Epoch, id committee.ObjectID) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{keyMoveStake}, uint32(e)), id[:]...)
}

// ReadStake returns a stake object; an *Error of CodeNotFound if there is none.
func ReadStake(r Reader, id committee.ObjectID) (StakeObject, error) {
	return read[StakeObject](r, objectKey(keyStake, id), "stake object")
}

// ReadStakeValue returns the FROST that a stake object would be paid in the
// running epoch if it could be withdrawn now.
func ReadStakeValue(r Reader, s StakeObject) (uint64, error) {
	sys, err := ReadSystem(r)
	if err != nil {
		return 0, err
	}
	p, err := ReadStakePool(r, s.Node)
	if err != nil {
		return 0, err
	}
	return p.Value(ReadStakeBook(r, s.Node), sys.Epoch, s.Position)
}

// AscendStakes visits the stake objects of an owner that follow after an ID, by
// ID, until visit returns false; the zero ID begins with the first.
func AscendStakes(r Reader, owner Address, after committee.ObjectID, visit func(StakeObject) bool) error {
	var fault error
	AscendOwned(r, owner, KindStake, after, func(kind ObjectKind, id committee.ObjectID) bool {
		if kind != KindStake {
			return false
		}
		s, err := ReadStake(r, id)
		if err != nil {
			fault = err
			return false
		}
		return visit(s)
	})
	return fault
}

// staked returns a stake object that the sender owns.
func (x *execution) staked(r Ref) (StakeObject, *Error) {
	id, err := x.object(r, KindStake)
	if err != nil {
		return StakeObject{}, err
	}
	s, fault := ReadStake(x.state, id)
	if fault != nil {
		return s, damaged(fault)
	}
	return s, x.owned(id, s.Owner)
}

// attempt carries out what may fail halfway, before it emits an event, and keeps
// nothing of it then.
func (x *execution) attempt(do func() error) error {
	base := x.state
	x.state = NewOverlay(base)
	err := do()
	if err == nil {
		x.state.Flush(base)
	}
	x.state = base
	return err
}

// move brings a stake object that is released to another node's stake.
func (x *execution) move(s StakeObject, to committee.NodeID) error {
	return x.attempt(func() error {
		from, into := x.stakePool(s.Node), x.stakePool(to)
		position, err := stake.Redelegate(s.Position, &from, x.stakeBook(s.Node), x.moment(s.Node), &into, x.stakeBook(to), x.moment(to))
		if err != nil {
			return err
		}
		if err := x.changeStake(to, into); err != nil {
			return err
		}
		if err := x.changeStake(s.Node, from); err != nil { // the node may leave with it
			return err
		}
		moved := s
		moved.Node, moved.To, moved.Position = to, committee.NodeID{}, position
		put(x.state, s, moved)
		x.emit(StakeRedelegated{
			Epoch: x.system.Epoch, Object: s.ID, From: s.Node, To: to, Amount: position.Principal, Activation: position.Activation,
		})
		return nil
	})
}

// maxMoved bounds the stake objects that one block moves by itself; the blocks
// after it go on.
const maxMoved = 100

// moveStakes moves the stake objects that are released and wanted elsewhere.
// Those that left with the running epoch wait until every shard is handed over:
// that is soon, and no block has to look through who is waiting. Where there is
// nothing to move, or nowhere to, the stake is left for its owner to withdraw.
func (x *execution) moveStakes() {
	left := x.system.Epoch
	if x.system.Deadline != 0 {
		left--
	}
	var due []committee.ObjectID
	x.state.Ascend([]byte{keyMoveStake}, moveStakeKey(left+1, committee.ObjectID{}), func(key, _ []byte) bool {
		due = append(due, committee.ObjectID(key[len(key)-len(committee.ObjectID{}):]))
		return len(due) < maxMoved
	})
	for _, id := range due {
		s, err := ReadStake(x.state, id)
		sound(err) // an object and its entries come and go together
		to := s.To
		if x.takesStake(to) == nil {
			if err := x.move(s, to); err == nil {
				continue
			}
		}
		stays := s
		stays.To = committee.NodeID{}
		put(x.state, s, stays)
		x.emit(RedelegationFailed{Epoch: x.system.Epoch, Object: id, From: s.Node, To: to})
	}
}

// takesStake refuses a node that takes no new stake.
func (x *execution) takesStake(id committee.NodeID) *Error {
	n, err := ReadNode(x.state, id)
	if err != nil {
		return refuse(CodeNotFound, "node %v: %v", id, err)
	}
	if n.Exiting {
		return refuse(CodeExiting, "node %v takes no stake: it is leaving", id)
	}
	return nil
}

// changeStake writes the stake pool of a node that there is.
func (x *execution) changeStake(id committee.NodeID, p stake.Pool) error {
	n, err := ReadNode(x.state, id)
	if err != nil {
		return err
	}
	if refusal := x.setStakePool(n, p); refusal != nil {
		return refusal
	}
	return nil
}
