package ledger

import (
	"encoding/binary"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
)

// ReadStakePool returns a node's stake pool as it was left last: what has become due
// since is not settled. An *Error of CodeNotFound if there is no such node.
func ReadStakePool(r Reader, id committee.NodeID) (stake.Pool, error) {
	p, err := read[stakePool](r, stakePoolKey(keyStakePool, id), "stake pool")
	return p.Pool, err
}

// ReadStakeBook returns what is kept of a node's stake pool for each epoch. It is
// for reading: what is set in it is lost.
func ReadStakeBook(r Reader, id committee.NodeID) stake.Book { return &book{NewOverlay(r), id} }

// stakePool, stakeRate and stakeExit are the values of the state that package stake encodes.
type (
	stakePool struct{ stake.Pool }
	stakeRate struct{ stake.Rate }
	stakeExit struct{ stake.Exit }
)

func (p *stakePool) fields(c *codec) {
	if c.out != nil {
		p.Encode(c.out)
	} else {
		p.Pool = stake.DecodePool(c.in)
	}
}

func (r *stakeRate) fields(c *codec) {
	if c.out != nil {
		r.Encode(c.out)
	} else {
		r.Rate = stake.DecodeRate(c.in)
	}
}

func (x *stakeExit) fields(c *codec) {
	if c.out != nil {
		x.Encode(c.out)
	} else {
		x.Exit = stake.DecodeExit(c.in)
	}
}

func (p *stakePool) money() uint64 { return p.Money() }

func (x *stakeExit) money() uint64 { return x.WAL }

// book is the stake.Book of a node's pool.
type book struct {
	state *Overlay
	node  committee.NodeID
}

// Rate implements [stake.Book]. The epochs stand inverted in the keys, so that
// the latest comes first.
func (b *book) Rate(e committee.Epoch) (stake.Rate, bool) {
	var found []byte
	b.state.Ascend(b.key(keyStakeRate, ^e), b.end(keyStakeRate), func(key, _ []byte) bool {
		found = append([]byte(nil), key...)
		return false
	})
	if found == nil {
		return stake.Rate{}, false
	}
	r, err := read[stakeRate](b.state, found, "rate of a pool")
	sound(err)
	return r.Rate, true
}

// SetRate implements [stake.Book].
func (b *book) SetRate(e committee.Epoch, r stake.Rate) {
	b.state.Set(b.key(keyStakeRate, ^e), encode(stakeRate{r}))
}

// Exit implements [stake.Book].
func (b *book) Exit(e committee.Epoch) stake.Exit {
	key := b.key(keyStakeExit, e)
	if b.state.Get(key) == nil {
		return stake.Exit{}
	}
	x, err := read[stakeExit](b.state, key, "exit of a pool")
	sound(err)
	return x.Exit
}

// SetExit implements [stake.Book].
func (b *book) SetExit(e committee.Epoch, x stake.Exit) {
	if x == (stake.Exit{}) {
		b.state.Delete(b.key(keyStakeExit, e))
		return
	}
	b.state.Set(b.key(keyStakeExit, e), encode(stakeExit{x}))
}

func (b *book) key(kind byte, e committee.Epoch) []byte {
	return binary.BigEndian.AppendUint32(stakePoolKey(kind, b.node), uint32(e))
}

// end is the first key after those of the node.
func (b *book) end(kind byte) []byte { return append(b.key(kind, ^committee.Epoch(0)), 0) }

func stakePoolKey(kind byte, id committee.NodeID) []byte { return append([]byte{kind}, id[:]...) }

func (x *execution) stakeBook(id committee.NodeID) stake.Book { return &book{x.state, id} }

// stakePool returns the stake pool of a node that there is.
func (x *execution) stakePool(id committee.NodeID) stake.Pool {
	p, err := ReadStakePool(x.state, id)
	sound(err)
	return p
}

// setStakePool writes a node's pool and lets what is at stake there count when the
// next committee is chosen. n is written too. An exiting node whose pool is
// empty is gone then.
func (x *execution) setStakePool(n Node, p stake.Pool) *Error {
	at := x.system.Epoch + 1
	if x.system.Phase == PhaseSelected {
		at++
	}
	var err error
	if n.Stake, err = p.StakeAt(at); err != nil {
		return refuse(CodeOverflow, "stake of node %v: %v", n.ID, err)
	}
	x.state.Set(stakePoolKey(keyStakePool, n.ID), encode(stakePool{p}))
	x.setNode(n)
	x.release(n, p)
	return nil
}

// moment is what a node's pool has to be told about the running epoch. Nothing
// that leaves is paid before the epoch's hand-over is over and the node's own
// shards are with their new holders.
func (x *execution) moment(id committee.NodeID) stake.Moment {
	m := stake.Moment{
		Epoch: x.system.Epoch, Chosen: x.system.Phase == PhaseSelected,
		HandedOver: x.system.Phase != PhaseHandover && !owes(x.state, id),
	}
	m.InCurrent = x.seated(m.Epoch, id)
	m.InNext = m.Chosen && x.seated(m.Epoch+1, id)
	return m
}
