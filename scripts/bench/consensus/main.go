// Command consensus measures certifications through consensus: a network of validators in one
// process, accounts with registered blobs, and all certificates sent at once.
//
// Usage: go run ./scripts/bench/consensus [-nodes 4] [-accounts 40] [-each 50]
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/node"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/shard"
)

func main() {
	nodes := flag.Int("nodes", 4, "validators")
	accounts := flag.Int("accounts", 40, "accounts that certify side by side")
	each := flag.Int("each", 50, "blobs of each account, at most 50")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *nodes, *accounts, min(*each, ledger.MaxMessages/2)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, nodes, accounts, each int) error {
	dir, err := os.MkdirTemp("", "floe-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // temporary
	net, err := devnet.Open(ctx, devnet.Config{Dir: dir, Nodes: nodes, Epoch: time.Hour})
	if err != nil {
		return err
	}
	defer net.Close() //nolint:errcheck // the figures are what counts
	s, err := newSigners(net, nodes)
	if err != nil {
		return err
	}
	if err := commits(ctx, net); err != nil {
		return err
	}

	writers := make([]*writer, accounts)
	funds := make([]ledger.Message, accounts)
	for i := range writers {
		var seed [ed25519.SeedSize]byte
		binary.LittleEndian.PutUint64(seed[:], uint64(i)+1)
		w := &writer{key: ed25519.NewKeyFromSeed(seed[:]), ledger: net.Node(i % nodes).Ledger()}
		writers[i] = w
		funds[i] = ledger.Send{To: ledger.AddressOf(w.key.Public().(ed25519.PublicKey)), Amount: 100 * ledger.FrostPerWAL}
	}
	for part := range slices.Chunk(funds, ledger.MaxMessages) {
		if _, err := net.Client().Wallet.Send(ctx, part...); err != nil {
			return fmt.Errorf("fund accounts: %w", err)
		}
	}
	if err := all(writers, func(i int, w *writer) error { return w.register(ctx, s, i, each) }); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	began := time.Now()
	if err := all(writers, func(_ int, w *writer) error { return w.certify(ctx) }); err != nil {
		return fmt.Errorf("certify: %w", err)
	}
	took := time.Since(began)
	fmt.Printf("%d validators in one process on %d cores: %d blobs certified in %.1f s, one to a transaction: %.0f/s\n",
		nodes, runtime.NumCPU(), accounts*each, took.Seconds(), float64(accounts*each)/took.Seconds())
	return nil
}

// commits prints how long a transaction takes on an idle chain.
func commits(ctx context.Context, net *devnet.Net) error {
	const samples = 21
	var took []time.Duration
	for range samples {
		began := time.Now()
		if _, err := net.Client().Wallet.Send(ctx, ledger.Send{To: ledger.Address{1}, Amount: 1}); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	fmt.Printf("a transaction over the network, from its making to its proven receipt: median %d ms, worst %d ms\n",
		took[len(took)/2].Milliseconds(), took[len(took)-1].Milliseconds())
	return nil
}

// all runs do for every writer at once and returns the first error.
func all(writers []*writer, do func(i int, w *writer) error) error {
	faults := make(chan error, len(writers))
	var wg sync.WaitGroup
	for i, w := range writers {
		wg.Go(func() { faults <- do(i, w) })
	}
	wg.Wait()
	close(faults)
	for err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// signers are the keys of a quorum of the committee.
type signers struct {
	params shard.Params
	epoch  committee.Epoch
	bitmap []byte
	keys   []*bls.SecretKey
}

func newSigners(net *devnet.Net, nodes int) (*signers, error) {
	c := net.Node(0).Committee()
	s := &signers{params: c.Params(), epoch: c.Epoch(), bitmap: make([]byte, (len(c.Members())+7)/8)}
	var weight committee.Weight
	for i := 0; i < nodes && !committee.Quorum(weight, c.Shards()); i++ {
		keys, err := node.LoadOrCreateKeys(net.NodeDir(i))
		if err != nil {
			return nil, err
		}
		at := c.IndexOf(net.Node(i).ID())
		s.bitmap[at/8] |= 1 << (at % 8)
		s.keys = append(s.keys, keys.BLS)
		weight += c.Members()[at].Weight()
	}
	return s, nil
}

func (s *signers) certificate(id shard.BlobID) (committee.Certificate, error) {
	msg := committee.Confirmation{Epoch: s.epoch, Blob: id}.Message()
	var sigs []bls.Signature
	for _, k := range s.keys {
		sigs = append(sigs, k.Sign(msg))
	}
	sum, err := bls.Aggregate(sigs)
	return committee.Certificate{Signers: s.bitmap, Message: msg, Signature: sum}, err
}

// writer is an account with what it is to certify.
type writer struct {
	key    ed25519.PrivateKey
	ledger ledgerrpc.Ledger
	txs    [][]byte
}

// register announces blobs that have roots and no bytes, and prepares the transactions that certify them.
func (w *writer) register(ctx context.Context, s *signers, number, count int) error {
	const size = 1000
	encoded, err := s.params.EncodedSize(size)
	if err != nil {
		return err
	}
	var messages []ledger.Message
	var ids []shard.BlobID
	for i := range count {
		root := shard.Hash{byte(number), byte(number >> 8), byte(i), 1}
		id := shard.DeriveBlobID(root, size)
		ids = append(ids, id)
		messages = append(messages, ledger.ReserveStorage{Size: encoded, Epochs: 1},
			ledger.RegisterBlob{Storage: ledger.Result(uint16(2 * i)), BlobID: id, Root: root, Size: size})
	}
	sent, err := ledgerrpc.NewWallet(w.ledger, w.key).Send(ctx, messages...)
	if err != nil {
		return err
	}
	var params ledger.Params
	var height uint64
	if err := w.ledger.View(ctx, func(r ledger.Reader, h uint64) (err error) {
		height = h
		params, err = ledger.ReadParams(r)
		return err
	}); err != nil {
		return err
	}
	for i, id := range ids {
		cert, err := s.certificate(id)
		if err != nil {
			return err
		}
		tx := ledger.Tx{
			ChainID: params.ChainID, Nonce: uint64(i) + 1, Expiry: height + ledger.MaxTxLifetime/2,
			Messages: []ledger.Message{ledger.CertifyBlob{Blob: ledger.Object(sent.Objects[2*i+1]), Certificate: cert}},
		}
		tx.Fee = params.Fee(tx)
		w.txs = append(w.txs, tx.Sign(w.key))
	}
	return nil
}

// certify sends all transactions and waits until they are in blocks.
func (w *writer) certify(ctx context.Context) error {
	for _, tx := range w.txs {
		for {
			r, err := w.ledger.Broadcast(ctx, tx)
			if err == nil && r.Err() == nil {
				break
			}
			if err := errorOf(r, err); err != nil {
				return err
			}
		}
	}
	for _, tx := range w.txs {
		receipt, err := w.ledger.Await(ctx, ledger.TxHash(tx))
		if err == nil {
			err = receipt.Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errorOf returns why a transaction was not taken, nil if it may be offered again at once.
func errorOf(r ledger.TxResult, err error) error {
	if err != nil {
		return err
	}
	if ledger.Code(r.Code) == ledger.CodeNonceAhead {
		return nil // the one before is in a block that is being applied
	}
	return r.Err()
}
