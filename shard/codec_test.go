package shard_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/shardtest"
)

func smallMetadata(t testing.TB) *shard.Metadata {
	t.Helper()
	md, err := shard.ComputeMetadata(shardtest.MustParams(4), []byte("abc"))
	if err != nil {
		t.Fatal(err)
	}
	return md
}

// One valid form, and what each corruption of it must give.
func TestParseMetadataRefuses(t *testing.T) {
	t.Parallel()
	valid, _ := smallMetadata(t).AppendBinary(nil)
	if _, err := shard.ParseMetadata(valid); err != nil {
		t.Fatal(err)
	}
	set := func(at int, v byte) []byte {
		b := bytes.Clone(valid)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":               nil,
		"version":               set(0, 1),
		"retired encoding type": set(1, 0),
		"unknown encoding type": set(1, 2),
		"count":                 set(10, 5),
		"huge count":            append(bytes.Clone(valid[:10]), 0xff, 0xff, 0xff, 0xff, 0x07),
		"count in two bytes":    append(append(bytes.Clone(valid[:10]), 0x84, 0x00), valid[11:]...),
		"bad node":              set(11, 2),
		"empty node":            append(append(bytes.Clone(valid[:11]), 0), valid[11+33:]...),
		"all nodes empty":       append(bytes.Clone(valid[:10]), 1, 0, 0),
		"cut off":               valid[:len(valid)-1],
		"too long":              append(bytes.Clone(valid), 0),
	} {
		_, err := shard.ParseMetadata(b)
		if _, ok := errors.AsType[*shard.InvalidError](err); !ok || !errors.Is(err, bcs.ErrMalformed) {
			t.Errorf("%s: got %v, want an InvalidError with ErrMalformed", name, err)
		}
	}
}

func TestMetadataVerifyRefuses(t *testing.T) {
	t.Parallel()
	p, md := shardtest.MustParams(4), smallMetadata(t)
	id := md.ID()
	tests := []struct {
		name   string
		change func(*shard.Metadata)
		want   error
	}{
		{"size", func(m *shard.Metadata) { m.Size++ }, shard.ErrMetadata},
		{"hash", func(m *shard.Metadata) { m.Hashes[3].Secondary[31] ^= 1 }, shard.ErrMetadata},
		{"fewer shards", func(m *shard.Metadata) { m.Hashes = m.Hashes[:3] }, shard.ErrMetadata},
		{"swapped axes", func(m *shard.Metadata) {
			h := &m.Hashes[0]
			h.Primary, h.Secondary = h.Secondary, h.Primary
		}, shard.ErrMetadata},
	}
	for _, tt := range tests {
		m := &shard.Metadata{Size: md.Size, Hashes: append([]shard.PairHashes(nil), md.Hashes...)}
		if err := m.Verify(p, id); err != nil {
			t.Fatal(err)
		}
		tt.change(m)
		if err := m.Verify(p, id); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	large := &shard.Metadata{Size: p.MaxBlobSize() + 1, Hashes: md.Hashes}
	if _, ok := errors.AsType[*shard.TooLargeError](large.Verify(p, large.ID())); !ok {
		t.Error("too large: no TooLargeError")
	}
	if h := md.Hash(shard.Primary, 4); h != (shard.Hash{}) {
		t.Errorf("hash out of range: got %v", h)
	}
	if h := md.Hash(2, 0); h != (shard.Hash{}) {
		t.Errorf("hash of no axis: got %v", h)
	}
}

func TestParseSliverRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":          "",
		"axis":             "02" + "01aa" + "0200" + "0000",
		"axis, long form":  "8000" + "01aa" + "0200" + "0000",
		"zero symbol size": "00" + "01aa" + "0000" + "0000",
		"length":           "00" + "09aa" + "0200" + "0000",
		"huge length":      "00" + "ffffffff07",
		"no index":         "00" + "01aa" + "0200" + "00",
		"too long":         "00" + "01aa" + "0200" + "000000",
	} {
		b, _ := hex.DecodeString(text)
		_, err := shard.ParseTaggedSliver(b)
		if _, ok := errors.AsType[*shard.InvalidError](err); !ok || !errors.Is(err, bcs.ErrMalformed) {
			t.Errorf("%s: got %v, want an InvalidError with ErrMalformed", name, err)
		}
	}
	b := []byte{1, 0xaa, 2, 0, 0, 0}
	var s shard.Sliver
	if err := s.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	b[1] = 0
	if s.Data[0] != 0xaa {
		t.Error("the sliver is the input's memory")
	}
	if s.EncodedSize() != len(b) {
		t.Errorf("EncodedSize: got %d, want %d", s.EncodedSize(), len(b))
	}
	big := shard.Sliver{Data: make([]byte, 20000), SymbolSize: 2}
	if got := len(bcsOf(&big)); got != big.EncodedSize() {
		t.Errorf("EncodedSize: got %d, want %d", big.EncodedSize(), got)
	}
}

