package rs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// encode codes one row of symbols of any even size.
func encode(t testing.TB, k, m int, source [][]byte) [][]byte {
	t.Helper()
	code, err := New(k, m)
	if err != nil {
		t.Fatal(err)
	}
	l := NewLayout(len(source[0]), 1)
	in, out := lanes(k, l), lanes(m, l)
	for i := range in {
		l.Put(in[i], 0, source[i])
	}
	if err := code.Encode(in, out, new(Work)); err != nil {
		t.Fatal(err)
	}
	parity := make([][]byte, m)
	for i := range parity {
		parity[i] = make([]byte, len(source[0]))
		l.Get(parity[i], out[i], 0)
	}
	return parity
}

func lanes(count int, l Layout) [][]byte {
	list := make([][]byte, count)
	for i := range list {
		list[i] = make([]byte, l.Len())
	}
	return list
}

func randomSymbols(r *rand.Rand, count, size int) [][]byte {
	list := make([][]byte, count)
	for i := range list {
		list[i] = make([]byte, size)
		for j := range list[i] {
			list[i][j] = byte(r.Uint32())
		}
	}
	return list
}

func TestGenerators(t *testing.T) {
	t.Parallel()
	tests := []struct {
		k, m int
		want string
	}{
		{2, 2, "0003 0002 | 0002 0003"},
		{3, 1, "0001 0001 0001"},
		{3, 4, "000c 000f 000a | 000f 000c 0008 | 000a 0008 000c | 0008 000a 000f"},
		{5, 2, "0003 0002 0005 0004 0007 | 0002 0003 0004 0005 0006"},
		{4, 6, "000c 000f 000a 0008 | 000f 000c 0008 000a | 000a 0008 000c 000f | 0008 000a 000f 000c | 000a 000f 0008 000c | 000f 000a 000c 0008"},
		{7, 3, "000c 000f 000a 0008 000a 000f 0008 | 000f 000c 0008 000a 000f 000a 000c | 000a 0008 000c 000f 0008 000c 000a"},
	}
	f := newNaiveField()
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d+%d", tt.k, tt.m), func(t *testing.T) {
			t.Parallel()
			rows := make([]string, tt.m)
			cells := make([][]string, tt.m)
			for j := range cells {
				cells[j] = make([]string, tt.k)
			}
			for i := range tt.k { // a unit vector gives a column
				source := make([][]byte, tt.k)
				for x := range source {
					source[x] = make([]byte, 2)
				}
				source[i][0] = 1
				for j, p := range encode(t, tt.k, tt.m, source) {
					cells[j][i] = fmt.Sprintf("%04x", word(p, 0))
				}
			}
			for j := range rows {
				rows[j] = strings.Join(cells[j], " ")
			}
			if got := strings.Join(rows, " | "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			for j, row := range f.generator(tt.k, tt.m) {
				for i, v := range row {
					if got := fmt.Sprintf("%04x", v); got != cells[j][i] {
						t.Errorf("naive twin has %s at %d,%d, want %s", got, j, i, cells[j][i])
					}
				}
			}
		})
	}
}

