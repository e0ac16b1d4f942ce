package ledger

import (
	"fmt"

	"github.com/floe-storage/floe/shard/bcs"
)

// A holder is a value of the state that has FROST in it.
type holder interface{ money() uint64 }

func (a *Account) money() uint64 { return a.Balance }

func (r *ringEntry) money() uint64 { return r.Rewards }

func (n *Node) money() uint64 { return n.Deposit }

// moneyIn returns the FROST in a value of the state; 0 for a value of a kind
// that holds none, and for none.
func moneyIn(key, value []byte) uint64 {
	if value == nil {
		return 0
	}
	switch key[0] {
	case keyAccount:
		return moneyOf[Account](value)
	case keyRing:
		return moneyOf[ringEntry](value)
	case keyBlob:
		return moneyOf[Blob](value)
	case keyNode:
		return moneyOf[Node](value)
	case keySubsidies:
		return moneyOf[fund](value)
	case keyStakePool:
		return moneyOf[stakePool](value)
	case keyStakeExit:
		return moneyOf[stakeExit](value)
	}
	return 0
}

func moneyOf[T any, P interface {
	fielderOf[T]
	holder
}](value []byte) uint64 {
	v := decode[T, P](bcs.NewDecoder(value))
	return P(&v).money()
}

// conserve makes sure that what is pending above a state creates and loses no
// FROST but those by which the supply changed. The work is proportional to what
// changed. Sums wrap together: all FROST are below 2^63.
func conserve(base Reader, pending *Overlay, before, after uint64) {
	var was, is uint64
	pending.pending.Ascend(func(w write) bool {
		if moneyKey(w.key) {
			was += moneyIn(w.key, base.Get(w.key))
			is += moneyIn(w.key, w.value)
		}
		return true
	})
	if is-was != after-before {
		panic(fmt.Sprintf("ledger: FROST are not conserved: %d more in all places, the supply went from %d to %d", int64(is-was), before, after)) //nolint:forbidigo // invariant: every message moves FROST and makes none
	}
}

func moneyKey(key []byte) bool {
	switch key[0] {
	case keyAccount, keyRing, keyBlob, keyNode, keyStakePool, keyStakeExit, keySubsidies:
		return true
	}
	return false
}
