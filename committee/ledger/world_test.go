package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// memory is a Store as simple as can be: a map that is sorted when it is read.
type memory struct {
	values map[string][]byte
	writes int // calls of Set and Delete
}

func newMemory() *memory { return &memory{values: map[string][]byte{}} }

func (m *memory) Get(key []byte) []byte { return m.values[string(key)] }

func (m *memory) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	var keys []string
	for k := range m.values {
		if k >= string(start) && (end == nil || k < string(end)) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !visit([]byte(k), m.values[k]) {
			return
		}
	}
}

func (m *memory) Set(key, value []byte) {
	m.writes++
	m.values[string(key)] = append([]byte{}, value...)
}

func (m *memory) Delete(key []byte) {
	m.writes++
	delete(m.values, string(key))
}

func (m *memory) keys() []string {
	keys := make([]string, 0, len(m.values))
	for k := range m.values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (m *memory) clone() *memory {
	c := newMemory()
	for k, v := range m.values {
		c.values[k] = v
	}
	return c
}

// hash names the whole state.
func (m *memory) hash() [32]byte {
	h := sha256.New()
	for _, k := range m.keys() {
		fmt.Fprintf(h, "%d %s %d %s", len(k), k, len(m.values[k]), m.values[k])
	}
	return [32]byte(h.Sum(nil))
}

// changed lists the keys whose values differ between two states.
func changed(a, b *memory) []string {
	var out []string
	for _, k := range a.keys() {
		if v, ok := b.values[k]; !ok || !bytes.Equal(v, a.values[k]) {
			out = append(out, k)
		}
	}
	for _, k := range b.keys() {
		if _, ok := a.values[k]; !ok {
			out = append(out, k)
		}
	}
	return out
}

const (
	testChain    = "floe-test"
	testDuration = 1_000_000 // ms
	testStart    = 1_700_000_000_000
	rich         = 1_000_000 * FrostPerWAL
	poor         = 2000 // FROST of the last account
	testAccounts = 5
)

func accountSecret(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n + 1}, ed25519.SeedSize))
}

func accountAddress(n byte) Address {
	return AddressOf(accountSecret(n).Public().(ed25519.PublicKey))
}

func blsSecret(n byte) *bls.SecretKey {
	k, err := bls.ParseSecretKey(append(make([]byte, bls.SecretKeySize-1), n))
	if err != nil {
		panic(err)
	}
	return k
}

// secretsByKey finds the number of a BLS secret by its public key.
var secretsByKey = sync.OnceValue(func() map[bls.PublicKey]byte {
	out := map[bls.PublicKey]byte{}
	for n := byte(1); n < 128; n++ {
		out[blsSecret(n).PublicKey()] = n
	}
	return out
})

// testGenesis is a network of ten shards and the given count of nodes, whose
// BLS secrets are 1, 2, …, with the accounts 0 to 4 and one account for each
// node.
func testGenesis(nodes int) Genesis {
	g := Genesis{
		Params: Params{
			ChainID: testChain, Shards: 10, EpochDuration: testDuration, MaxEpochsAhead: 5, Capacity: 100 << 20,
			StoragePrice: 5, WritePrice: 1, FeePerByte: 1, FeePerWork: 1, HandoverBlocks: 10, CommitteeSize: 100, BurnRate: 300,
		},
		Time: testStart,
	}
	for i := range byte(testAccounts) {
		f := Funding{Address: accountAddress(i), Balance: rich}
		if i == testAccounts-1 {
			f.Balance = poor
		}
		g.Accounts = append(g.Accounts, f)
	}
	for i := range byte(nodes) {
		n := Founder{Stake: 1000 * FrostPerWAL, Candidate: Candidate{
			Profile: Profile{Name: fmt.Sprintf("node-%d", i)}, Account: accountAddress(100 + i), BLSKey: blsSecret(i + 1).PublicKey(),
			NetworkKey: [32]byte{1, i}, ConsensusKey: [32]byte{2, i}, Addrs: []string{"/ip4/127.0.0.1/udp/4001/quic-v1"},
		}}
		n.Possession = blsSecret(i + 1).Sign(committee.PossessionMessage(0, n.Account, n.BLSKey))
		g.Nodes = append(g.Nodes, n)
	}
	return g
}

