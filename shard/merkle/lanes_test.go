package merkle

import (
	"fmt"
	"testing"

	"golang.org/x/crypto/blake2b"
)

// levels are the ways of hashing that this machine can do.
func levels() []lanes {
	var list []lanes
	for _, l := range []lanes{1, 4, 8} {
		if l <= machine {
			list = append(list, l)
		}
	}
	return list
}

// noise fills b with bytes that look random.
func noise(b []byte, seed uint64) {
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 56)
	}
}

func someHashes(count int, seed uint64) []Hash {
	list := make([]Hash, count)
	for i := range list {
		noise(list[i][:], seed+uint64(i)*77)
	}
	return list
}

// naiveInner is the definition, read literally.
func naiveInner(a, b Hash) Hash {
	return blake2b.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
}

func TestInnerLanes(t *testing.T) {
	t.Parallel()
	for _, l := range levels() {
		for count := range 40 {
			src := someHashes(2*count, 5)
			want := make([]Hash, count)
			for i := range want {
				want[i] = naiveInner(src[2*i], src[2*i+1])
			}
			got := append([]Hash(nil), src...)
			l.pairs(got[:count], got)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%d lanes, %d pairs: node %d is %v, want %v", l, count, i, got[i], want[i])
				}
			}
			left := append([]Hash(nil), src[:count]...)
			right := src[count:]
			l.cross(left, left, right)
			for i := range left {
				if want := naiveInner(src[i], right[i]); left[i] != want {
					t.Fatalf("%d lanes, %d across: node %d is %v, want %v", l, count, i, left[i], want)
				}
			}
		}
	}
}

// Every length up to some blocks, and every number of leaves up to some vectors.
func TestLeafLanes(t *testing.T) {
	t.Parallel()
	for _, l := range levels() {
		for size := range 700 {
			count := 1 + size%19
			buf := make([]byte, count*size)
			noise(buf, uint64(size))
			leaves := make([][]byte, count)
			for i := range leaves {
				leaves[i] = buf[i*size : (i+1)*size]
			}
			got, side := make([]Hash, count), make([]Hash, count)
			l.leaves(got, leaves)
			l.run(side, buf, size)
			for i := range leaves {
				want := Hash(blake2b.Sum256(append([]byte{0}, leaves[i]...)))
				if got[i] != want || side[i] != want {
					t.Fatalf("%d lanes: leaf %d of %d bytes is %v, in a run %v, want %v", l, i, size, got[i], side[i], want)
				}
			}
		}
	}
}

func FuzzLeafLanes(f *testing.F) {
	f.Add([]byte{}, uint16(3), uint8(1))
	f.Add([]byte("leaf"), uint16(127), uint8(9))
	f.Add([]byte("leaf"), uint16(128), uint8(8))
	f.Add([]byte("leaf"), uint16(65534), uint8(3))
	f.Fuzz(func(t *testing.T, seed []byte, size uint16, count uint8) {
		count = count%20 + 1
		leaves := make([][]byte, count)
		for i := range leaves {
			leaves[i] = make([]byte, size)
			noise(leaves[i], uint64(i))
			copy(leaves[i], seed)
		}
		for _, l := range levels() {
			got := make([]Hash, count)
			l.leaves(got, leaves)
			for i := range leaves {
				if want := Hash(blake2b.Sum256(append([]byte{0}, leaves[i]...))); got[i] != want {
					t.Fatalf("%d lanes: leaf %d of %d bytes is %v, want %v", l, i, size, got[i], want)
				}
			}
		}
	})
}

func BenchmarkInner(b *testing.B) {
	src := make([]Hash, 1024)
	dst := make([]Hash, 512)
	for _, l := range levels() {
		b.Run(fmt.Sprintf("lanes=%d", l), func(b *testing.B) {
			for b.Loop() {
				l.pairs(dst, src)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/node")
		})
	}
}

func BenchmarkLeaves(b *testing.B) {
	for _, size := range []int{6, 152, 14730} {
		leaves := make([][]byte, 64)
		for i := range leaves {
			leaves[i] = make([]byte, size)
		}
		dst := make([]Hash, len(leaves))
		for _, l := range levels() {
			b.Run(fmt.Sprintf("size=%d/lanes=%d", size, l), func(b *testing.B) {
				b.SetBytes(int64(size * len(leaves)))
				for b.Loop() {
					l.leaves(dst, leaves)
				}
				blocks := (size + blockSize) / blockSize * len(leaves)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(blocks), "ns/block")
			})
		}
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	var h Hasher
	for _, trees := range []int{1, 2, 3, 7, 8, 9, 16, 20} {
		for count := 1; count < 40; count++ {
			hashes := someHashes(trees*count, uint64(count))
			want := make([]Hash, trees)
			side := make([]Hash, trees*count)
			for i := range trees {
				for j := range count {
					side[j*trees+i] = hashes[i*count+j]
				}
				want[i] = h.Root(append([]Hash(nil), hashes[i*count:(i+1)*count]...))
			}
			got := make([]Hash, trees)
			RootsAcross(got, side, make([]Hash, (count+1)/2*trees))
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("tree %d of %d across, %d leaves: got %v, want %v", i, trees, count, got[i], want[i])
				}
			}
			for levels := Depth(count); levels < Depth(count)+2; levels++ {
				for i := range want {
					want[i] = h.Climb(append([]Hash(nil), hashes[i*count:(i+1)*count]...), levels)[0]
				}
				Subtrees(got, append([]Hash(nil), hashes...), count, levels)
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("subtree %d of %d, %d hashes, %d levels: got %v, want %v", i, trees, count, levels, got[i], want[i])
					}
				}
			}
		}
	}
	short := ShortLeaves()
	for _, i := range []int{0, 1, 255, 256, 65535} {
		if want := h.Leaf([]byte{byte(i), byte(i >> 8)}); short[i] != want {
			t.Errorf("leaf %d: got %v, want %v", i, short[i], want)
		}
	}
}

// Leaves in pieces of any number and length have the hashes of whole leaves.
func TestPieces(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 2, 126, 127, 128, 129, 255, 256, 384, 1000, 1024} {
		for _, piece := range []int{128, 256, 640} {
			const count = 21
			leaves := make([][]byte, count)
			want := make([]Hash, count)
			for i := range leaves {
				leaves[i] = make([]byte, size)
				noise(leaves[i], uint64(i))
				want[i] = LeafHash(leaves[i])
			}
			for _, l := range levels() {
				p := NewPieces(count)
				p.lanes = l
				got := make([]Hash, count)
				for _, part := range [][2]int{{0, 16}, {16, count}} {
					for off := 0; ; off += piece {
						var pieces [][]byte
						for _, leaf := range leaves[part[0]:part[1]] {
							pieces = append(pieces, leaf[off:min(off+piece, size)])
						}
						if off+piece >= size {
							p.Finish(got[part[0]:part[1]], part[0], off, pieces)
							break
						}
						p.Write(part[0], off, pieces)
					}
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%d lanes: leaf %d of %d bytes in pieces of %d: got %v, want %v", l, i, size, piece, got[i], want[i])
					}
				}
			}
		}
	}
}

func BenchmarkLeavesInRun(b *testing.B) {
	for _, size := range []int{6, 62, 152, 462} {
		run := make([]byte, 64*size)
		dst := make([]Hash, 64)
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			for b.Loop() {
				LeavesInRun(dst, run, size)
			}
			blocks := (size + blockSize) / blockSize * len(dst)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(blocks), "ns/block")
		})
	}
}
