package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// entry is one value of a golden file: its name and bytes.
type entry struct {
	name  string
	bytes []byte
}

// golden compares entries with testdata/name.txt: for each a line with its
// name, then its bytes in hexadecimal, 32 to an indented line.
func golden(t *testing.T, name string, entries []entry) {
	t.Helper()
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&text, e.name)
		for line := range slices.Chunk(e.bytes, 32) {
			fmt.Fprintf(&text, "\t%x\n", line)
		}
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readGolden(t, file)
	if len(want) != len(entries) {
		t.Fatalf("%s has %d entries, want %d; -update writes it anew", file, len(want), len(entries))
	}
	for i, e := range entries {
		if want[i].name != e.name || !bytes.Equal(want[i].bytes, e.bytes) {
			t.Errorf("%s: got %s = %x, want %s = %x", file, e.name, e.bytes, want[i].name, want[i].bytes)
		}
	}
}

func readGolden(t testing.TB, file string) []entry {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	for line := range strings.Lines(string(b)) {
		digits, indented := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\t")
		if !indented {
			entries = append(entries, entry{name: digits})
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil || len(entries) == 0 {
			t.Fatalf("%s: line %q: %v", file, line, err)
		}
		last := &entries[len(entries)-1]
		last.bytes = append(last.bytes, b...)
	}
	return entries
}

// counting is bytes that count up, so that a field in the wrong place shows.
func counting[T ~[32]byte](from byte) T {
	var v T
	for i := range v {
		v[i] = from + byte(i)
	}
	return v
}

func goldenMessages() []Message {
	object := Object(counting[committee.ObjectID](0x10))
	certificate := committee.Certificate{
		Signers: []byte{0x9f, 0x01}, Message: committee.Confirmation{Epoch: 5, Blob: shard.BlobID{0xbc, 0x0a}}.Message(),
		Signature: bls.Signature(bytes.Repeat([]byte{0x5a}, bls.SignatureSize)),
	}
	node := counting[committee.NodeID](0x90)
	register := RegisterBlob{
		Storage: object, BlobID: counting[shard.BlobID](0x30), Root: counting[shard.Hash](0x50), Size: 0x0102030405060708, Deletable: true,
	}
	deny := certificate
	deny.Message = committee.DenyListUpdate{Epoch: 5, Node: node, Sequence: 6, Size: 7, Root: [32]byte{8}}.Message()
	denied := certificate
	denied.Message = committee.DenyListedBlob{Epoch: 5, Blob: shard.BlobID{0xbc, 0x0a}}.Message()
	protocol := certificate
	protocol.Message = committee.ProtocolVersion{Epoch: 5, Start: 6, Version: 7}.Message()
	return append([]Message{
		Send{To: counting[Address](0x70), Amount: 0x1122334455667788},
		TransferObject{Object: object, To: counting[Address](0x70)},
		ReserveStorage{Size: 0x0102030405060708, Epochs: 0x0a0b0c0d},
		register,
		CertifyBlob{Blob: object, Certificate: certificate},
		ExtendBlob{Blob: Result(0x0102), Epochs: 7},
		DeleteBlob{Blob: object},
		RegisterNode{
			Candidate: testGenesis(1).Nodes[0].Candidate, NetworkProof: [64]byte(bytes.Repeat([]byte{0x6a}, 64)), ConsensusProof: [64]byte(bytes.Repeat([]byte{0x7a}, 64)),
		},
		UpdateNode{Node: node, Profile: Profile{Name: "n", Image: "i", Project: "p", Description: "d"}, Addrs: []string{"a", "b"}},
		VotePrices{Node: node, Votes: Votes{StoragePrice: 0x0102030405060708, WritePrice: 0x1112131415161718, Capacity: 0x2122232425262728}},
		RotateKey{Node: node, BLSKey: blsSecret(2).PublicKey(), Possession: certificate.Signature},
		ReportSync{Node: node, Epoch: 0x01020304, Lost: []shard.Index{1, 0x0203}},
		SetCommission{Node: node, Rate: 0x0102},
		CollectCommission{Node: node},
		ExitNode{Node: node},
		TransferNode{Node: node, To: counting[Address](0x70)},
		ProposeParams{Node: node, Changes: []ParamChange{{Param: 1, Value: 0x0102030405060708}, {Param: 0x0203, Value: 4}}},
		VoteUpgrade{Node: node, Version: 0x0102030405060708, Epoch: 0x11121314, Digest: counting[[32]byte](0xb0)},
		UpdateProtocol{Certificate: protocol},
		AnnounceDenyList{Node: node, Root: counting[[32]byte](0xb0), Sequence: 0x0102030405060708},
		UpdateDenyList{Node: node, Certificate: deny},
		DeleteDenied{Certificate: denied},
		AddRewards{Amount: 0x0102030405060708, Epochs: 0x11121314},
		FundSubsidies{Amount: 0x0102030405060708},
		AddRewardsByEpoch{Amounts: []uint64{1, 0x0102030405060708}},
	}, append(goldenBlobMessages(), goldenStakeMessages()...)...)
}

func goldenTx(messages ...Message) Tx {
	return Tx{ChainID: testChain, Nonce: 0x0101, Expiry: 0x020202, Fee: 0x03030303, Messages: messages}
}

func goldenEvents() []event {
	object, blobID := counting[committee.ObjectID](0x10), counting[shard.BlobID](0x30)
	from, to, pool := counting[Address](0x50), counting[Address](0x70), counting[committee.ObjectID](0xb0)
	node := counting[committee.NodeID](0x90)
	return append([]event{
		BlobRegistered{Epoch: 1, BlobID: blobID, Size: 0x0102030405060708, End: 9, Deletable: true, Object: object, Owner: from, Pool: pool, Deposit: 0x1122334455667788},
		BlobCertified{Epoch: 2, BlobID: blobID, End: 9, Deletable: true, Object: object, Extension: true, Owner: from, Pool: pool},
		BlobDeleted{Epoch: 3, BlobID: blobID, End: 9, Object: object, Owner: from, Certified: true, Storage: counting[committee.ObjectID](0x90), Pool: pool},
		BlobExpired{Epoch: 4, BlobID: blobID, Object: object, Owner: from, Pool: pool, Certified: true},
		StorageReserved{Object: object, Owner: from, Start: 5, End: 9, Size: 0x0102030405060708},
		StorageExpired{Epoch: 6, Object: object, Owner: from},
		ObjectTransferred{Object: object, From: from, To: to},
		FundsSent{From: from, To: to, Amount: 0x1122334455667788},
		RewardPaid{Epoch: 7, Node: node, Amount: 0x1122334455667788, Commission: 0x0102030405060708},
		EpochChanged{Epoch: 8, Start: 0x0102030405060708, Burned: 0x1112131415161718, Carried: 0x2122232425262728},
		NodeRegistered{Epoch: 9, Node: node, Account: from, Deposit: 0x0102030405060708},
		NodeUpdated{Node: node},
		NodeTransferred{Node: node, From: from, To: to},
		DoubleSigned{Epoch: 21, Node: node, Height: 0x0102030405060708},
		NodeExiting{Epoch: 18, Node: node},
		NodeRemoved{Epoch: 19, Node: node, Account: to, Deposit: 0x0102030405060708},
		CommissionSet{Epoch: 20, Node: node, Rate: 0x0102},
		CommissionCollected{Node: node, To: to, Amount: 0x0102030405060708},
		NodeKeyRotated{Epoch: 10, Node: node, BLSKey: blsSecret(2).PublicKey()},
		NodePenalized{Epoch: 11, Node: node, Fault: FaultReceiver, Rate: 0x0102, Amount: 0x0102030405060708},
		PricesVoted{Node: node, Votes: Votes{StoragePrice: 1, WritePrice: 2, Capacity: 3}},
		PricesChanged{Epoch: 12, StoragePrice: 0x0102030405060708, WritePrice: 0x1112131415161718},
		CapacityChanged{Epoch: 13, Capacity: 0x0102030405060708},
		CommitteeSelected{Epoch: 14, Members: 0x01020304, Moved: 0x0506, Capacity: 0x0102030405060708},
		HandoverEnded{Epoch: 15, Time: 0x0102030405060708, Synced: 0x0102},
		ShardsReceived{Epoch: 16, Node: node, Shards: []shard.Index{1, 0x0203}, Lost: []shard.Index{1}},
		ShardsUnreported{Epoch: 17, Node: node, Shards: []shard.Index{1, 0x0203}},
		ParamsVoted{Epoch: 9, Proposal: counting[ProposalID](0xb0), Node: node, Weight: 0x0102},
		ParamsDecided{Epoch: 9, Proposal: counting[ProposalID](0xb0)},
		ParamChanged{Epoch: 9, Param: 0x0102, From: 0x0102030405060708, To: 0x1112131415161718},
		UpgradeVoted{
			Epoch: 9, Proposal: counting[ProposalID](0xb0), Node: node, Weight: 0x0102,
			Version: 0x0102030405060708, Start: 10, Digest: counting[[32]byte](0xd0),
		},
		ProtocolDecided{Epoch: 9, Version: 0x0102030405060708, Start: 10, Digest: counting[[32]byte](0xd0)},
		DenyListAnnounced{Epoch: 9, Node: node, Root: counting[[32]byte](0xd0), Sequence: 0x0102030405060708},
		DenyListUpdated{
			Epoch: 9, Node: node, Root: counting[[32]byte](0xd0), Sequence: 0x0102030405060708, Size: 0x1112131415161718,
		},
		DeniedBlobDeleted{Epoch: 9, BlobID: blobID},
		RewardsAdded{From: from, Amount: 0x0102030405060708, Start: 9, End: 10},
		SubsidiesFunded{From: from, Amount: 0x0102030405060708, Balance: 0x1112131415161718},
		SubsidyPaid{Epoch: 9, Node: node, Amount: 0x0102030405060708},
		SubsidiesPaid{
			Epoch: 9, Due: 0x0102030405060708, ToMembers: 0x1112131415161718, ToRevenue: 0x2122232425262728, Left: 0x3132333435363738,
		},
		TreasuryEmptied{Epoch: 9, Amount: 0x0102030405060708},
	}, append(goldenBlobEvents(), goldenStakeEvents()...)...)
}

func TestGoldenTransactions(t *testing.T) {
	t.Parallel()
	var entries []entry
	seen := map[byte]bool{}
	for _, m := range goldenMessages() {
		entries = append(entries, entry{reflect.TypeOf(m).Name(), goldenTx(m).Sign(accountSecret(0))})
		seen[m.kind()] = true
	}
	for kind := range byte(255) {
		if _, known := messageKind(kind); known != seen[kind] {
			t.Errorf("kind %d: known %t, in a golden transaction %t", kind, known, seen[kind])
		}
	}
	entries = append(entries, entry{"all", goldenTx(goldenMessages()...).Sign(accountSecret(0))})
	golden(t, "transactions", entries)
	for _, e := range entries {
		s, err := ParseTx(e.bytes)
		if err != nil || !s.Verify() || s.Sender() != accountAddress(0) || s.SignedSize() != len(e.bytes) || s.hash != TxHash(e.bytes) {
			t.Errorf("%s: got %+v, %v", e.name, s, err)
		}
		if got, want := s.Tx, goldenTx(s.Messages...); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", e.name, got, want)
		}
		if e.name == "all" && !reflect.DeepEqual(s.Messages, goldenMessages()) {
			t.Errorf("got %+v, want %+v", s.Messages, goldenMessages())
		}
		// A prefix is no transaction, nor is one with a byte more.
		for n := range e.bytes {
			if _, err := ParseTx(e.bytes[:n]); !errors.Is(err, ErrTx) {
				t.Fatalf("%s: %d bytes of %d: got %v, want ErrTx", e.name, n, len(e.bytes), err)
			}
		}
	}
}

