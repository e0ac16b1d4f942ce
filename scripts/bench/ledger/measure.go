package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

// row adds up blocks of a kind.
type row struct {
	name              string
	txs, objects      int
	executed, written []time.Duration
	thread            []time.Duration // of the processor that executes
	processed         []time.Duration // of all processors, while executing
}

func (r *row) print() {
	if len(r.executed) == 0 {
		return
	}
	var executed, written time.Duration
	for i := range r.executed {
		executed += r.executed[i]
		written += r.written[i]
	}
	rate := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%.0f", float64(n)/executed.Seconds())
	}
	fmt.Printf("| %s | %d | %s | %s | %.1f | %.1f | %.1f | %.1f | %.1f |\n", r.name, len(r.executed), rate(r.txs), rate(r.objects),
		ms(executed)/float64(len(r.executed)), ms(slices.Max(r.executed)), ms(slices.Max(r.thread)), ms(slices.Max(r.processed)),
		ms(written)/float64(len(r.executed)))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// block applies a block and counts it.
func (n *network) block(r *row, txs [][]byte) error {
	t := n.apply(txs)
	r.executed, r.written = append(r.executed, t.executed), append(r.written, t.written)
	r.thread, r.processed = append(r.thread, t.thread), append(r.processed, t.processed)
	r.txs += len(txs)
	for _, e := range n.applied.Events {
		if e.Kind == "blob_expired" {
			r.objects++
		}
	}
	return n.accepted()
}

// fill returns as many transactions as a block takes.
func (n *network) fill(next func(i int) ([]byte, error)) ([][]byte, error) {
	var txs [][]byte
	work := uint64(0)
	for {
		tx, err := next(len(txs))
		if err != nil {
			return nil, err
		}
		w, err := new(ledger.Machine).Work(tx)
		if err != nil {
			return nil, err
		}
		txs = append(txs, tx)
		if work += w; work+w > ledger.MaxBlockWork {
			return txs, nil
		}
	}
}

// measure applies blocks of each kind and prints a table.
func (n *network) measure() error {
	fmt.Println("| blocks | count | transactions/s | objects/s | mean ms | longest ms | longest ms of its thread | longest ms of all processors | mean ms to write |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, phase := range []func() error{n.empty, n.sends, n.blobBlocks, n.stakes, n.epochs} {
		if err := phase(); err != nil {
			return err
		}
	}
	return nil
}

func (n *network) empty() error {
	r := row{name: "empty"}
	for range n.blocks {
		if err := n.block(&r, nil); err != nil {
			return err
		}
	}
	r.print()
	return nil
}

func (n *network) sends() error {
	r := row{name: "payments"}
	for range n.blocks {
		txs, err := n.fill(func(i int) ([]byte, error) {
			return n.tx(i%accounts, ledger.Send{To: address(accounts + (i*7919+int(n.height))%n.nodes), Amount: 1}), nil
		})
		if err != nil {
			return err
		}
		if err := n.block(&r, txs); err != nil {
			return err
		}
	}
	r.print()
	return nil
}

// stakes puts stake behind nodes all over, so that the next committee is
// another one.
func (n *network) stakes() error {
	r := row{name: "stakes"}
	var ids []committee.NodeID
	for i := range n.nodes {
		id, err := n.nodeID(i)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	for range n.blocks {
		txs, err := n.fill(func(i int) ([]byte, error) {
			node := ids[(i*7919+int(n.height)*104_729)%n.nodes]
			return n.tx(i%accounts, ledger.Stake{Node: node, Amount: ledger.FrostPerWAL * uint64(i%100+1)}), nil
		})
		if err != nil {
			return err
		}
		if err := n.block(&r, txs); err != nil {
			return err
		}
	}
	r.print()
	return nil
}

// blobBlocks registers blobs and certifies them.
func (n *network) blobBlocks() error {
	registered, certified := row{name: "registrations"}, row{name: "certifications"}
	made := int(n.height) << 20 // other blobs in each run
	for len(certified.executed) < n.blocks {
		txs, err := n.fill(func(i int) ([]byte, error) {
			made++
			return n.tx(i%accounts, registration(made, 2, made%2 == 0)...), nil
		})
		if err != nil {
			return err
		}
		if err := n.block(&registered, txs); err != nil {
			return err
		}
		results := n.applied.Txs
		for len(results) > 0 && len(certified.executed) < n.blocks {
			txs, err := n.certifications(&results)
			if err != nil {
				return err
			}
			if err := n.block(&certified, txs); err != nil {
				return err
			}
		}
	}
	registered.print()
	certified.print()
	return nil
}

// certifications takes results of registrations and returns the transactions
// that certify them, at most what a block takes.
func (n *network) certifications(results *[]ledger.TxResult) ([][]byte, error) {
	var txs [][]byte
	work := uint64(0)
	for account := 0; len(*results) > 0; account++ {
		ids, err := ledger.ParseResults((*results)[0].Data)
		if err != nil {
			return nil, err
		}
		b, err := ledger.ReadBlob(n.state, ids[1])
		if err != nil {
			return nil, err
		}
		owner := slices.IndexFunc(n.addresses(), func(a ledger.Address) bool { return a == b.Owner })
		certify, err := n.certify(b.ID)
		if err != nil {
			return nil, err
		}
		tx := n.tx(owner, certify)
		w, err := new(ledger.Machine).Work(tx)
		if err != nil {
			return nil, err
		}
		if work += w; work > ledger.MaxBlockWork {
			n.nonces[owner]--
			return txs, nil
		}
		txs = append(txs, tx)
		*results = (*results)[1:]
	}
	return txs, nil
}

func (n *network) addresses() []ledger.Address {
	var out []ledger.Address
	for i := range accounts {
		out = append(out, address(i))
	}
	return out
}

// epochs lets three epochs pass, with full blocks of payments while what has
// ended is removed.
func (n *network) epochs() error {
	selected, changed, handed := row{name: "choosing a committee"}, row{name: "change of the epoch"}, row{name: "end of the hand-over"}
	expired, mixed := row{name: "expiry"}, row{name: "expiry with payments"}
	for range 3 {
		n.time += duration / 2
		if err := n.block(&selected, nil); err != nil {
			return err
		}
		n.time += duration / 2
		if err := n.block(&changed, nil); err != nil {
			return err
		}
		for i := range 10 * n.blocks {
			r, txs := &expired, [][]byte(nil)
			if i%10 == 0 {
				r = &mixed
				var err error
				if txs, err = n.fill(func(i int) ([]byte, error) {
					return n.tx(i%accounts, ledger.Send{To: address(accounts + i%n.nodes), Amount: 1}), nil
				}); err != nil {
					return err
				}
			}
			sys, err := ledger.ReadSystem(n.state)
			if err != nil {
				return err
			}
			if sys.Deadline == n.height+1 {
				r = &handed
			}
			if err := n.block(r, txs); err != nil {
				return err
			}
		}
	}
	for _, r := range []row{selected, changed, handed, expired, mixed} {
		r.print()
	}
	return nil
}
