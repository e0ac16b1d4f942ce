package ledger

import (
	"fmt"
	"testing"
)

// BenchmarkCertify applies blocks of certifications: the whole cost of one,
// transaction signature, certificate and state.
func BenchmarkCertify(b *testing.B) {
	const perBlock = 50
	for _, nodes := range []int{4, 10} {
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			genesis, err := testGenesis(nodes).AppendBinary(nil)
			if err != nil {
				b.Fatal(err)
			}
			w := &world{t: b, state: newMemory(), time: testStart}
			if _, err := InitChain(w.state, genesis); err != nil {
				b.Fatal(err)
			}
			w.with(func(p *Params) { p.Capacity = 1 << 40 })
			var txs [][]byte
			nonce := uint64(perBlock)
			for i := range byte(perBlock) {
				id := w.must(0, register(i, 1, true)...)[1]
				tx := w.tx(0, w.certify(id))
				tx.Nonce = nonce + uint64(i)
				txs = append(txs, tx.Sign(accountSecret(0)))
			}
			for b.Loop() {
				out := w.machine.ApplyBlock(NewOverlay(w.state), Block{Height: w.height + 1, Time: w.time, Txs: txs})
				for _, r := range out.Txs {
					if err := r.Err(); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*perBlock)/b.Elapsed().Seconds(), "certify/s")
		})
	}
}
