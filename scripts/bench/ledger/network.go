package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

const (
	chainID   = "bench"
	shards    = 1000
	startTime = 1_700_000_000_000 // ms
	duration  = 1_000_000         // ms of an epoch

	handoverBlocks = 15 // nobody reports, so that each hand-over ends with penalties

	accounts  = 16
	classes   = 8 // of blobs, by the epoch that they end with
	balance   = 100_000_000 * ledger.FrostPerWAL
	mostStake = 1000 * ledger.FrostPerWAL
)

// network is a ledger with its state on disk, and the secrets of all.
type network struct {
	config
	machine      ledger.Machine
	state        *disk
	params       ledger.Params
	height, time uint64 // of the last block
	nonces       [accounts]uint64
	applied      ledger.BlockResult // of the last block
	publicKeys   map[int]bls.PublicKey
	numbers      map[[32]byte]int // of the nodes' BLS secrets, by network key
}

func accountKey(n int) ed25519.PrivateKey {
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("account"), uint64(n)))
	return ed25519.NewKeyFromSeed(seed[:])
}

func address(n int) ledger.Address {
	return ledger.AddressOf(accountKey(n).Public().(ed25519.PublicKey)) //nolint:forcetypeassert // as the package says
}

// secret returns the BLS secret whose number is n: those of several nodes are
// added by adding their numbers.
func secret(n int) (*bls.SecretKey, error) {
	return bls.ParseSecretKey(binary.BigEndian.AppendUint64(make([]byte, bls.SecretKeySize-8), uint64(n)))
}

func networkKey(n int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("network"), uint64(n)))
}

func consensusKey(n int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("consensus"), uint64(n)))
}

// newNetwork makes the state, or goes on with one that is there.
func newNetwork(c config, d *disk) (*network, error) {
	n := &network{config: c, state: d, time: startTime, publicKeys: map[int]bls.PublicKey{}, numbers: map[[32]byte]int{}}
	began := time.Now()
	if kept := d.Get(marker()); kept != nil {
		n.height, n.time = binary.BigEndian.Uint64(kept), binary.BigEndian.Uint64(kept[8:])
	} else if d.Get(ledger.KeyParams()) != nil {
		return nil, errors.New("the state in the directory is not whole: remove it")
	} else if err := n.make(); err != nil {
		return nil, fmt.Errorf("make state: %w", err)
	}
	n.mark()
	d.deleted = maxDeleted // of an earlier run
	d.last = []byte{endingKeys, 0, 0, 0, 16}
	d.sweep()
	var err error
	if n.params, err = ledger.ReadParams(d); err != nil {
		return nil, err
	}
	for i := range n.nonces {
		a, err := ledger.ReadAccount(d, address(i))
		if err != nil {
			return nil, err
		}
		n.nonces[i] = a.Nonce
	}
	fmt.Printf("%d nodes, %d of them in the committee, %d blobs; state ready after %.0f s\n\n", c.nodes, c.members, c.blobs, time.Since(began).Seconds())
	return n, nil
}

// marker is a key beyond the ledger's, under which stands how far a state is.
func marker() []byte { return []byte{0xff} }

// mark says that the state is whole.
func (n *network) mark() {
	n.state.Set(marker(), binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n.height), n.time))
	n.state.commit()
}

