package repair

import (
	"context"
	"sync"
	"time"
)

// race runs try(ctx, 0), try(ctx, 1), … until one has won: the next one when one
// has lost, or when Config.HedgeAfter has passed. Each try runs in a goroutine of
// its own; what it returns is run by the caller of race, one at a time, and tells
// whether it has won. When race returns, those still running have been called off
// and have ended. It returns errSources if all have lost.
func (j *job) race(ctx context.Context, tries int, try func(ctx context.Context, i int) (settle func() bool)) error {
	within, cancel := context.WithCancel(ctx)
	settled := make(chan func() bool)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
	}()
	next, running := 0, 0
	launch := func() {
		if next == tries {
			return
		}
		i := next
		next++
		running++
		wg.Go(func() { // ended by cancel
			settle := try(within, i)
			select {
			case settled <- settle:
			case <-within.Done():
			}
		})
	}
	launch()
	hedge := time.NewTicker(j.r.cfg.HedgeAfter)
	defer hedge.Stop()
	for running > 0 {
		select {
		case settle := <-settled:
			running--
			if settle() {
				return nil
			}
			launch()
		case <-hedge.C:
			launch()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errSources
}
