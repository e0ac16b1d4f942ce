package bcs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func TestEncoderBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		write func(*Encoder)
		want  string
	}{
		{"u8", func(e *Encoder) { e.U8(0xab) }, "ab"},
		{"u16", func(e *Encoder) { e.U16(0x1234) }, "3412"},
		{"u32", func(e *Encoder) { e.U32(21) }, "15000000"},
		{"u64", func(e *Encoder) { e.U64(33) }, "2100000000000000"},
		{"u128", func(e *Encoder) { e.U128(1, 2) }, "02000000000000000100000000000000"},
		{"bool", func(e *Encoder) { e.Bool(true); e.Bool(false) }, "0100"},
		{"uleb 0", func(e *Encoder) { e.ULEB(0) }, "00"},
		{"uleb 127", func(e *Encoder) { e.ULEB(127) }, "7f"},
		{"uleb 128", func(e *Encoder) { e.ULEB(128) }, "8001"},
		{"uleb 9487", func(e *Encoder) { e.ULEB(9487) }, "8f4a"},
		{"uleb max", func(e *Encoder) { e.ULEB(1<<32 - 1) }, "ffffffff0f"},
		{"bytes", func(e *Encoder) { e.Bytes([]byte{1, 2}) }, "020102"},
		{"string", func(e *Encoder) { e.String("hi") }, "026869"},
		{"fixed", func(e *Encoder) { e.Fixed([]byte{1, 2}) }, "0102"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var e Encoder
			tt.write(&e)
			if got := hex.EncodeToString(e.Data()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestDecoderRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   string
		read func(*Decoder)
	}{
		{"trailing byte", "0100", func(d *Decoder) { d.U8() }},
		{"short u64", "01020304", func(d *Decoder) { d.U64() }},
		{"bool 2", "02", func(d *Decoder) { d.Bool() }},
		{"uleb longer than needed", "8000", func(d *Decoder) { d.ULEB() }},
		{"uleb longer than needed, four bytes", "ffffff00", func(d *Decoder) { d.ULEB() }},
		{"uleb above 32 bits", "ffffffff1f", func(d *Decoder) { d.ULEB() }},
		{"uleb of six bytes", "ffffffffff01", func(d *Decoder) { d.ULEB() }},
		{"uleb cut off", "80", func(d *Decoder) { d.ULEB() }},
		{"variant", "02", func(d *Decoder) { d.Variant(2) }},
		{"bytes over the bound", "03010203", func(d *Decoder) { d.Bytes(2) }},
		{"bytes over the rest", "03010", func(d *Decoder) { d.Bytes(100) }},
		{"count over the rest", "0301020304", func(d *Decoder) { d.Count(10, 2); d.Rest() }},
		{"huge count", "ffffffff07", func(d *Decoder) { d.Count(MaxLen, 0) }},
		{"text", "01ff", func(d *Decoder) { _ = d.String(4) }},
		{"fixed", "01", func(d *Decoder) { d.Fixed(make([]byte, 2)) }},
		{"fault of the caller", "", func(d *Decoder) { d.Fail("no") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in, _ := hex.DecodeString(tt.in)
			d := NewDecoder(in)
			tt.read(d)
			if err := d.Finish(); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
			if d.U64() != 0 || d.Remaining() != 0 {
				t.Error("a decoder with a fault still gives data")
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	e := NewEncoder([]byte{9})
	e.U8(1)
	e.U16(2)
	e.U32(3)
	e.U64(4)
	e.U128(5, 6)
	e.Bool(true)
	e.ULEB(300)
	e.Bytes([]byte("abc"))
	e.String("déf")
	e.Fixed([]byte{7, 8})
	e.Count(2)
	e.Fixed([]byte{1, 2})
	d := NewDecoder(e.Data())
	var fixed [2]byte
	if d.U8() != 9 || d.U8() != 1 || d.U16() != 2 || d.U32() != 3 || d.U64() != 4 {
		t.Error("integers differ")
	}
	if hi, lo := d.U128(); hi != 5 || lo != 6 {
		t.Errorf("got %d, %d, want 5, 6", hi, lo)
	}
	if !d.Bool() || d.ULEB() != 300 || string(d.Bytes(3)) != "abc" || d.String(10) != "déf" {
		t.Error("bool, number, bytes or text differ")
	}
	if d.Fixed(fixed[:]); fixed != [2]byte{7, 8} {
		t.Errorf("got %v, want [7 8]", fixed)
	}
	if n := d.Count(2, 1); n != 2 || !bytes.Equal(d.Rest(), []byte{1, 2}) {
		t.Error("sequence differs")
	}
	if err := d.Finish(); err != nil {
		t.Error(err)
	}
}

// FuzzDecoder reads the input as a list of (kind, value) and writes it again:
// what decodes must give the same bytes.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 0, 4, 1, 5, 0x80, 1, 6, 2, 1, 2, 7, 1, 'a'})
	f.Add([]byte{5, 0x80, 0})
	f.Add([]byte{6, 0xff, 0xff, 0xff, 0xff, 7})
	f.Fuzz(func(t *testing.T, in []byte) {
		d := NewDecoder(in)
		var e Encoder
		for d.Remaining() > 0 && d.Err() == nil {
			kind := d.U8()
			e.U8(kind)
			switch kind {
			case 0:
				e.U8(d.U8())
			case 1:
				e.U16(d.U16())
			case 2:
				e.U32(d.U32())
			case 3:
				e.U128(d.U128())
			case 4:
				e.Bool(d.Bool())
			case 5:
				e.ULEB(d.ULEB())
			case 6:
				e.Bytes(d.Bytes(1 << 10))
			case 7:
				e.String(d.String(1 << 10))
			}
		}
		if d.Finish() == nil && !bytes.Equal(e.Data(), in) {
			t.Errorf("decoded %x, encoded again %x", in, e.Data())
		}
	})
}
