package shard

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func TestBlobIDText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		hex, text string
	}{
		{strings.Repeat("00", 32), strings.Repeat("A", 43)},
		{"01" + strings.Repeat("00", 31), "AQ" + strings.Repeat("A", 41)},
		{"3930" + strings.Repeat("00", 30), "OTA" + strings.Repeat("A", 40)},
		{"efbeadde" + strings.Repeat("00", 28), "776t3g" + strings.Repeat("A", 37)},
		{strings.Repeat("ff", 32), strings.Repeat("_", 42) + "8"},
		{"45c53cd8cc1ff82164bf52da23fdaa72900dc29194b86dd33309d5cd9c43da46", "RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY"},
	}
	for _, tt := range tests {
		id, err := ParseBlobID(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(id[:]); got != tt.hex {
			t.Errorf("parse %s: got %s, want %s", tt.text, got, tt.hex)
		}
		if got := id.String(); got != tt.text {
			t.Errorf("text: got %s, want %s", got, tt.text)
		}
		var again BlobID
		text, _ := id.MarshalText()
		if err := again.UnmarshalText(text); err != nil || again != id {
			t.Errorf("text round trip: got %v, %v, want %v", again, err, id)
		}
		if b, _ := id.AppendBinary([]byte{1}); hex.EncodeToString(b) != "01"+tt.hex {
			t.Errorf("binary: got %x", b)
		}
		if id.IsZero() != (tt.hex == strings.Repeat("00", 32)) {
			t.Errorf("IsZero of %v", id)
		}
	}
}

func TestParseBlobIDRefuses(t *testing.T) {
	t.Parallel()
	valid := "RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY"
	for name, s := range map[string]string{
		"empty":              "",
		"short":              valid[:42],
		"long":               valid + "A",
		"padded":             valid + "=",
		"padding inside":     valid[:42] + "=",
		"trailing bits":      valid[:42] + "Z",
		"other alphabet":     strings.Replace(valid, "-", "+", 1),
		"line break":         valid[:42] + "\n",
		"line break, longer": valid + "\n",
		"space":              " " + valid[:42],
		"not ASCII":          strings.Repeat("é", 21) + "A",
	} {
		if _, err := ParseBlobID(s); !errors.Is(err, ErrBlobID) {
			t.Errorf("%s: got %v, want ErrBlobID", name, err)
		}
		var id BlobID
		if id.UnmarshalText([]byte(s)) == nil || !id.IsZero() {
			t.Errorf("%s: UnmarshalText takes it", name)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	number := func(v byte) (id BlobID) {
		id[31] = v // big endian
		return id
	}
	p7, p5 := Params{n: 7}, Params{n: 5}
	for _, tt := range []struct {
		p     Params
		id    BlobID
		pair  PairIndex
		shard Index
	}{
		{p7, number(15), 0, 1},
		{p7, number(15), 5, 6},
		{p7, number(15), 6, 0},
		{p7, number(16), 5, 0},
		{p7, number(16), 6, 1},
		{p7, number(16), 4, 6},
		{p5, number(11), 0, 1},
		{p5, number(11), 4, 0},
	} {
		if got := tt.p.ShardOf(tt.id, tt.pair); got != tt.shard {
			t.Errorf("pair %d: got shard %d, want %d", tt.pair, got, tt.shard)
		}
		if got := tt.p.PairOf(tt.id, tt.shard); got != tt.pair {
			t.Errorf("shard %d: got pair %d, want %d", tt.shard, got, tt.pair)
		}
	}
	id, err := ParseBlobID("RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY")
	if err != nil {
		t.Fatal(err)
	}
	if got := (Params{n: 10}).ShardOf(id, 0); got != 8 {
		t.Errorf("offset: got %d, want 8", got)
	}
	for _, n := range []int{4, 10, 1000, MaxShards} {
		p := Params{n: n}
		for i := range n {
			if got := p.PairOf(id, p.ShardOf(id, PairIndex(i))); int(got) != i {
				t.Fatalf("n=%d: pair %d comes back as %d", n, i, got)
			}
		}
		if int(p.ShardOf(id, PairIndex(n))) < n || int(p.PairOf(id, Index(n))) < n || int(p.SliverOf(Secondary, PairIndex(n))) < n {
			t.Errorf("n=%d: an index out of range comes into range", n)
		}
	}
}

func TestSliverOfPair(t *testing.T) {
	t.Parallel()
	p := Params{n: 10}
	for i := range PairIndex(10) {
		if got := p.SliverOf(Primary, i); got != SliverIndex(i) {
			t.Errorf("primary of pair %d: got %d", i, got)
		}
		if got := p.SliverOf(Secondary, i); got != SliverIndex(9-i) {
			t.Errorf("secondary of pair %d: got %d", i, got)
		}
		for _, a := range []Axis{Primary, Secondary} {
			if got := p.PairOfSliver(a, p.SliverOf(a, i)); got != i {
				t.Errorf("%v sliver of pair %d is in pair %d", a, i, got)
			}
		}
	}
	if Primary.String() != "primary" || Secondary.String() != "secondary" || Axis(7).String() != "axis(7)" {
		t.Error("names of the axes differ")
	}
	if Primary.Other() != Secondary || Secondary.Other() != Primary || Axis(7).Other() != 7 {
		t.Error("the other axis differs")
	}
}
