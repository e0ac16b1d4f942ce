package comet

import (
	"crypto/sha256"
	"encoding/binary"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/floe-storage/floe/committee/ledger"
)

func hashOf(tx []byte) [32]byte { return sha256.Sum256(tx) }

// bodyKey names the one attribute of an event, its canonical bytes.
const bodyKey = "body"

// execTxResult puts a result into CometBFT's words. The fee travels as gas
// used, so that it is part of the results hash in the next header.
func execTxResult(r ledger.TxResult) *abci.ExecTxResult {
	return &abci.ExecTxResult{
		Code:    r.Code,
		Info:    r.Info,
		Data:    r.Data,
		GasUsed: int64(r.Fee),
		Events:  abciEvents(r.Events),
	}
}

func receipt(height uint64, index int, hash [32]byte, r *abci.ExecTxResult) ledger.Receipt {
	return ledger.Receipt{
		Height: height, Index: uint32(index), Hash: hash,
		TxResult: ledger.TxResult{Code: r.Code, Info: r.Info, Data: r.Data, Fee: uint64(r.GasUsed)},
	}
}

func abciEvents(events []ledger.Event) []abci.Event {
	out := make([]abci.Event, len(events))
	for i, e := range events {
		out[i] = abci.Event{Type: e.Kind, Attributes: []abci.EventAttribute{{Key: bodyKey, Value: string(e.Body)}}}
	}
	return out
}

func ledgerEvent(e abci.Event) ledger.Event {
	out := ledger.Event{Kind: e.Type}
	for _, a := range e.Attributes {
		if a.Key == bodyKey {
			out.Body = []byte(a.Value)
		}
	}
	return out
}

func validatorUpdates(updates []ledger.ValidatorUpdate) []abci.ValidatorUpdate {
	out := make([]abci.ValidatorUpdate, len(updates))
	for i, u := range updates {
		out[i] = abci.Ed25519ValidatorUpdate(u.ConsensusKey[:], u.Power)
	}
	return out
}

// misbehaviors puts what a block proves of validators into the ledger's words.
// Whether they voted twice or attacked light clients makes no difference there.
func misbehaviors(list []abci.Misbehavior) (out []ledger.Misbehavior) {
	for _, m := range list {
		v := ledger.Misbehavior{Height: uint64(m.Height), Power: m.Validator.Power}
		copy(v.Validator[:], m.Validator.Address)
		out = append(out, v)
	}
	return out
}

// outcomesOf lists what became of a block's transactions, and the index entries
// of those that were accepted: x/<hash> → height ‖ index. One that was refused
// may be sent again and is not indexed.
func outcomesOf(p *pendingBlock) (outcomes []ledger.Receipt, index []keyValue) {
	for i, tx := range p.txs {
		r := receipt(p.height, i, hashOf(tx), p.results[i])
		outcomes = append(outcomes, r)
		if r.Code != uint32(ledger.CodeOK) {
			continue
		}
		place := binary.BigEndian.AppendUint64(nil, p.height)
		place = binary.BigEndian.AppendUint32(place, uint32(i))
		index = append(index, keyValue{indexKey(r.Hash), place})
	}
	return outcomes, index
}

func indexKey(hash [32]byte) []byte { return append([]byte("x/"), hash[:]...) }
