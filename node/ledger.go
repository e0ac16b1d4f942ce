package node

import (
	"context"
	"iter"

	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/ledger"
)

// replica is ledgerrpc.Backend over this node's copy of the chain.
type replica struct{ *comet.Node }

func (r replica) View(_ context.Context, read func(ledger.Reader, uint64) error) error {
	return r.Node.View(read)
}

func (r replica) Await(ctx context.Context, hash [32]byte) (ledger.Receipt, error) {
	t, err := r.Node.Await(ctx, hash)
	return ledger.Receipt{
		Height: t.Height, Index: uint32(t.Index), Hash: t.Hash,
		TxResult: ledger.TxResult{Code: t.Code, Info: t.Info, Data: t.Data, Fee: t.Fee},
	}, err
}

func (r replica) Events(ctx context.Context, from uint64) iter.Seq2[ledger.BlockEvents, error] {
	return func(yield func(ledger.BlockEvents, error) bool) {
		for b, err := range r.Node.Events(ctx, from) {
			out := ledger.BlockEvents{Height: b.Height, Time: b.Time}
			for _, ev := range b.Events {
				out.Events = append(out.Events, ledger.TxEvent{Tx: ev.Tx, Index: uint32(ev.Index), Event: ev.Event})
			}
			if !yield(out, err) {
				return
			}
		}
	}
}
