package light

import (
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/merkle"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard/bcs"
)

// maxPlace is more than a block has transactions: each has at least a byte.
const maxPlace = 1 << 20

// resultOf is what a header covers of a result, as comet writes it: the fee
// travels as gas used. Info and events are under no hash.
func resultOf(r ledger.TxResult) *abci.ExecTxResult {
	return &abci.ExecTxResult{Code: r.Code, Data: r.Data, GasUsed: int64(r.Fee)}
}

func resultsOf(results []ledger.TxResult) cmttypes.ABCIResults {
	out := make([]*abci.ExecTxResult, len(results))
	for i, r := range results {
		out[i] = resultOf(r)
	}
	return cmttypes.NewResults(out)
}

// ResultsHash returns what stands in the header after a block with these results.
func ResultsHash(results []ledger.TxResult) []byte { return resultsOf(results).Hash() }

// ProveReceipt returns the proof of what became of a block's transaction at an
// index, given all of the block's transactions and their results:
//
//	transactions u32
//	index        u32
//	aunts        count, then each: 32 bytes; under the block's DataHash
//	aunts        count, then each: 32 bytes; under the next header's ResultsHash
func ProveReceipt(txs [][]byte, results []ledger.TxResult, index int) ([]byte, error) {
	if index < 0 || index >= len(txs) || len(results) != len(txs) {
		return nil, fmt.Errorf("light: no transaction %d among %d with %d results", index, len(txs), len(results))
	}
	var e bcs.Encoder
	e.U32(uint32(len(txs)))
	e.U32(uint32(index))
	for _, p := range []merkle.Proof{cmttypes.ToTxs(txs).Proof(index).Proof, resultsOf(results).ProveResult(index)} {
		e.Count(len(p.Aunts))
		for _, a := range p.Aunts {
			e.Fixed(a)
		}
	}
	return e.Data(), nil
}

// VerifyReceipt checks that the transaction of the receipt's hash stands in the
// block of its height, at its index, and had its code, data and fee. header is
// that of the height, next the one after it. Info is not proven. What does
// not hold is [ErrProof].
func VerifyReceipt(header, next Header, r ledger.Receipt, proof []byte) error {
	if header.Height != r.Height || next.Height != r.Height+1 {
		return fmt.Errorf("%w: headers %d and %d for a receipt of height %d", ErrProof, header.Height, next.Height, r.Height)
	}
	d := bcs.NewDecoder(proof)
	total, index := d.U32(), d.U32()
	place, result := decodeAunts(d), decodeAunts(d)
	if err := d.Finish(); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	if total > maxPlace || index >= total || index != r.Index {
		return fmt.Errorf("%w: transaction %d of %d", ErrProof, index, total)
	}
	leaf, err := resultOf(r.TxResult).Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	for _, p := range []struct {
		root, leaf []byte
		aunts      [][]byte
	}{{header.DataHash, r.Hash[:], place}, {next.ResultsHash, leaf, result}} {
		m := merkle.Proof{Total: int64(total), Index: int64(index), LeafHash: leafHash(p.leaf), Aunts: p.aunts}
		if len(p.root) == 0 {
			return fmt.Errorf("%w: the header covers nothing", ErrProof)
		}
		if err := m.Verify(p.root, p.leaf); err != nil {
			return fmt.Errorf("%w: %w", ErrProof, err)
		}
	}
	return nil
}

// leafHash is how CometBFT's Merkle tree hashes a leaf: that of a tree of one.
func leafHash(leaf []byte) []byte { return merkle.HashFromByteSlices([][]byte{leaf}) }

func decodeAunts(d *bcs.Decoder) [][]byte {
	n := d.Count(merkle.MaxAunts, 32)
	aunts := make([][]byte, n)
	for i := range aunts {
		aunts[i] = make([]byte, 32)
		d.Fixed(aunts[i])
	}
	return aunts
}