func TestGoldenEvents(t *testing.T) {
	t.Parallel()
	var entries []entry
	for _, v := range goldenEvents() {
		ev := toEvent(v)
		entries = append(entries, entry{ev.Kind, ev.Body})
		if got, err := ev.Parse(); err != nil || !reflect.DeepEqual(got, any(v)) {
			t.Errorf("%s: got %+v, %v, want %+v", ev.Kind, got, err, v)
		}
		for n := range ev.Body {
			if _, err := (Event{ev.Kind, ev.Body[:n]}).Parse(); !errors.Is(err, ErrEvent) {
				t.Fatalf("%s: %d bytes: got %v, want ErrEvent", ev.Kind, n, err)
			}
		}
		if _, err := (Event{ev.Kind, append(ev.Body, 0)}).Parse(); !errors.Is(err, ErrEvent) {
			t.Errorf("%s: a byte more: got %v, want ErrEvent", ev.Kind, err)
		}
	}
	golden(t, "events", entries)
	if _, err := (Event{Kind: "unheard_of"}).Parse(); !errors.Is(err, ErrEvent) {
		t.Errorf("an unknown kind: got %v, want ErrEvent", err)
	}
}

func TestGoldenGenesis(t *testing.T) {
	t.Parallel()
	g := testGenesis(2)
	b, err := g.AppendBinary([]byte("prefix"))
	if err != nil {
		t.Fatal(err)
	}
	b = b[len("prefix"):]
	golden(t, "genesis", []entry{{"genesis", b}})
	got, err := ParseGenesis(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.AppendBinary(nil)
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("parsed and written again: got %x, %v, want %x", again, err, b)
	}
}