func FuzzParseMetadata(f *testing.F) {
	valid, _ := smallMetadata(f).AppendBinary(nil)
	f.Add(valid)
	f.Add(valid[:10])
	f.Add([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 7})
	p := shardtest.MustParams(4)
	f.Fuzz(func(t *testing.T, in []byte) {
		md, err := shard.ParseMetadata(in)
		if err != nil {
			return
		}
		if out, _ := md.AppendBinary(nil); !bytes.Equal(out, in) {
			t.Errorf("decoded %x, encoded again %x", in, out)
		}
		_ = md.Verify(p, shard.BlobID{})
		_ = md.Hash(shard.Secondary, shard.SliverIndex(len(in)))
	})
}

func FuzzParseSliver(f *testing.F) {
	p := shardtest.MustParams(4)
	md, pairs, err := shard.Encode(p, []byte("seed"))
	if err != nil {
		f.Fatal(err)
	}
	for i := range pairs {
		f.Add(pairs[i].Primary.AppendTagged(nil))
		f.Add(pairs[i].Secondary.AppendTagged(nil))
	}
	f.Add([]byte{0, 0, 2, 0, 0, 0})
	f.Add([]byte{1, 1, 7, 3, 0, 9, 9})
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := shard.ParseTaggedSliver(in)
		if err != nil {
			return
		}
		if out := s.AppendTagged(nil); !bytes.Equal(out, in) {
			t.Errorf("decoded %x, encoded again %x", in, out)
		}
		_ = shard.VerifySliver(p, md, &s)
		_, _ = shard.ProvenSymbols(p, s, []shard.SliverIndex{0, 3, s.Index})
		_, _ = shard.Decode(p, md, []shard.Sliver{s, pairs[0].Primary, pairs[3].Primary}, shard.CheckDefault)
	})
}

func FuzzParseSymbols(f *testing.F) {
	p := shardtest.MustParams(4)
	md, pairs, err := shard.Encode(p, []byte("seed"))
	if err != nil {
		f.Fatal(err)
	}
	proven, err := shard.ProvenSymbols(p, pairs[1].Secondary, []shard.SliverIndex{0, 3})
	if err != nil {
		f.Fatal(err)
	}
	for i := range proven {
		recovery, _ := proven[i].AppendBinary(nil)
		f.Add(recovery)
		decoding := proven[i].Decoding()
		plain, _ := decoding.AppendBinary(nil)
		f.Add(plain)
		general := shard.GeneralSymbol{Axis: 1, Source: 1, Target: 3, Data: proven[i].Data, Proof: proven[i].Proof}
		whole, _ := general.AppendBinary(nil)
		f.Add(whole)
	}
	f.Add([]byte{1, 0, 2, 0xaa, 0xbb, 1, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		var decoding shard.DecodingSymbol
		if decoding.UnmarshalBinary(in) == nil {
			if out, _ := decoding.AppendBinary(nil); !bytes.Equal(out, in) {
				t.Errorf("decoding symbol %x, encoded again %x", in, out)
			}
			_, _ = shard.RecoverSliver(p, md, shard.Primary, 0, []shard.DecodingSymbol{decoding, decoding, decoding})
		}
		var recovery shard.RecoverySymbol
		if recovery.UnmarshalBinary(in) == nil {
			if out, _ := recovery.AppendBinary(nil); !bytes.Equal(out, in) {
				t.Errorf("recovery symbol %x, encoded again %x", in, out)
			}
			_ = shard.VerifySymbol(p, md, shard.Primary, 3, recovery)
			_, _, _ = shard.RecoverOrProve(p, md, shard.Primary, 3, []shard.RecoverySymbol{recovery, proven[1]})
		}
		var general shard.GeneralSymbol
		if general.UnmarshalBinary(in) == nil {
			if out, _ := general.AppendBinary(nil); !bytes.Equal(out, in) {
				t.Errorf("general symbol %x, encoded again %x", in, out)
			}
			_ = general.Verify(p, md, shard.Primary, 3)
		}
	})
}