func TestKnownParity(t *testing.T) {
	t.Parallel()
	tests := []struct {
		k, m, size int
		want       string
	}{
		{4, 6, 2, "f14d e15d d16d c17d 0081 1091"},
		{7, 3, 2, "d50f 9c9b 6cd8"},
		{4, 6, 6, "f1f2f34b4a49 e1e2e35b5a59 d1d2d36b6a69 c1c2c37b7a79 000302878685 101312979695"},
		{7, 3, 6, "31b2390b070e 2106d5929a9c 2866bed2ddd6"},
		{2, 2, 66, "d0d3d2d5d4d7d6d9d8dbdadddcdfdef6f7f4f5f2f3f0f1fefffcfdfafbf8f9f10d0e0f08090a0b040506070001020396979495929390919e9f9c9d9a9b98996c906e " +
			"c0c3c2c5c4c7c6c9c8cbcacdcccfcec6c7c4c5c2c3c0c1cecfcccdcacbc8c9e11d1e1f18191a1b1415161710111213e6e7e4e5e2e3e0e1eeefecedeaebe8e97c807e"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d+%d of %d", tt.k, tt.m, tt.size), func(t *testing.T) {
			t.Parallel()
			source := make([][]byte, tt.k)
			for i := range source {
				source[i] = make([]byte, tt.size)
				for j := range source[i] {
					source[i][j] = byte(16*i + 1 + j)
				}
			}
			var got []string
			for _, p := range encode(t, tt.k, tt.m, source) {
				got = append(got, hex.EncodeToString(p))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

func TestFieldTables(t *testing.T) {
	t.Parallel()
	tab := tables()
	for e, want := range map[int]uint16{
		1: 0, 2: 0x5555, 3: 0xAAAA, 4: 0x4444, 5: 0x1111, 6: 0x8888, 7: 0x2222, 255: 0xE5E5, 256: 0x7C4F, 65535: 0xB365,
	} {
		if got := tab.log[e]; got != want {
			t.Errorf("log[%d]: got %04x, want %04x", e, got, want)
		}
	}
	f := newNaiveField()
	for _, v := range [][3]uint16{{2, 3, 1}, {0x1234, 0xABCD, 0x43C1}, {0xFFFF, 0xFFFF, 0x8000}} {
		sum := int(tab.log[v[0]]) + int(tab.log[v[1]])
		if got := tab.exp[sum%logModulus]; got != v[2] {
			t.Errorf("%04x·%04x: got %04x, want %04x", v[0], v[1], got, v[2])
		}
		if got := f.mul(v[0], v[1]); got != v[2] {
			t.Errorf("naive %04x·%04x: got %04x, want %04x", v[0], v[1], got, v[2])
		}
	}
	if got := f.inv(2); got != 3 {
		t.Errorf("naive 1/2: got %d, want 3", got)
	}
}

var shapes = []struct{ k, m int }{
	{1, 1}, {1, 5}, {2, 2}, {3, 1}, {3, 2}, {3, 4}, {4, 6}, {5, 2}, {5, 8}, {7, 3}, {9, 16}, {11, 20}, {17, 8}, {21, 10}, {34, 66}, {67, 33},
}

func TestEncodeAgainstTwin(t *testing.T) {
	t.Parallel()
	f := newNaiveField()
	for _, s := range shapes {
		for _, size := range []int{2, 34, 64, 130} {
			t.Run(fmt.Sprintf("%d+%d of %d", s.k, s.m, size), func(t *testing.T) {
				t.Parallel()
				if testing.Short() && s.k*s.m*size > 10_000 {
					t.Skip("long")
				}
				source := randomSymbols(rand.New(rand.NewPCG(uint64(s.k), uint64(size))), s.k, size)
				got, want := encode(t, s.k, s.m, source), f.encode(source, s.m)
				for j := range want {
					if !bytes.Equal(got[j], want[j]) {
						t.Fatalf("parity %d: got %x, want %x", j, got[j], want[j])
					}
				}
			})
		}
	}
}

// Both ways of decoding give the source back, over shapes, erasures and sizes.
func TestDecode(t *testing.T) {
	t.Parallel()
	for _, s := range append(shapes, []struct{ k, m int }{{101, 200}, {201, 100}, {334, 666}, {667, 333}}...) {
		t.Run(fmt.Sprintf("%d+%d", s.k, s.m), func(t *testing.T) {
			t.Parallel()
			if testing.Short() && s.k+s.m > 500 {
				t.Skip("long")
			}
			r := rand.New(rand.NewPCG(uint64(s.k), uint64(s.m)))
			code, err := New(s.k, s.m)
			if err != nil {
				t.Fatal(err)
			}
			all := append(randomSymbols(r, s.k, 192), lanes(s.m, NewLayout(192, 1))...)
			if err := code.Encode(all[:s.k], all[s.k:], new(Work)); err != nil {
				t.Fatal(err)
			}
			for round := range 4 {
				known := r.Perm(s.k + s.m)[:s.k]
				if round == 0 { // as many parity symbols as there are
					known = nil
					for i := s.k + s.m - 1; len(known) < s.k; i-- {
						known = append(known, i)
					}
				}
				d, err := code.Decoder(known)
				if err != nil {
					t.Fatal(err)
				}
				in := make([][]byte, s.k)
				for i, x := range known {
					in[i] = all[x]
				}
				for range 2 { // the prepared way, then the other one
					out := lanes(len(d.Missing()), NewLayout(192, 1))
					if err := d.Decode(in, out, new(Work)); err != nil {
						t.Fatal(err)
					}
					for i, x := range d.Missing() {
						if !bytes.Equal(out[i], all[x]) {
							t.Fatalf("round %d: symbol %d differs", round, x)
						}
					}
					d.flip(known)
				}
			}
		})
	}
}

// flip prepares the way that prepare did not choose.
func (d *Decoder) flip(known []int) {
	if len(d.missing) == 0 {
		return
	}
	c, t := d.code, tables()
	have := make([]bool, c.k+c.m)
	for _, i := range known {
		have[i] = true
	}
	locator := c.locator(have)
	if d.matrix != nil {
		d.matrix = nil
		for _, i := range known {
			d.scale = append(d.scale, t.exp[locator(c.point(i))%logModulus])
		}
		for _, i := range d.missing {
			d.reveal = append(d.reveal, t.exp[(logModulus-locator(c.point(i)))%logModulus])
		}
		return
	}
	d.matrix = make([][matrixWidth]uint16, (len(d.missing)+matrixWidth-1)/matrixWidth*c.k)
	for j, m := range d.missing {
		for i, s := range known {
			l := 2*logModulus - locator(c.point(m)) + locator(c.point(s)) - int(t.log[c.point(m)^c.point(s)])
			d.matrix[j/matrixWidth*c.k+i][j%matrixWidth] = t.exp[l%logModulus]
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	for size := 2; size <= 200; size += 2 {
		for _, count := range []int{1, 2, 3, 7, 16, 33, 70} {
			l := NewLayout(size, count)
			run := bytes.Join(randomSymbols(rand.New(rand.NewPCG(1, 2)), count, size), nil)
			lane := make([]byte, l.Len())
			if len(lane)%64 != 0 || len(lane) < len(run) || len(lane) > 2*len(run)+62 {
				t.Fatalf("size %d, count %d: lane of %d bytes", size, count, len(lane))
			}
			l.PutRun(lane, run)
			got := make([]byte, len(run))
			if l.GetRun(got, lane); !bytes.Equal(got, run) {
				t.Fatalf("size %d, count %d: run differs", size, count)
			}
			if l.Plain() && !bytes.Equal(lane, run) {
				t.Fatalf("size %d, count %d: plain lane is not the run", size, count)
			}
			symbol := make([]byte, size)
			for i := range count {
				if l.Get(symbol, lane, i); !bytes.Equal(symbol, run[i*size:(i+1)*size]) {
					t.Fatalf("size %d, count %d: symbol %d differs", size, count, i)
				}
			}
		}
	}
}

// Many rows side by side give what each gives alone.
func TestLanesAreIndependent(t *testing.T) {
	t.Parallel()
	for _, size := range []int{2, 6, 62, 66, 128} {
		const k, m, rows = 4, 6, 21
		r := rand.New(rand.NewPCG(3, uint64(size)))
		code, err := New(k, m)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLayout(size, rows)
		in, out := lanes(k, l), lanes(m, l)
		var sources [rows][][]byte
		for row := range rows {
			sources[row] = randomSymbols(r, k, size)
			for i := range in {
				l.Put(in[i], row, sources[row][i])
			}
		}
		if err := code.Encode(in, out, new(Work)); err != nil {
			t.Fatal(err)
		}
		symbol := make([]byte, size)
		for row := range rows {
			for j, want := range encode(t, k, m, sources[row]) {
				if l.Get(symbol, out[j], row); !bytes.Equal(symbol, want) {
					t.Fatalf("size %d, row %d, parity %d differs", size, row, j)
				}
			}
		}
	}
}

// A long symbol, which is worked on piece by piece, is coded as each of its
// blocks is alone; encoding and both ways of decoding.
func TestLongSymbols(t *testing.T) {
	t.Parallel()
	for _, s := range []struct{ k, m int }{{4, 6}, {7, 3}, {34, 66}, {67, 33}} {
		t.Run(fmt.Sprintf("%d+%d", s.k, s.m), func(t *testing.T) {
			t.Parallel()
			code, err := New(s.k, s.m)
			if err != nil {
				t.Fatal(err)
			}
			span := pow2(code.span())
			size := max(2*stripe(2*code.chunk, 1<<30), 2*stripe(span, 1<<30), 2*stripe(2*matrixWidth, 1<<30)) + 64
			if s.k > 10 {
				size = 2*stripe(2*code.chunk, 1<<30) + 64
			}
			r := rand.New(rand.NewPCG(5, uint64(s.k)))
			all := append(randomSymbols(r, s.k, size), lanes(s.m, NewLayout(size, 1))...)
			if err := code.Encode(all[:s.k], all[s.k:], new(Work)); err != nil {
				t.Fatal(err)
			}
			for _, off := range []int{0, 64, size / 2 &^ 63, size - 128, size - 64} {
				source := make([][]byte, s.k)
				for i := range source {
					source[i] = all[i][off : off+64]
				}
				for j, want := range encode(t, s.k, s.m, source) {
					if !bytes.Equal(all[s.k+j][off:off+64], want) {
						t.Fatalf("parity %d differs at %d", j, off)
					}
				}
			}
			known := r.Perm(s.k + s.m)[:s.k]
			d, err := code.Decoder(known)
			if err != nil {
				t.Fatal(err)
			}
			in := make([][]byte, s.k)
			for i, x := range known {
				in[i] = all[x]
			}
			var w Work
			for range 2 {
				out := lanes(len(d.Missing()), NewLayout(size, 1))
				if err := d.Decode(in, out, &w); err != nil {
					t.Fatal(err)
				}
				for i, x := range d.Missing() {
					if !bytes.Equal(out[i], all[x]) {
						t.Fatalf("symbol %d differs", x)
					}
				}
				d.flip(known)
			}
		})
	}
}

func TestShapeErrors(t *testing.T) {
	t.Parallel()
	for _, s := range []struct{ k, m int }{{0, 1}, {1, 0}, {-1, 3}, {1 << 20, 1}, {32769, 32769}, {40000, 30000}} {
		if _, err := New(s.k, s.m); !errors.Is(err, ErrShape) {
			t.Errorf("New(%d, %d): got %v, want ErrShape", s.k, s.m, err)
		}
	}
	code, err := New(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	if err := code.Encode([][]byte{b, b}, [][]byte{b, b, b, b}, new(Work)); !errors.Is(err, ErrShape) {
		t.Errorf("too few symbols: got %v, want ErrShape", err)
	}
	if err := code.Encode([][]byte{b, b, b[:32]}, [][]byte{b, b, b, b}, new(Work)); !errors.Is(err, ErrShape) {
		t.Errorf("unequal symbols: got %v, want ErrShape", err)
	}
	for _, known := range [][]int{nil, {0, 1}, {0, 1, 1}, {0, 1, 7}, {0, 1, -1}, {0, 1, 2, 3}} {
		if _, err := code.Decoder(known); !errors.Is(err, ErrShape) {
			t.Errorf("Decoder(%v): got %v, want ErrShape", known, err)
		}
	}
	d, err := code.Decoder([]int{3, 4, 5})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Decode([][]byte{b, b, b}, nil, new(Work)); !errors.Is(err, ErrShape) {
		t.Errorf("no room for the result: got %v, want ErrShape", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint8(4), uint8(6), uint64(1))
	f.Add(uint8(7), uint8(3), uint64(2))
	f.Add(uint8(33), uint8(67), uint64(3))
	f.Fuzz(func(t *testing.T, k, m uint8, seed uint64) {
		code, err := New(int(k), int(m))
		if err != nil {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 0))
		all := append(randomSymbols(r, int(k), 64), lanes(int(m), NewLayout(64, 1))...)
		if err := code.Encode(all[:k], all[k:], new(Work)); err != nil {
			t.Fatal(err)
		}
		known := r.Perm(int(k) + int(m))[:k]
		d, err := code.Decoder(known)
		if err != nil {
			t.Fatal(err)
		}
		in := make([][]byte, k)
		for i, x := range known {
			in[i] = all[x]
		}
		out := lanes(len(d.Missing()), NewLayout(64, 1))
		if err := d.Decode(in, out, new(Work)); err != nil {
			t.Fatal(err)
		}
		for i, x := range d.Missing() {
			if !bytes.Equal(out[i], all[x]) {
				t.Fatalf("symbol %d differs", x)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range []struct{ k, m int }{{4, 6}, {7, 3}, {34, 66}, {67, 33}, {334, 666}, {667, 333}} {
		b.Run(fmt.Sprintf("%d+%d", s.k, s.m), func(b *testing.B) {
			code, err := New(s.k, s.m)
			if err != nil {
				b.Fatal(err)
			}
			l := NewLayout(4096, 1)
			in, out := lanes(s.k, l), lanes(s.m, l)
			var w Work
			b.SetBytes(int64(s.k * 4096))
			for b.Loop() {
				if err := code.Encode(in, out, &w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