// The state is hashed, so its bytes are as fixed as those of a transaction.
func TestGoldenState(t *testing.T) {
	t.Parallel()
	storage := Storage{ID: counting[committee.ObjectID](1), Owner: counting[Address](0x21), Start: 2, End: 3, Size: 0x0102030405060708}
	blob := Blob{
		ID: counting[committee.ObjectID](0x41), Owner: counting[Address](0x61), BlobID: counting[shard.BlobID](0x81), Size: 0x1112131415161718,
		Encoding: encodingRedStuff, Deletable: true, Registered: 4, Certified: 5, Point: Point{Height: 6, Tx: counting[[32]byte](0xa1), Event: 7}, Storage: storage,
	}
	hash := counting[[32]byte](0)
	golden(t, "state", append([]entry{
		{"params", encode(testGenesis(0).Params)},
		{"system", encode(System{Epoch: 1, EpochStart: 2, Supply: 3})},
		{"ring entry", encode(ringEntry{Used: 1, Rewards: 3, Subsidized: 2})},
		{"account", encode(Account{Balance: 1, Nonce: 2})},
		{"storage", encode(storage)},
		{"blob", encode(blob)},
		{"key of an account", accountKey(counting[Address](0x21))},
		{"key of storage", objectKey(keyStorage, storage.ID)},
		{"key of a blob", objectKey(keyBlob, blob.ID)},
		{"key of the ring", ringKey(0x01020304)},
		{"key of the index, deletable", blob.indexKey()},
		{"key of the expiry", expiryKey(0x01020304, blob.ID)},
		{"proposal of changes", encode(Proposal{Changes: []ParamChange{{1, 2}, {3, 4}}, Weight: 5, Decided: true})},
		{"proposal of an upgrade", encode(Proposal{Upgrade: Upgrade{Protocol{1, 2}, counting[[32]byte](0xd0)}, Weight: 3})},
		{"decided changes", encode(decided{[]ParamChange{{1, 2}, {3, 4}}})},
		{"deny list", encode(DenyList{Root: counting[[32]byte](0xd0), Sequence: 1, Size: 2})},
		{"denied blob", encode(Denied{Epoch: 1, Certificate: counting[[32]byte](0xd0)})},
		{"subsidy fund", encode(fund{1})},
		{"key of a proposal", proposalKey(counting[ProposalID](1))},
		{"key of a vote", ballotKey(counting[committee.NodeID](1), true)},
		{"key of what is decided", decidedKey()},
		{"key of a deny list", denyListKey(counting[committee.NodeID](1))},
		{"key of a denied blob", deniedKey(counting[shard.BlobID](1))},
		{"key of the subsidy fund", []byte{keySubsidies}},
		{"ID of a proposal", hashOf(Proposal{Changes: []ParamChange{{1, 2}}}.ID())},
		{"address of the treasury", hashOf(Treasury())},
		{"address of an account", hashOf(accountAddress(0))},
		{"ID of an object", hashOf(ObjectIDOf(hash, 1))},
		{"ID of a node", hashOf(NodeIDOf(blsSecret(1).PublicKey()))},
		{"state after genesis", hashOf(firstState().hash())},
	}, goldenBlobState()...))
	for name, v := range map[string]struct {
		got, want any
	}{
		"storage": {decodeWhole(t, encode(storage), decode[Storage]), storage},
		"blob":    {decodeWhole(t, encode(blob), decode[Blob]), blob},
		"params":  {decodeWhole(t, encode(testGenesis(0).Params), decode[Params]), testGenesis(0).Params},
	} {
		if v.got != v.want {
			t.Errorf("%s: got %+v, want %+v", name, v.got, v.want)
		}
	}
}

