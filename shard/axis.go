package shard

import "fmt"

// Axis says along which side of the matrix a sliver lies.
type Axis uint8

// The two axes.
const (
	Primary   Axis = 0 // a row
	Secondary Axis = 1 // a column
)

// String returns "primary" or "secondary".
func (a Axis) String() string {
	switch a {
	case Primary:
		return "primary"
	case Secondary:
		return "secondary"
	default:
		return fmt.Sprintf("axis(%d)", uint8(a))
	}
}

// Other returns the axis across a. An Axis that is neither gives itself.
func (a Axis) Other() Axis {
	switch a {
	case Primary:
		return Secondary
	case Secondary:
		return Primary
	default:
		return a
	}
}

func (a Axis) valid() bool { return a <= Secondary }

// Index is the number of a shard, 0 … n-1: a slot that is assigned to a node.
type Index uint16

// PairIndex is the number of a sliver pair of a blob, 0 … n-1.
type PairIndex uint16

// SliverIndex is the number of a row or a column of the expanded matrix, 0 … n-1.
type SliverIndex uint16

// rotation returns by how much the pairs of a blob are turned against the
// shards: the ID as a big-endian number, mod n ([ENC] mapping.rs).
func (p Params) rotation(id BlobID) int {
	acc := 0
	for _, b := range id {
		acc = (acc<<8 | int(b)) % p.n
	}
	return acc
}

// ShardOf returns the shard that holds pair i of the blob. An i that is not below
// Shards() is returned as it is, and so stays out of range.
func (p Params) ShardOf(id BlobID, i PairIndex) Index {
	if int(i) >= p.n {
		return Index(i)
	}
	return Index((int(i) + p.rotation(id)) % p.n)
}

// PairOf returns the pair of the blob that shard s holds; the inverse of ShardOf.
// An s that is not below Shards() is returned as it is.
func (p Params) PairOf(id BlobID, s Index) PairIndex {
	if int(s) >= p.n {
		return PairIndex(s)
	}
	return PairIndex((p.n + int(s) - p.rotation(id)) % p.n)
}

// SliverOf returns the index of pair i's sliver of axis a: i for the primary,
// n-1-i for the secondary. An i that is not below Shards() is returned as it is.
func (p Params) SliverOf(a Axis, i PairIndex) SliverIndex {
	if a == Primary || int(i) >= p.n {
		return SliverIndex(i)
	}
	return SliverIndex(p.n - 1 - int(i))
}

// PairOfSliver returns the pair to which sliver i of axis a belongs; the inverse
// of SliverOf.
func (p Params) PairOfSliver(a Axis, i SliverIndex) PairIndex {
	return PairIndex(p.SliverOf(a, PairIndex(i)))
}
