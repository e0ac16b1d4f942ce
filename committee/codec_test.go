package committee_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

func encoded(t testing.TB, c *committee.Committee) []byte {
	t.Helper()
	b, err := c.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCommitteeBytes(t *testing.T) {
	t.Parallel()
	ms := members(t, 1, 3)
	ms[0].Shards, ms[1].Shards = []shard.Index{2}, []shard.Index{0, 1, 3}
	ms[0].Name, ms[0].Addrs = "not in it", []string{"neither"}
	c, err := committee.New(5, 4, ms)
	if err != nil {
		t.Fatal(err)
	}
	id := func(n string) string { return strings.Repeat("00", 31) + n }
	key := func(n string) string { return n + strings.Repeat("00", 31) }
	pk := func(n int) string { return secret(t, n).PublicKey().String() }
	want := "05000000" + "0400" + "02" +
		id("01") + pk(1) + key("01") + "01" + "0200" +
		id("02") + pk(2) + key("02") + "03" + "0000" + "0100" + "0300"
	b := encoded(t, c)
	if got := hex.EncodeToString(b); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if got, err := c.AppendBinary([]byte{7}); err != nil || !bytes.Equal(got, append([]byte{7}, b...)) {
		t.Errorf("appended: got %x, %v", got, err)
	}
	d, err := committee.ParseCommittee(b)
	if err != nil {
		t.Fatal(err)
	}
	if d.Epoch() != 5 || d.Shards() != 4 || len(d.Members()) != 2 || d.Holder(2).ID != ms[0].ID || d.Members()[0].Name != "" {
		t.Errorf("got epoch %d, %d shards, members %+v", d.Epoch(), d.Shards(), d.Members())
	}
	if !bytes.Equal(encoded(t, d), b) {
		t.Error("written again it is other bytes")
	}
}

// What a traveling proof carries: a certificate and the committee that made it.
func TestCommitteeTravels(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, slices.Repeat([]int{1}, 10)...)
	cert := certificateBy(t, c, 1, 0, 1, 2, 3, 4, 7, 8)
	there, err := committee.ParseCommittee(encoded(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if err := there.Verify(cert, committee.Quorum); err != nil {
		t.Error(err)
	}
}

func TestParseCommitteeRefuses(t *testing.T) {
	t.Parallel()
	valid := encoded(t, newCommittee(t, 1, 1, 2))
	const head, member = 4 + 2 + 1, 32 + 48 + 32 + 1 + 2 // of one shard
	with := func(at int, v ...byte) []byte {
		b := slices.Clone(valid)
		copy(b[at:], v)
		return b
	}
	second, third := head+member, head+2*member
	for _, tt := range []struct {
		name string
		b    []byte
		want error // nil: any
	}{
		{"nothing", nil, bcs.ErrMalformed},
		{"a byte more", append(slices.Clone(valid), 0), bcs.ErrMalformed},
		{"more shards than are held", with(4, 5), committee.ErrMembers},
		{"fewer shards than are held", with(4, 3), bcs.ErrMalformed},
		{"too few shards for a code", []byte{1, 0, 0, 0, 0, 0, 0}, nil},
		{"more shards than a code has", with(4, 0xff, 0xff), nil},
		{"fewer members", with(6, 2), bcs.ErrMalformed},
		{"more members", with(6, 4), bcs.ErrMalformed},
		{"more members than shards", with(6, 5), bcs.ErrMalformed},
		{"a count in two bytes", append(append(slices.Clone(valid[:6]), 0x83, 0), valid[7:]...), bcs.ErrMalformed},
		{"members that change places", slices.Concat(valid[:head], valid[second:third], valid[head:second], valid[third:]), bcs.ErrMalformed},
		{"a member twice", slices.Concat(valid[:second], valid[head:second], valid[third:]), bcs.ErrMalformed},
		{"a shard twice", with(third-2, 0), committee.ErrMembers},
		{"a shard twice with one", with(len(valid)-4, 3, 0, 3, 0), committee.ErrMembers},
		{"a shard beyond the end", with(len(valid)-2, 4), committee.ErrMembers},
		{"shards that change places", with(len(valid)-4, 3, 0, 2, 0), bcs.ErrMalformed},
		{"a member without a shard", slices.Concat(valid[:third-3], []byte{0}, valid[third:]), committee.ErrMembers},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := committee.ParseCommittee(tt.b)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v, want %v", c, err, tt.want)
			}
		})
	}
	for n := range valid {
		if _, err := committee.ParseCommittee(valid[:n]); !errors.Is(err, bcs.ErrMalformed) {
			t.Errorf("%d bytes of it: got %v, want ErrMalformed", n, err)
		}
	}
}

// The largest committee there may be: every shard with another node.
func TestCommitteeLargest(t *testing.T) {
	t.Parallel()
	ms := make([]committee.Member, shard.MaxShards)
	for i := range ms {
		ms[i] = committee.Member{ID: committee.NodeID{byte(i >> 8), byte(i)}, Shards: []shard.Index{shard.Index(i)}}
	}
	c, err := committee.New(1, len(ms), ms)
	if err != nil {
		t.Fatal(err)
	}
	d, err := committee.ParseCommittee(encoded(t, c))
	if err != nil || d.Shards() != shard.MaxShards || len(d.Members()) != shard.MaxShards {
		t.Errorf("got %v", err)
	}
}

func FuzzParseCommittee(f *testing.F) {
	for _, weights := range [][]int{{4}, {1, 1, 2}, {1, 2, 3, 4}} {
		f.Add(encoded(f, newCommittee(f, weights...)))
	}
	f.Add([]byte{0, 0, 0, 0, 3, 0xc0, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := committee.ParseCommittee(b)
		if err == nil && !bytes.Equal(encoded(t, c), b) {
			t.Errorf("%x parses, but is %x when written again", b, encoded(t, c))
		}
	})
}
