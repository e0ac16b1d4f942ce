package ledgerrpc_test

import (
	"context"
	"fmt"
	"time"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/p2p"
)

// One address and a trust root are enough to read the ledger without believing
// whom one asks.
func ExampleClient() {
	read := func(ctx context.Context, host *p2p.Host, addr string, root light.Root) error {
		peer, err := host.Connect(ctx, addr)
		if err != nil {
			return err
		}
		c, err := ledgerrpc.NewClient(ledgerrpc.ClientConfig{Host: host, Root: root}, peer)
		if err != nil {
			return err
		}
		return c.View(ctx, func(r ledger.Reader, height uint64) error {
			sys, err := ledger.ReadSystem(r)
			fmt.Println("epoch", sys.Epoch, "at height", height)
			return err
		})
	}
	_ = read
}

// Whoever keeps the last height goes on from the next one, without loss.
func ExampleFollow() {
	follow := func(ctx context.Context, l ledgerrpc.Ledger, last uint64, owner ledger.Address) (uint64, error) {
		for b, err := range ledgerrpc.Follow(ctx, l, last+1, ledgerrpc.Filter{Accounts: []ledger.Address{owner}}) {
			if err != nil {
				return last, err
			}
			for _, ev := range b.Events {
				fmt.Println(b.Height, time.UnixMilli(int64(b.Time)), ev.Kind)
			}
			last = b.Height
		}
		return last, nil
	}
	_ = follow
}