func hashOf[T ~[32]byte](v T) []byte { return v[:] }

func decodeWhole[T any](t *testing.T, b []byte, decode func(*bcs.Decoder) T) T {
	t.Helper()
	d := bcs.NewDecoder(b)
	v := decode(d)
	if err := d.Finish(); err != nil {
		t.Error(err)
	}
	return v
}

func FuzzParseTx(f *testing.F) {
	f.Add([]byte{})
	for _, m := range goldenMessages() {
		f.Add(goldenTx(m).Sign(accountSecret(0)))
	}
	f.Add(goldenTx(goldenMessages()...).Sign(accountSecret(0)))
	for _, e := range readGolden(f, "testdata/transactions.txt") {
		f.Add(e.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseTx(b)
		if err != nil {
			if !errors.Is(err, ErrTx) {
				t.Errorf("got %v, want ErrTx", err)
			}
			return
		}
		if len(b) > MaxTxSize || len(s.Messages) == 0 || len(s.Messages) > MaxMessages {
			t.Errorf("%d bytes with %d messages", len(b), len(s.Messages))
		}
		if got := slices.Concat(s.Tx.body(), s.Key[:], s.Signature[:]); !bytes.Equal(got, b) {
			t.Errorf("%x is written again as %x", b, got)
		}
		// Whatever it says, the state machine has an answer.
		if r := new(Machine).NewChecker(firstState(), 0).Check(b); Code(r.Code) > lastCode {
			t.Errorf("got code %d", r.Code)
		}
	})
}

