package ledgerrpc

import (
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc/rpctest"
)

// What it costs to believe nobody: to read an account over the network, at the
// same height again and at a new one each time.
func BenchmarkView(b *testing.B) {
	for name, trust := range map[string]bool{"verified": false, "believed": true} {
		for when, grow := range map[string]bool{"same height": false, "new height": true} {
			b.Run(name+"/"+when, func(b *testing.B) {
				n := connect(b, 3)
				c := n.fresh(b, ClientConfig{TrustPeers: trust})
				for b.Loop() {
					if grow {
						b.StopTimer()
						n.chain.Commit()
						b.StartTimer()
					}
					if err := c.View(b.Context(), func(r ledger.Reader, _ uint64) error {
						_, err := ledger.ReadAccount(r, rpctest.Address(rpctest.Account(0)))
						return err
					}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