// firstState is the state that a network of four nodes begins with.
var firstState = sync.OnceValue(func() *memory {
	b, err := testGenesis(4).AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	m := newMemory()
	if _, err := InitChain(m, b); err != nil {
		panic(err)
	}
	return m
})

// world is a network at work, without consensus.
type world struct {
	t       testing.TB
	machine Machine
	state   *memory
	height  uint64
	time    uint64

	evidence []Misbehavior // of the next block
}

func newWorld(t testing.TB) *world {
	return &world{t: t, state: firstState().clone(), time: testStart}
}

// with changes the network's constants.
func (w *world) with(change func(*Params)) *world {
	p := w.params()
	change(&p)
	w.state.Set([]byte{keyParams}, encode(p))
	return w
}

func value[T any](w *world, v T, err error) T {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) params() Params {
	w.t.Helper()
	p, err := ReadParams(w.state)
	return value(w, p, err)
}

func (w *world) system() System {
	w.t.Helper()
	s, err := ReadSystem(w.state)
	return value(w, s, err)
}

func (w *world) account(n byte) Account {
	w.t.Helper()
	a, err := ReadAccount(w.state, accountAddress(n))
	return value(w, a, err)
}

func (w *world) blob(id committee.ObjectID) Blob {
	w.t.Helper()
	b, err := ReadBlob(w.state, id)
	return value(w, b, err)
}

func (w *world) status(id shard.BlobID) Status {
	w.t.Helper()
	s, err := ReadStatus(w.state, id)
	return value(w, s, err)
}

func (w *world) ring(e committee.Epoch) ringEntry {
	w.t.Helper()
	r, err := readRing(w.state, e)
	return value(w, r, err)
}

// tx is a transaction of an account with the right nonce and the least fee.
func (w *world) tx(from byte, messages ...Message) Tx {
	w.t.Helper()
	tx := Tx{ChainID: testChain, Nonce: w.account(from).Nonce, Expiry: w.height + 100, Messages: messages}
	tx.Fee = w.params().Fee(tx)
	return tx
}

func (w *world) signed(from byte, messages ...Message) []byte {
	w.t.Helper()
	return w.tx(from, messages...).Sign(accountSecret(from))
}

// block applies the next block of the running epoch and checks the state.
func (w *world) block(txs ...[]byte) BlockResult {
	w.t.Helper()
	w.height++
	w.time += 10
	before := powers(w.t, w.state)
	out := w.machine.ApplyBlock(w.state, Block{Height: w.height, Time: w.time, Txs: txs, Evidence: w.evidence})
	w.evidence = nil
	if len(out.Txs) != len(txs) {
		w.t.Fatalf("%d transactions, %d results", len(txs), len(out.Txs))
	}
	checkValidators(w.t, before, powers(w.t, w.state), out.Validators)
	checkState(w.t, w.state)
	sys, late := w.system(), w.params().EpochDuration
	if sys.Deadline != 0 && sys.Deadline <= w.height || sys.Phase != PhaseHandover && w.time >= sys.Settled+late {
		w.t.Fatalf("height %d at %d: the epoch stands still: %+v", w.height, w.time, sys)
	}
	return out
}

// turn applies the first block of the next epoch.
func (w *world) turn(txs ...[]byte) BlockResult {
	w.t.Helper()
	w.time += testDuration
	return w.block(txs...)
}

// must carries out one transaction in a block of its own.
func (w *world) must(from byte, messages ...Message) Results {
	w.t.Helper()
	r := w.block(w.signed(from, messages...)).Txs[0]
	if err := r.Err(); err != nil {
		w.t.Fatal(err)
	}
	ids, err := ParseResults(r.Data)
	return value(w, ids, err)
}

// blobOf returns the n-th of the tests' blobs: root, size and the ID that
// follows from them.
func blobOf(n byte) (shard.BlobID, shard.Hash, uint64) {
	root, size := shard.Hash{n, 0xcc}, uint64(n%55+1)
	return shard.DeriveBlobID(root, size), root, size
}

const smallest = 6940 // encoded bytes of the least blob on ten shards, and of all of blobOf. [WL] §3.1

