package merkle

import "sync"

// Leaves sets dst[i] to the leaf hash of leaves[i]. All leaves have one length.
// Many leaves in one call are what makes the vector code fast: eight or more.
func Leaves(dst []Hash, leaves [][]byte) { machine.leaves(dst, leaves) }

// LeavesInRun sets dst[i] to the leaf hash of run[i·size:(i+1)·size].
func LeavesInRun(dst []Hash, run []byte, size int) { machine.run(dst, run, size) }

// shortLeaves are the hashes of all leaves of two bytes, by the leaf read as a
// little-endian number.
var shortLeaves = sync.OnceValue(func() []Hash {
	buf := make([]byte, 2<<16)
	leaves := make([][]byte, 1<<16)
	for i := range leaves {
		leaves[i] = buf[2*i : 2*i+2]
		leaves[i][0], leaves[i][1] = byte(i), byte(i>>8)
	}
	dst := make([]Hash, len(leaves))
	Leaves(dst, leaves)
	return dst
})

// ShortLeaves returns the hashes of all leaves of two bytes, by the leaf read as
// a little-endian number. They are computed at the first call, which is worth it
// for some 50,000 leaves. The result must not be changed.
func ShortLeaves() []Hash { return shortLeaves() }

// Subtrees sets dst[i] to the node that many levels above the hashes
// [i·count, (i+1)·count), which are a part of a level: it starts at a multiple of
// 1<<levels, and has as many hashes or ends with the level. It uses hashes as its
// working space: their values are lost.
func Subtrees(dst, hashes []Hash, count, levels int) {
	for ; levels > 0 && count%2 == 0; levels-- {
		count /= 2
		half := hashes[:len(hashes)/2]
		machine.pairs(half, hashes)
		hashes = half
	}
	var h Hasher
	for i := range dst {
		dst[i] = h.Climb(hashes[i*count:(i+1)*count], levels)[0]
	}
}

// RootsAcross sets dst[t] to the root of tree t, whose leaf hash i is
// hashes[i·len(dst)+t]: the trees lie side by side. There is at least one leaf
// each. hashes are not changed; scratch has room for half of them, rounded up to
// whole rows, and for no less than one tree.
func RootsAcross(dst, hashes, scratch []Hash) {
	trees := len(dst)
	if trees < int(machine) {
		rootsOfColumns(dst, hashes)
		return
	}
	var empty [maxLanes]Hash
	from := hashes
	for count := len(hashes) / trees; count > 1; count = (count + 1) / 2 {
		for i := range count / 2 {
			machine.cross(scratch[i*trees:(i+1)*trees],
				from[2*i*trees:(2*i+1)*trees], from[(2*i+1)*trees:(2*i+2)*trees])
		}
		if count%2 == 1 {
			to, last := scratch[count/2*trees:], from[(count-1)*trees:]
			for t := 0; t < trees; t += maxLanes {
				end := min(t+maxLanes, trees)
				machine.cross(to[t:end], last[t:end], empty[:end-t])
			}
		}
		from = scratch
	}
	copy(dst, from)
}

// rootsOfColumns is RootsAcross for fewer trees than lanes: the lanes are filled
// from one tree.
func rootsOfColumns(dst, hashes []Hash) {
	var h Hasher
	trees := len(dst)
	column := make([]Hash, len(hashes)/trees)
	for t := range dst {
		for i := range column {
			column[i] = hashes[i*trees+t]
		}
		dst[t] = h.Root(column)
	}
}