func (n *network) make() error {
	genesis, err := n.genesis()
	if err != nil {
		return err
	}
	first := ledger.NewOverlay(n.state)
	if _, err := ledger.InitChain(first, genesis); err != nil {
		return err
	}
	first.Flush(n.state)
	n.state.commit()
	if n.params, err = ledger.ReadParams(n.state); err != nil {
		return err
	}

	// The last founder leaves the pattern of the nodes that are not members.
	ids, err := n.nodeIDs(n.members - 1)
	if err != nil {
		return err
	}
	n.state.Ascend([]byte{0x17}, []byte{0x18}, func(key, value []byte) bool { // its stake object
		if bytes.Contains(value, ids[0]) {
			ids = append(ids, bytes.Clone(key[1:]))
		}
		return true
	})
	node := originalOf(n.state, ids...)
	if len(node.pairs) < 6 {
		return fmt.Errorf("a founder has %d records", len(node.pairs))
	}
	blobs, err := n.originals()
	if err != nil {
		return err
	}
	var fault error
	writeCopies(n.state, []original{node}, n.nodes-n.members, func(i int) [][]byte {
		copied, err := n.nodeIDs(n.members + i)
		fault = errors.Join(fault, err)
		return append(copied, inOrder(ids[len(copied):], i, n.nodes)...)
	}, func(int) int { return 0 })
	if fault != nil {
		return fault
	}
	writeCopies(n.state, blobs, n.blobs, func(i int) [][]byte { return inOrder(blobs[0].ids, i, n.blobs) },
		func(i int) int { return int(uint64(i) * 0x9e3779b97f4a7c15 >> 32 % classes) })
	return nil
}

// nodeIDs returns the strings that differ between the records of two nodes.
func (n *network) nodeIDs(i int) ([][]byte, error) {
	id, err := n.nodeID(i)
	if err != nil {
		return nil, err
	}
	k, account, network, consensus := n.publicKeys[i], address(accounts+i), networkKey(i), consensusKey(i)
	return [][]byte{
		id[:], account[:], network[:], consensus[:], k[:], hash(k[:]), hash(network[:]), hash(consensus[:]), hash(id[:]),
	}, nil
}

func (n *network) nodeID(i int) (committee.NodeID, error) {
	k, ok := n.publicKeys[i]
	if !ok {
		key, err := secret(i + 1)
		if err != nil {
			return committee.NodeID{}, err
		}
		k = key.PublicKey()
		n.publicKeys[i] = k
	}
	return ledger.NodeIDOf(k), nil
}

func hash(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

func (n *network) genesis() ([]byte, error) {
	g := ledger.Genesis{Params: ledger.DefaultParams(chainID, shards), Time: startTime}
	g.Params.EpochDuration, g.Params.Capacity, g.Params.CommitteeSize = duration, 1<<62, uint32(n.members)
	g.Params.HandoverBlocks = handoverBlocks
	for i := range accounts {
		g.Accounts = append(g.Accounts, ledger.Funding{Address: address(i), Balance: balance})
	}
	for i := range n.members {
		key, err := secret(i + 1)
		if err != nil {
			return nil, err
		}
		f := ledger.Founder{Stake: mostStake, Candidate: ledger.Candidate{
			Profile: ledger.Profile{Name: fmt.Sprintf("node-%d", i)}, Account: address(accounts + i), BLSKey: key.PublicKey(),
			NetworkKey: networkKey(i), ConsensusKey: consensusKey(i), Addrs: []string{"/ip4/127.0.0.1/udp/4001/quic-v1"},
		}}
		f.Possession = key.Sign(committee.PossessionMessage(0, f.Account, f.BLSKey))
		g.Nodes = append(g.Nodes, f)
	}
	return g.AppendBinary(nil)
}

// originals makes one blob of each class by transactions.
func (n *network) originals() ([]original, error) {
	var out []original
	for class := range classes {
		ids, err := n.register(class, class, uint32(class+1), class%2 == 1)
		if err != nil {
			return nil, err
		}
		certify, err := n.certify(ids)
		if err != nil {
			return nil, err
		}
		n.apply([][]byte{n.tx(class, certify)})
		if err := n.accepted(); err != nil {
			return nil, err
		}
		b, err := ledger.ReadBlob(n.state, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, originalOf(n.state, b.ID[:], b.BlobID[:]))
	}
	for _, o := range out {
		if len(o.pairs) != len(out[0].pairs) {
			return nil, fmt.Errorf("a blob has %d records, another %d", len(o.pairs), len(out[0].pairs))
		}
	}
	return out, nil
}

// register announces the n-th new blob in a block of its own.
func (n *network) register(account, blob int, epochs uint32, deletable bool) (committee.ObjectID, error) {
	n.apply([][]byte{n.tx(account, registration(blob, epochs, deletable)...)})
	if err := n.accepted(); err != nil {
		return committee.ObjectID{}, err
	}
	results, err := ledger.ParseResults(n.applied.Txs[0].Data)
	if err != nil {
		return committee.ObjectID{}, err
	}
	return results[1], nil
}

// registration is the messages that announce the n-th new blob.
func registration(blob int, epochs uint32, deletable bool) []ledger.Message {
	root := shard.Hash(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("root"), uint64(blob))))
	const size = 1000
	return []ledger.Message{
		ledger.ReserveStorage{Size: encodedSize, Epochs: epochs},
		ledger.RegisterBlob{Storage: ledger.Result(0), BlobID: shard.DeriveBlobID(root, size), Root: root, Size: size, Deletable: deletable},
	}
}