// register is the messages that reserve storage for the n-th blob and
// announce it.
func register(n byte, epochs uint32, deletable bool) []Message {
	id, root, size := blobOf(n)
	params, err := shard.NewParams(10)
	if err != nil {
		panic(err)
	}
	encoded, err := params.EncodedSize(size)
	if err != nil {
		panic(err)
	}
	return []Message{
		ReserveStorage{Size: encoded, Epochs: epochs},
		RegisterBlob{Storage: Result(0), BlobID: id, Root: root, Size: size, Deletable: deletable},
	}
}

// certificate has as many members sign as a quorum needs, the last ones first.
func (w *world) certificate(c committee.Confirmation) committee.Certificate {
	w.t.Helper()
	return w.certificateOf(c.Message(), committee.Weight((2*int(w.params().Shards)+3)/3))
}

// certificateOf has members sign until they have the given weight.
func (w *world) certificateOf(msg []byte, weight committee.Weight) committee.Certificate {
	w.t.Helper()
	com, err := ReadCommittee(w.state)
	if err != nil {
		w.t.Fatal(err)
	}
	members := com.Members()
	bitmap := make([]byte, (len(members)+7)/8)
	sum := uint16(0)
	for i := len(members) - 1; i >= 0 && weight > 0; i-- {
		bitmap[i/8] |= 1 << (i % 8)
		weight -= members[i].Weight()
		n, known := secretsByKey()[members[i].BLSKey]
		if !known {
			w.t.Fatalf("member %+v has a key that no test has given", members[i])
		}
		sum += uint16(n)
	}
	// The signature by the sum of the secrets is the sum of the signatures.
	secret, err := bls.ParseSecretKey(binary.BigEndian.AppendUint16(make([]byte, bls.SecretKeySize-2), sum))
	if err != nil {
		w.t.Fatal(err)
	}
	return committee.Certificate{Signers: bitmap, Message: msg, Signature: secret.Sign(msg)}
}

// certify is the message that certifies a registered blob object.
func (w *world) certify(id committee.ObjectID) CertifyBlob {
	w.t.Helper()
	b := w.blob(id)
	c := committee.Confirmation{Epoch: w.system().Epoch, Blob: b.BlobID}
	if b.Deletable {
		c.Persistence = committee.Persistence{Deletable: true, Object: b.ID}
	}
	return CertifyBlob{Blob: Object(id), Certificate: w.certificate(c)}
}

// addBlob registers the n-th blob and certifies it if wanted.
func (w *world) addBlob(from, n byte, epochs uint32, deletable, certified bool) committee.ObjectID {
	w.t.Helper()
	id := w.must(from, register(n, epochs, deletable)...)[1]
	if certified {
		w.must(from, w.certify(id))
	}
	return id
}

// kinds joins the kinds of events.
func kinds(events []Event) string {
	var names []string
	for _, e := range events {
		names = append(names, e.Kind)
	}
	return strings.Join(names, " ")
}

// supplyOf adds up all FROST that somebody has.
func supplyOf(t testing.TB, r Reader) uint64 {
	t.Helper()
	var sum uint64
	r.Ascend(nil, nil, func(key, value []byte) bool {
		sum += moneyIn(key, value)
		return true
	})
	return sum
}

// checkState checks what must hold of every state: FROST are conserved, no
// epoch is sold beyond the capacity or kept beyond its end, and the indexes are
// those of the objects and no more.
func checkState(t testing.TB, s *memory) {
	t.Helper()
	sys, err := ReadSystem(s)
	if err != nil {
		t.Fatal(err)
	}
	params, err := ReadParams(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := supplyOf(t, s); got != sys.Supply {
		t.Fatalf("supply: got %d FROST in all places, want %d", got, sys.Supply)
	}
	checkNodes(t, s, sys)
	checkStakes(t, s, sys)
	for k := range s.values {
		key := []byte(k)
		switch key[0] {
		case keyRing:
			e, err := read[ringEntry](s, key, "ring entry")
			if err != nil || e.Used > params.Capacity || e.Subsidized > e.Rewards {
				t.Fatalf("ring %x: got %+v, %v, want at most %d bytes", key, e, err, params.Capacity)
			}
			if string(ringKey(sys.Epoch)) > k || k > string(ringKey(sys.Epoch+maxEpochsAhead)) {
				t.Fatalf("ring %x in epoch %d", key, sys.Epoch)
			}
		case keyVote, keyDenied:
			checkVotes(t, s, key)
		}
	}
	checkObjects(t, s, sys)
}
