package merkle

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/crypto/blake2b"
)

// naiveRoot is the definition, read literally.
func naiveRoot(leaves [][]byte) Hash {
	var level []Hash
	for _, l := range leaves {
		level = append(level, blake2b.Sum256(append([]byte{0}, l...)))
	}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, Hash{})
		}
		var next []Hash
		for i := 0; i < len(level); i += 2 {
			next = append(next, blake2b.Sum256(append(append([]byte{1}, level[i][:]...), level[i+1][:]...)))
		}
		level = next
	}
	if len(level) == 0 {
		return Hash{}
	}
	return level[0]
}

func texts(words ...string) [][]byte {
	var list [][]byte
	for _, w := range words {
		list = append(list, []byte(w))
	}
	return list
}

func numbered(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = fmt.Appendf(nil, "leaf %d", i)
	}
	return list
}

func TestKnownRoots(t *testing.T) {
	t.Parallel()
	words := texts("foo", "bar", "fizz", "baz", "buzz", "fizz", "foobar", "walrus", "fizz")
	tests := []struct {
		leaves [][]byte
		want   string
	}{
		{nil, "0000000000000000000000000000000000000000000000000000000000000000"},
		{words[:1], "d49d71d62803f5c6b8c9ae0f1029a4e351a51eff62646fa1ea74d6b7279a3e5e"},
		{words[:2], "61688bd85d568dae621f00a807645051f4e8b955b2c33d3b65dc5007021e8d7b"},
		{words[:3], "d7e3452da926102fc8a21ac08e0b5678df4659a904179843843a803d09c421dd"},
		{words, "8d010676de3d660877cc8c27a42dcff9c1159720361a8236d2d207b68b729b0c"},
		{texts("Test"), "6ef5fbb3faab506502b680cd9ab8be827b955e1f9171b82b1c5b3914870bf982"},
		{texts(""), "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"},
	}
	for _, tt := range tests {
		if got := New(tt.leaves).Root().String(); got != tt.want {
			t.Errorf("%d leaves: got %s, want %s", len(tt.leaves), got, tt.want)
		}
	}
	if got := LeafHash([]byte("Test")).String(); got != tests[5].want {
		t.Errorf("leaf hash: got %s, want %s", got, tests[5].want)
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	for leaves, want := range []int{0, 0, 1, 2, 2, 3, 3, 3, 3, 4} {
		if got := Depth(leaves); got != want {
			t.Errorf("%d leaves: got %d, want %d", leaves, got, want)
		}
	}
	if got := Depth(49155); got > MaxDepth {
		t.Errorf("got %d, want at most %d", got, MaxDepth)
	}
}

// Tree, Root and Climb agree with the definition, and every leaf has a proof.
func TestAgainstDefinition(t *testing.T) {
	t.Parallel()
	var h Hasher
	for n := range 70 {
		leaves := numbered(n)
		want := naiveRoot(leaves)
		tree := New(leaves)
		if got := tree.Root(); got != want {
			t.Fatalf("%d leaves: tree has %v, want %v", n, got, want)
		}
		for levels := range 5 {
			group := 1 << levels
			if n <= group {
				continue
			}
			var nodes []Hash
			for i := 0; i < n; i += group {
				var part []Hash
				for _, l := range leaves[i:min(i+group, n)] {
					part = append(part, h.Leaf(l))
				}
				part = h.Climb(part, levels)
				if len(part) != 1 {
					t.Fatalf("%d leaves: a group of %d gives %d nodes", n, group, len(part))
				}
				nodes = append(nodes, part[0])
			}
			if got := h.Root(nodes); got != want {
				t.Fatalf("%d leaves in groups of %d: got %v, want %v", n, group, got, want)
			}
		}
		for i := range n {
			proof := tree.Proof(i)
			if len(proof) != Depth(n) {
				t.Fatalf("%d leaves: proof of %d nodes, want %d", n, len(proof), Depth(n))
			}
			if !Verify(want, n, leaves[i], i, proof) {
				t.Fatalf("%d leaves: proof of leaf %d is refused", n, i)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	leaves := numbered(10)
	tree := New(leaves)
	root, proof := tree.Root(), tree.Proof(9)
	changed := append(Proof(nil), proof...)
	changed[1] = Digest(Hash{1})
	tests := []struct {
		name  string
		root  Hash
		n     int
		leaf  []byte
		index int
		proof Proof
		want  bool
	}{
		{"valid", root, 10, leaves[9], 9, proof, true},
		{"zero digest for empty hashes alike", root, 10, leaves[9], 9, Proof{proof[0], Digest(Hash{}), proof[2], proof[3]}, true},
		{"other root", Hash{}, 10, leaves[9], 9, proof, false},
		{"other leaf", root, 10, leaves[8], 9, proof, false},
		{"other index", root, 10, leaves[9], 8, proof, false},
		{"negative index", root, 10, leaves[9], -1, proof, false},
		{"index beyond the leaves", root, 9, leaves[9], 9, proof, false},
		{"changed node", root, 10, leaves[9], 9, changed, false},
		{"too long", root, 10, leaves[9], 9, append(append(Proof(nil), proof...), Node{}), false},
		{"too short", root, 10, leaves[9], 9, proof[:3], false},
		{"none", root, 10, leaves[9], 9, nil, false},
		{"no leaves", Hash{}, 0, nil, 0, nil, false},
	}
	for _, tt := range tests {
		if got := Verify(tt.root, tt.n, tt.leaf, tt.index, tt.proof); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if tree.Proof(-1) != nil || tree.Proof(10) != nil {
		t.Error("proof of a leaf that is not there")
	}
}

func FuzzProof(f *testing.F) {
	good, _ := New(numbered(5)).Proof(4).AppendBinary(nil)
	f.Add(good)
	f.Add([]byte{0})
	f.Add([]byte{2, 0, 0})
	f.Add([]byte{17, 0})
	f.Add(append([]byte{1, 1}, make([]byte, 31)...))
	f.Fuzz(func(t *testing.T, in []byte) {
		var p Proof
		if p.UnmarshalBinary(in) != nil {
			return
		}
		if out, _ := p.AppendBinary(nil); !bytes.Equal(out, in) {
			t.Errorf("decoded %s, encoded again %s", hex.EncodeToString(in), hex.EncodeToString(out))
		}
		Verify(Hash{}, 100, in, len(in), p)
	})
}

func BenchmarkRoot(b *testing.B) {
	hashes := make([]Hash, 1000)
	var h Hasher
	for b.Loop() {
		h.Root(hashes)
	}
}