func FuzzParseInconsistencyProof(f *testing.F) {
	p := shardtest.MustParams(4)
	md, pairs, err := shardtest.ReplaceSliver(p, []byte("seed"), shard.Secondary, 1)
	if err != nil {
		f.Fatal(err)
	}
	proof := shard.InconsistencyProof{Axis: shard.Secondary, Target: 1}
	for _, i := range []int{2, 3} {
		syms, err := shard.ProvenSymbols(p, pairs[i].Primary, []shard.SliverIndex{1})
		if err != nil {
			f.Fatal(err)
		}
		proof.Symbols = append(proof.Symbols, syms...)
	}
	if err := proof.Verify(p, md); err != nil {
		f.Fatal(err)
	}
	f.Add(proof.AppendTagged(nil))
	f.Add([]byte{0, 1, 0, 0})
	f.Add([]byte{0, 1, 0, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := shard.ParseTaggedInconsistencyProof(in)
		if err != nil {
			return
		}
		if out := got.AppendTagged(nil); !bytes.Equal(out, in) {
			t.Errorf("decoded %x, encoded again %x", in, out)
		}
		plain, _ := got.AppendBinary(nil)
		again := shard.InconsistencyProof{Axis: got.Axis}
		if err := again.UnmarshalBinary(plain); err != nil {
			t.Errorf("without the axis: %v", err)
		}
		_ = got.Verify(p, md)
	})
}

func FuzzParseBlobID(f *testing.F) {
	f.Add("RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY")
	f.Add("RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kZ")
	f.Add("")
	f.Fuzz(func(t *testing.T, in string) {
		if id, err := shard.ParseBlobID(in); err == nil && id.String() != in {
			t.Errorf("read %q, written %q", in, id)
		}
	})
}

// FuzzBlob encodes, erases and decodes: any bytes, any number of shards. Some of
// what was erased is recovered.
func FuzzBlob(f *testing.F) {
	f.Add([]byte("hello"), uint16(0), uint64(0))
	f.Add([]byte{}, uint16(6), uint64(1))
	f.Add(shardtest.Ramp(1, 3000), uint16(27), uint64(0xf0f0f0f0f0f0f0f0))
	f.Add(shardtest.Ramp(1, 100), uint16(996), uint64(0x123456789abcdef0))
	f.Fuzz(func(t *testing.T, blob []byte, shards uint16, mask uint64) {
		p := shardtest.MustParams(int(shards)%997 + 4)
		md, pairs, err := shard.Encode(p, blob)
		if err != nil {
			t.Skip()
		}
		check := shard.CheckStrict
		if p.Shards() > 100 {
			check = shard.CheckDefault // the same checks, in less time
		}
		for _, a := range axes {
			var kept, rest []shard.Sliver
			for i, s := range ofAxis(pairs, a) {
				if mask>>(i%64)&1 == 1 {
					kept = append(kept, s)
				} else {
					rest = append(rest, s)
				}
			}
			slivers := append(kept, rest...)
			got, err := shard.Decode(p, md, slivers[:p.Threshold(a)], check)
			if err != nil || !bytes.Equal(got, blob) {
				t.Fatalf("%v: %v", a, err)
			}
			target := ofAxis(pairs, a.Other())[mask%uint64(p.Shards())]
			var syms []shard.DecodingSymbol
			for _, s := range slivers[:p.Threshold(a)] {
				cells, err := shard.Symbols(p, s, []shard.SliverIndex{target.Index})
				if err != nil {
					t.Fatal(err)
				}
				syms = append(syms, shard.DecodingSymbol{Source: s.Index, Data: cells[0]})
			}
			back, err := shard.RecoverSliver(p, md, target.Axis, target.Index, syms)
			if err != nil || !bytes.Equal(back.Data, target.Data) {
				t.Fatalf("recover %v: %v", &target, err)
			}
		}
	})
}

// A proof in its canonical form keeps an empty node apart from a zero digest.
func TestSymbolKeepsProofForm(t *testing.T) {
	t.Parallel()
	a := shard.RecoverySymbol{Data: []byte{1, 2}, Proof: merkle.Proof{merkle.Node{}}}
	b := shard.RecoverySymbol{Data: []byte{1, 2}, Proof: merkle.Proof{merkle.Digest(shard.Hash{})}}
	x, _ := a.AppendBinary(nil)
	y, _ := b.AppendBinary(nil)
	if bytes.Equal(x, y) {
		t.Error("two proofs, one form")
	}
}