func FuzzParseGenesis(f *testing.F) {
	f.Add([]byte{})
	for _, e := range readGolden(f, "testdata/genesis.txt") {
		f.Add(e.bytes)
		f.Add(e.bytes[:len(e.bytes)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseGenesis(b)
		if err != nil && !errors.Is(err, ErrGenesis) {
			t.Errorf("got %v, want ErrGenesis", err)
		}
		if errors.Is(err, bcs.ErrMalformed) || len(b) == 0 || b[0] != genesisForm {
			return
		}
		got, fault := g.AppendBinary(nil)
		if fault != nil || !bytes.Equal(got, b) {
			t.Errorf("%x is written again as %x, %v", b, got, fault)
		}
		if err == nil {
			if _, err := InitChain(newMemory(), b); err != nil {
				t.Errorf("a valid genesis begins no network: %v", err)
			}
		}
	})
}

func FuzzEventParse(f *testing.F) {
	f.Add("", []byte{})
	for _, v := range goldenEvents() {
		f.Add(v.kind(), toEvent(v).Body)
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		v, err := Event{kind, body}.Parse()
		if err != nil {
			if !errors.Is(err, ErrEvent) {
				t.Errorf("got %v, want ErrEvent", err)
			}
			return
		}
		if got := toEvent(v.(event)); got.Kind != kind || !bytes.Equal(got.Body, body) {
			t.Errorf("%s %x is written again as %s %x", kind, body, got.Kind, got.Body)
		}
	})
}

func FuzzParseResults(f *testing.F) {
	f.Add([]byte{0})
	b, _ := Results{{1}, {}, {3}}.AppendBinary(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseResults(b)
		if err != nil {
			return
		}
		if got, _ := r.AppendBinary(nil); !bytes.Equal(got, b) || len(r) > MaxMessages {
			t.Errorf("%x is written again as %x", b, got)
		}
	})
}
