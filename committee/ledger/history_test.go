package ledger

import (
	"flag"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random histories; 0 takes one at random")

// historian invents transactions, good ones and bad ones, from what it has seen
// the network answer.
type historian struct {
	*world
	rng     *rand.Rand
	objects []committee.ObjectID // all that were ever made
	nonces  [testAccounts]uint64
	codes   map[Code]int
	made    map[string]int // messages by kind
}

func (h *historian) pick(n int) byte { return byte(h.rng.IntN(n)) }

// object is one that exists or existed, more likely a late one, and its owner
// as far as it is one of the accounts.
func (h *historian) object() (committee.ObjectID, byte) {
	if len(h.objects) == 0 || h.pick(40) == 0 {
		return committee.ObjectID{h.pick(256)}, h.pick(testAccounts)
	}
	back := min(h.rng.IntN(60), h.rng.IntN(len(h.objects)))
	id := h.objects[len(h.objects)-1-back]
	owner := Address{}
	if s, err := ReadStorage(h.state, id); err == nil {
		owner = s.Owner
	}
	if b, err := ReadBlob(h.state, id); err == nil {
		owner = b.Owner
	}
	if p, err := ReadPool(h.state, id); err == nil {
		owner = p.Owner
	}
	for i := range byte(testAccounts) {
		if accountAddress(i) == owner && h.pick(10) > 0 {
			return id, i
		}
	}
	return id, h.pick(testAccounts)
}

// messages invents what one transaction does and who sends it.
func (h *historian) messages() (byte, []Message) {
	if h.pick(6) == 0 {
		return h.governance()
	}
	if h.pick(5) == 0 {
		return h.staking()
	}
	if h.pick(5) == 0 {
		return h.operating()
	}
	switch h.pick(8) {
	case 0:
		return h.storing()
	case 1, 2:
		return h.keeping()
	case 3:
		return h.pooling()
	}
	id, from := h.object()
	switch h.pick(12) {
	case 0:
		amounts := []uint64{0, 1, uint64(h.rng.IntN(5000)), rich / 3, math.MaxUint64}
		return from, []Message{Send{To: accountAddress(h.pick(testAccounts + 1)), Amount: amounts[h.pick(5)]}}
	case 1:
		return from, []Message{TransferObject{Object: Object(id), To: accountAddress(h.pick(testAccounts))}}
	case 2:
		sizes := []uint64{0, 1, smallest - 1, smallest, 3 << 20, 60 << 20, math.MaxUint64}
		return from, []Message{ReserveStorage{Size: sizes[h.pick(7)], Epochs: uint32(h.pick(7))}}
	case 3, 4, 5:
		return from, register(h.pick(30), 1+uint32(h.pick(5)), h.pick(2) == 0)
	case 6:
		m := registerIn(Object(id), nil)
		m.BlobID, m.Root, m.Size = blobOf(h.pick(30))
		return from, []Message{m}
	case 7, 8, 9:
		id, from = h.of(KindBlob)
		b, err := ReadBlob(h.state, id)
		if err != nil || h.pick(8) == 0 {
			return from, []Message{CertifyBlob{Blob: Object(id), Certificate: committee.Certificate{
				Signers: []byte{h.pick(32)}, Message: committee.Confirmation{Epoch: h.system().Epoch, Blob: b.BlobID}.Message(),
			}}}
		}
		return from, []Message{h.certify(id)}
	case 10:
		return from, []Message{ExtendBlob{Object(id), uint32(h.pick(4))}}
	}
	return from, []Message{DeleteBlob{Object(id)}}
}

func (h *historian) transaction() []byte {
	from, messages := h.messages()
	if h.pick(5) == 0 {
		_, more := h.messages()
		messages = append(messages, more...)
	}
	tx := h.tx(from, messages...)
	tx.Nonce = h.nonces[from]
	switch h.pick(25) {
	case 0:
		tx.Nonce += uint64(h.pick(3)) - 1
	case 1:
		tx.Fee--
	case 2:
		tx.Expiry = h.height - 1
	case 3:
		tx.ChainID = "another"
	case 4:
		tx.Fee += uint64(h.pick(200))
	}
	b := tx.Sign(accountSecret(from))
	switch h.pick(40) {
	case 0:
		b[h.rng.IntN(len(b))] ^= 1 << h.pick(8)
	case 1:
		b = b[:h.rng.IntN(len(b))]
	}
	if s, err := ParseTx(b); err == nil && s.Verify() && s.ChainID == testChain && s.Nonce == h.nonces[from] &&
		s.Expiry > h.height && s.Fee >= h.params().Fee(s.Tx) {
		h.nonces[from]++ // it will be used unless the account cannot pay
	}
	for _, m := range messages {
		h.made[reflect.TypeOf(m).Name()]++
	}
	return b
}

// Random transactions over many epochs keep every promise after every block,
// and the same history on another kind of store gives the same bytes.
func TestHistories(t *testing.T) {
	t.Parallel()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	blocks := 300
	if testing.Short() {
		blocks = 100
	}
	h := &historian{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 0)), codes: map[Code]int{}, made: map[string]int{}}
	h.with(func(p *Params) { p.StoragePrice, p.WritePrice, p.DepositRate, p.MinStake = 50_000, 20_000, 5000, 1000 })
	h.handNodes()
	h.handStakes()
	// The other store is written through an overlay that is flushed after each
	// block; now and then it is read into a new one, as after a restart.
	other := h.state.clone()
	for range blocks {
		for i := range h.nonces {
			h.nonces[i] = h.account(byte(i)).Nonce
		}
		var txs [][]byte
		for range h.rng.IntN(20) {
			txs = append(txs, h.transaction())
		}
		if h.pick(12) == 0 {
			h.time += testDuration
		}
		evidence := h.misbehavior()
		h.evidence = evidence
		before, writes, supply := h.state.hash(), h.state.writes, h.system().Supply
		out := h.block(txs...)
		for _, r := range out.Txs {
			h.codes[Code(r.Code)]++
			ids, err := ParseResults(r.Data)
			if err != nil && len(r.Data) > 0 {
				t.Fatal(err)
			}
			h.objects = append(h.objects, slices.DeleteFunc(ids, committee.ObjectID.IsZero)...)
			for _, e := range r.Events {
				if _, err := e.Parse(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(txs) == 0 && len(out.Events) == 0 && h.state.writes != writes {
			t.Fatalf("height %d: an empty block wrote %d values", h.height, h.state.writes-writes)
		}
		if allFree := !slices.ContainsFunc(out.Txs, func(r TxResult) bool { return r.Fee > 0 }); allFree && len(out.Events) == 0 && h.state.hash() != before {
			t.Fatalf("height %d: a block in which nobody paid and nothing happened changed the state", h.height)
		}
		if now := h.system().Supply; now > supply {
			t.Fatalf("height %d: supply rose from %d to %d", h.height, supply, now)
		}

		overlay := NewOverlay(other)
		again := new(Machine).ApplyBlock(overlay, Block{Height: h.height, Time: h.time, Txs: txs, Evidence: evidence})
		overlay.Flush(other)
		if !reflect.DeepEqual(again, out) {
			t.Fatalf("height %d: results on another store: got %+v, want %+v", h.height, again, out)
		}
		if other.hash() != h.state.hash() {
			t.Fatalf("height %d: the state on another store differs at %x", h.height, changed(h.state, other))
		}
		if h.pick(10) == 0 {
			reread := newMemory()
			other.Ascend(nil, nil, func(key, value []byte) bool {
				reread.Set(key, value)
				return true
			})
			other = reread
		}
	}
	h.outlive()
	t.Logf("epoch %d, messages %v, codes %v", h.system().Epoch, h.made, h.codes)
	h.drain()
	if blocks < 300 {
		return
	}
	if got := h.system().Epoch; got < 10 {
		t.Errorf("the history went to epoch %d only", got)
	}
	if total := len(h.objects); total < 200 || h.codes[CodeOK] < 500 || len(h.codes) < 12 {
		t.Errorf("the history is poor: %d objects, codes %v", total, h.codes)
	}
}