const encodedSize = 100 << 20 // bytes, more than the least blob takes of 1000 shards

// certify has a quorum of the committee confirm a blob.
func (n *network) certify(id committee.ObjectID) (ledger.Message, error) {
	b, err := ledger.ReadBlob(n.state, id)
	if err != nil {
		return nil, err
	}
	com, err := ledger.ReadCommittee(n.state)
	if err != nil {
		return nil, err
	}
	c := committee.Confirmation{Epoch: com.Epoch(), Blob: b.BlobID}
	if b.Deletable {
		c.Persistence = committee.Persistence{Deletable: true, Object: b.ID}
	}
	members := com.Members()
	signers, numbers, weight := make([]byte, (len(members)+7)/8), 0, committee.Weight(0)
	for i := 0; !committee.Quorum(weight, com.Shards()); i++ {
		signers[i/8] |= 1 << (i % 8)
		weight += members[i].Weight()
		numbers += n.numberOf(members[i].NetworkKey)
	}
	key, err := secret(numbers)
	if err != nil {
		return nil, err
	}
	msg := c.Message()
	return ledger.CertifyBlob{Blob: ledger.Object(id), Certificate: committee.Certificate{Signers: signers, Message: msg, Signature: key.Sign(msg)}}, nil
}

// numberOf returns the number of a node's BLS secret.
func (n *network) numberOf(key [32]byte) int {
	if len(n.numbers) == 0 {
		for i := range n.nodes {
			n.numbers[networkKey(i)] = i + 1
		}
	}
	return n.numbers[key]
}

func (n *network) tx(account int, messages ...ledger.Message) []byte {
	tx := ledger.Tx{ChainID: chainID, Nonce: n.nonces[account], Expiry: n.height + 1000, Messages: messages}
	tx.Fee = n.params.Fee(tx)
	n.nonces[account]++
	return tx.Sign(accountKey(account))
}

// took is how long a block took.
type took struct {
	executed  time.Duration
	thread    time.Duration // of the processor that executed it, without what others did for it
	processed time.Duration // of all processors while it was executed, with what the disk's store did by itself
	written   time.Duration // its changes
}

// apply applies the next block and writes what it changed.
func (n *network) apply(txs [][]byte) (t took) {
	n.height++
	n.time += 1000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began, used, thread := time.Now(), processTime(), threadTime()
	n.applied = n.machine.ApplyBlock(n.state, ledger.Block{Height: n.height, Time: n.time, Txs: txs})
	t.executed = time.Since(began)
	t.processed, t.thread = processTime()-used, threadTime()-thread
	began = time.Now()
	n.state.commit()
	t.written = time.Since(began)
	n.state.sweep()
	return t
}

// accepted returns the first refusal of the last block.
func (n *network) accepted() error {
	for _, r := range n.applied.Txs {
		if err := r.Err(); err != nil {
			return err
		}
	}
	return nil
}
