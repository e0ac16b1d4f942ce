package ledger

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard"
)

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ size, want uint64 }{
		{0, 0}, {1, 1}, {1<<20 - 1, 1}, {1 << 20, 1}, {1<<20 + 1, 2}, {1e9, 954}, {smallest, 1}, {math.MaxUint64, 1 << 44},
	} {
		if got := Units(tt.size); got != tt.want {
			t.Errorf("%d bytes: got %d, want %d", tt.size, got, tt.want)
		}
	}
}

// [WL] §3.1, §3.3: what blobs take and cost, at 5 FROST per unit and epoch and 1 per unit.
func TestPrices(t *testing.T) {
	t.Parallel()
	p := Params{StoragePrice: 5, WritePrice: 1}
	for _, tt := range []struct {
		size    uint64
		shards  int
		encoded uint64
		epochs  uint32
		storage uint64
		write   uint64
	}{
		{0, 10, 6_940, 1, 5, 1},
		{1, 10, 6_940, 3, 15, 1},
		{2_800, 10, 17_720, 2, 10, 1},
		{1, 1000, 66_034_000, 1, 5 * 63, 63},
		{22_277_800, 1000, 164_132_000, 1, 5 * 157, 157},
		{100, 100, 663_400, 10, 50, 1},
		{5_000_000, 100, 22_822_800, 1, 5 * 22, 22},
		{5_000_000, 1000, 88_056_000, 52, 52 * 5 * 84, 84},
		{1 << 30, 1000, 4_888_852_000, 1, 5 * 4663, 4663},
	} {
		params, err := shard.NewParams(tt.shards)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := params.EncodedSize(tt.size)
		if err != nil || encoded != tt.encoded {
			t.Errorf("%d bytes on %d shards: got %d, %v, want %d", tt.size, tt.shards, encoded, err, tt.encoded)
		}
		if got, err := p.StorageCost(encoded, tt.epochs); err != nil || got != tt.storage {
			t.Errorf("storage of %d bytes for %d epochs: got %d, %v, want %d", encoded, tt.epochs, got, err, tt.storage)
		}
		if got, err := p.WriteCost(encoded); err != nil || got != tt.write {
			t.Errorf("writing %d bytes: got %d, %v, want %d", encoded, got, err, tt.write)
		}
	}
}

func TestPricesOverflow(t *testing.T) {
	t.Parallel()
	p := Params{StoragePrice: 1 << 20, WritePrice: 1 << 20}
	for _, tt := range []struct {
		name string
		got  func() (uint64, error)
	}{
		{"one epoch", func() (uint64, error) { return p.StorageCost(math.MaxUint64, 1) }},
		{"all epochs", func() (uint64, error) { return p.StorageCost(1<<60, 1000) }},
		{"writing", func() (uint64, error) { return p.WriteCost(math.MaxUint64) }},
	} {
		got, err := tt.got()
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Code != CodeOverflow || got != 0 {
			t.Errorf("%s: got %d, %v, want CodeOverflow", tt.name, got, err)
		}
	}
	if got, err := p.StorageCost(1<<60, 15); err != nil || got != 15<<60 {
		t.Errorf("just below: got %d, %v, want %d", got, err, uint64(15)<<60)
	}
}

func FuzzAmounts(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint64(3))
	f.Add(uint64(math.MaxUint64), uint64(1), uint64(math.MaxUint64))
	f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64))
	f.Add(uint64(4770), uint64(3), uint64(100))
	f.Fuzz(func(t *testing.T, a, b, c uint64) {
		x, y := new(big.Int).SetUint64(a), new(big.Int).SetUint64(b)
		for _, op := range []struct {
			name string
			want *big.Int
			got  func(a, b uint64) (uint64, *Error)
		}{
			{"+", new(big.Int).Add(x, y), add},
			{"*", new(big.Int).Mul(x, y), mul},
		} {
			got, err := op.got(a, b)
			if ok := op.want.IsUint64(); ok != (err == nil) || ok && got != op.want.Uint64() {
				t.Errorf("%d %s %d: got %d, %v, want %v", a, op.name, b, got, err, op.want)
			}
		}
		if c == 0 || a > c && b > c {
			return
		}
		want := new(big.Int).Mul(x, y)
		want.Quo(want, new(big.Int).SetUint64(c))
		if got := share(a, b, c); got != want.Uint64() {
			t.Errorf("%d * %d / %d: got %d, want %v", a, b, c, got, want)
		}
	})
}

func TestAddressText(t *testing.T) {
	t.Parallel()
	a := accountAddress(0)
	text := a.String()
	if !strings.HasPrefix(text, "floe1") || len(text) != len("floe1")+58 {
		t.Errorf("got %q, want floe1 and 58 characters", text)
	}
	if got, err := ParseAddress(text); err != nil || got != a {
		t.Errorf("parse: got %v, %v, want %v", got, err, a)
	}
	b, err := a.MarshalText()
	if err != nil || string(b) != text {
		t.Errorf("marshal: got %s, %v, want %s", b, err, text)
	}
	changed := []byte(text)
	changed[20] ^= 1
	for _, bad := range []string{
		"", "floe1", text[:len(text)-1], text + "q", strings.ToUpper(text), strings.ToUpper(text[:10]) + text[10:], string(changed),
		"flow1" + text[5:], " " + text, "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrujsuw",
	} {
		kept := a
		if err := kept.UnmarshalText([]byte(bad)); !errors.Is(err, ErrAddress) || kept != a {
			t.Errorf("%q: got %v, %v, want ErrAddress and the old value", bad, kept, err)
		}
	}
}
