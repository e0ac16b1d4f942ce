package committee_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

func secret(t testing.TB, n int) *bls.SecretKey {
	t.Helper()
	k, err := bls.ParseSecretKey(binary.BigEndian.AppendUint64(make([]byte, bls.SecretKeySize-8), uint64(n)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func filled(b byte) [32]byte { return [32]byte(bytes.Repeat([]byte{b}, 32)) }

// The bytes of [WE] §8.1 and [WL] §3.9.
func TestMessages(t *testing.T) {
	t.Parallel()
	var counting shard.BlobID
	for i := range counting {
		counting[i] = byte(i)
	}
	permanent := committee.Confirmation{Epoch: 21, Blob: filled(7)}
	deletable := permanent
	deletable.Persistence = committee.Persistence{Deletable: true, Object: filled(0x2a)}
	pk := secret(t, 117).PublicKey()
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"permanent", permanent.Message(), "01000315000000" + strings.Repeat("07", 32) + "00"},
		{"deletable", deletable.Message(), "01000315000000" + strings.Repeat("07", 32) + "01" + strings.Repeat("2a", 32)},
		{ // [WL] §5.6
			"epoch 42", committee.Confirmation{Epoch: 42, Blob: shard.BlobID{0xbc, 0x0a}}.Message(),
			"0100032a000000bc0a" + strings.Repeat("00", 30) + "00",
		},
		{
			"object 42", committee.Confirmation{
				Epoch: 42, Blob: shard.BlobID{0xbc, 0x0a}, Persistence: committee.Persistence{Deletable: true, Object: committee.ObjectID{31: 42}},
			}.Message(),
			"0100032a000000bc0a" + strings.Repeat("00", 30) + "01" + strings.Repeat("00", 31) + "2a",
		},
		{
			"golden", committee.Confirmation{Epoch: 5, Blob: shard.BlobID{0xbc, 0x0a}}.Message(),
			"01000305000000bc0a" + strings.Repeat("00", 30) + "00",
		},
		{
			"invalid blob", committee.InvalidBlobMessage(21, counting),
			"02000315000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		},
		{
			"possession", committee.PossessionMessage(0, [32]byte{31: 1}, pk),
			"00000300000000" + strings.Repeat("00", 31) + "01" + pk.String(),
		},
		{"possession, epoch 21", committee.PossessionMessage(21, [32]byte{}, pk)[:7], "00000315000000"},
	} {
		if got := hex.EncodeToString(tt.got); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	for _, want := range []committee.Confirmation{permanent, deletable} {
		got, err := committee.ParseConfirmation(want.Message())
		if err != nil || got != want {
			t.Errorf("parse: got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestPossessionSignature(t *testing.T) {
	t.Parallel()
	k := secret(t, 117)
	sig := k.Sign(committee.PossessionMessage(0, [32]byte{31: 1}, k.PublicKey()))
	const want = "8fdb949716ed13cda51474491210d6ab28732f10933dcb4d4c7c04c7537af0d5e51cf0d83917d3fcf65374cf73f12fc909c527d0d09f37e4b37fd88c82716317ec16644307645dc1fcb30e2a52ea8ea46a266ec8dec411ffea574fb34b619dd5"
	if got := hex.EncodeToString(sig[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseConfirmationRefuses(t *testing.T) {
	t.Parallel()
	permanent := committee.Confirmation{Epoch: 21, Blob: filled(7)}.Message()
	deletable := committee.Confirmation{
		Epoch: 21, Blob: filled(7), Persistence: committee.Persistence{Deletable: true, Object: filled(8)},
	}.Message()
	with := func(b []byte, at int, v byte) []byte {
		c := bytes.Clone(b)
		c[at] = v
		return c
	}
	for _, tt := range []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"a header", permanent[:7]},
		{"a byte short", permanent[:len(permanent)-1]},
		{"a byte more", append(bytes.Clone(permanent), 0)},
		{"deletable, a byte short", deletable[:len(deletable)-1]},
		{"deletable, a byte more", append(bytes.Clone(deletable), 0)},
		{"permanent with an object", with(deletable, 39, 0)},
		{"deletable without an object", with(permanent, 39, 1)},
		{"persistence of 2", with(permanent, 39, 2)},
		{"deletable, persistence of 2", with(deletable, 39, 2)},
		{"of possession", with(permanent, 0, 0)},
		{"of an invalid blob", with(permanent, 0, 2)},
		{"version 1", with(permanent, 1, 1)},
		{"application 0", with(permanent, 2, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if c, err := committee.ParseConfirmation(tt.b); !errors.Is(err, committee.ErrMessage) {
				t.Errorf("got %+v, %v, want ErrMessage", c, err)
			}
		})
	}
}

func FuzzParseConfirmation(f *testing.F) {
	f.Add(committee.Confirmation{Epoch: 21}.Message())
	f.Add(committee.Confirmation{Epoch: 1 << 31, Persistence: committee.Persistence{Deletable: true, Object: committee.ObjectID{1}}}.Message())
	f.Add(committee.InvalidBlobMessage(3, shard.BlobID{1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := committee.ParseConfirmation(b)
		if err == nil && !bytes.Equal(c.Message(), b) {
			t.Errorf("%x parses as %+v, whose message is %x", b, c, c.Message())
		}
	})
}

func TestIDText(t *testing.T) {
	t.Parallel()
	id := committee.ObjectID{0: 0xab, 31: 1}
	want := "0xab" + strings.Repeat("00", 30) + "01"
	if got := id.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, err := committee.ParseObjectID(want); err != nil || got != id {
		t.Errorf("parse: got %v, %v, want %v", got, err, id)
	}
	text, err := committee.NodeID(id).MarshalText()
	if err != nil || string(text) != want {
		t.Errorf("marshal: got %s, %v, want %s", text, err, want)
	}
	var node committee.NodeID
	if err := node.UnmarshalText(text); err != nil || node != committee.NodeID(id) {
		t.Errorf("unmarshal: got %v, %v, want %v", node, err, id)
	}
	if !(committee.ObjectID{}).IsZero() || id.IsZero() {
		t.Error("IsZero is wrong")
	}
	if node.Compare(committee.NodeID{0xac}) >= 0 || node.Compare(node) != 0 {
		t.Error("IDs do not compare as big-endian numbers")
	}
	for _, bad := range []string{
		"", "0x", want[2:], want[:65], want + "0", "0X" + want[2:], "0x" + strings.ToUpper(want[2:]), "0x" + strings.Repeat("0g", 32), " " + want,
	} {
		kept := id
		if err := kept.UnmarshalText([]byte(bad)); !errors.Is(err, committee.ErrID) || kept != id {
			t.Errorf("%q: got %v, %v, want ErrID and the old value", bad, kept, err)
		}
	}
}

// members makes members with the given weights and the secret keys 1, 2, …
func members(t testing.TB, weights ...int) []committee.Member {
	t.Helper()
	ms := make([]committee.Member, len(weights))
	next := shard.Index(0)
	for i, w := range weights {
		ms[i] = committee.Member{
			ID: committee.NodeID{31: byte(i + 1)}, BLSKey: secret(t, i+1).PublicKey(), NetworkKey: [32]byte{byte(i + 1)},
		}
		for range w {
			ms[i].Shards = append(ms[i].Shards, next)
			next++
		}
	}
	return ms
}

func TestNew(t *testing.T) {
	t.Parallel()
	ms := members(t, 1, 2, 3, 4)
	slices.Reverse(ms)
	slices.Reverse(ms[0].Shards)
	c, err := committee.New(7, 10, ms)
	if err != nil {
		t.Fatal(err)
	}
	if c.Epoch() != 7 || c.Shards() != 10 || c.Params().Shards() != 10 || len(c.Members()) != 4 {
		t.Errorf("got epoch %d, %d shards, %d members", c.Epoch(), c.Shards(), len(c.Members()))
	}
	next := shard.Index(0)
	for i := range c.Members() {
		m := &c.Members()[i]
		if m.Weight() != committee.Weight(i+1) || m.ID != (committee.NodeID{31: byte(i + 1)}) {
			t.Fatalf("member %d: got %v of weight %d", i, m.ID, m.Weight())
		}
		if c.Member(m.ID) != m || c.IndexOf(m.ID) != i || c.ByNetworkKey(m.NetworkKey) != m {
			t.Errorf("member %d is not found by its ID and key", i)
		}
		for _, s := range m.Shards {
			if s != next || c.Holder(s) != m {
				t.Errorf("shard %d of member %d: want %d, held by it", s, i, next)
			}
			next++
		}
	}
	id := shard.BlobID(filled(0xd1))
	for p := range shard.PairIndex(10) {
		if got, want := c.HolderOfPair(id, p), c.Holder(c.Params().ShardOf(id, p)); got != want {
			t.Errorf("pair %d: got %v, want %v", p, got.ID, want.ID)
		}
	}
	if c.Member(committee.NodeID{}) != nil || c.IndexOf(committee.NodeID{0xff}) != -1 || c.ByNetworkKey([32]byte{}) != nil {
		t.Error("a node that is no member is found")
	}
	if d := c.AtEpoch(8); d.Epoch() != 8 || c.Epoch() != 7 || d.Holder(9) != c.Holder(9) {
		t.Errorf("at epoch 8: got epoch %d, and %d before", d.Epoch(), c.Epoch())
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		n       int
		corrupt func(ms []committee.Member) []committee.Member
		want    error
	}{
		{"nobody", 10, func([]committee.Member) []committee.Member { return nil }, committee.ErrMembers},
		{"a shard that nobody holds", 11, func(ms []committee.Member) []committee.Member { return ms }, committee.ErrMembers},
		{"a shard beyond the end", 9, func(ms []committee.Member) []committee.Member { return ms }, committee.ErrMembers},
		{"a shard that two hold", 10, func(ms []committee.Member) []committee.Member { ms[0].Shards[0] = 9; return ms }, committee.ErrMembers},
		{"a shard twice with one", 10, func(ms []committee.Member) []committee.Member { ms[3].Shards[0] = 9; return ms }, committee.ErrMembers},
		{"a member without a shard", 10, func(ms []committee.Member) []committee.Member {
			return append(ms, committee.Member{ID: committee.NodeID{9}})
		}, committee.ErrMembers},
		{"a node twice", 10, func(ms []committee.Member) []committee.Member { ms[1].ID = ms[2].ID; return ms }, committee.ErrMembers},
		{"too few shards for a code", 3, func([]committee.Member) []committee.Member { return members(t, 1, 1, 1) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := committee.New(1, tt.n, tt.corrupt(members(t, 1, 2, 3, 4)))
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
