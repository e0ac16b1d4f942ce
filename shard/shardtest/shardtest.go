// Package shardtest makes blobs that are the same on every machine, and blobs
// that are encoded wrongly, for tests of shard and of the rooms above it.
//
// # Words
//
// A wrong encoder computes slivers as it should, changes some, and hashes what it
// then has, so that each sliver matches the metadata and the metadata matches
// the blob ID, but the slivers do not belong together.
package shardtest

import (
	"crypto/sha256"
	"slices"
	"strconv"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/merkle"
	"github.com/floe-storage/floe/shard/rs"
)

// Blob returns the first n bytes of SHA-256(seed:0) ‖ SHA-256(seed:1) ‖ …, where
// the counter is decimal text.
func Blob(seed string, n int) []byte {
	b := make([]byte, 0, n+sha256.Size)
	text := append([]byte(seed), ':')
	for i := 0; len(b) < n; i++ {
		sum := sha256.Sum256(strconv.AppendInt(text, int64(i), 10))
		b = append(b, sum[:]...)
	}
	return b[:n:n]
}

// Ramp returns n bytes, byte i being i+seed modulo 256.
func Ramp(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + seed)
	}
	return b
}

// MustParams returns the parameters for n shards; n must be valid.
func MustParams(n int) shard.Params {
	p, err := shard.NewParams(n)
	if err != nil {
		panic(err)
	}
	return p
}

// ReplaceSliver encodes blob wrongly: the sliver of axis a with index i gets
// other bytes, a function of its own, and the metadata is computed over what
// there is then. All other slivers are those of blob. Its error is that of
// shard.Encode.
func ReplaceSliver(p shard.Params, blob []byte, a shard.Axis, i shard.SliverIndex) (*shard.Metadata, []shard.SliverPair, error) {
	md, pairs, err := shard.Encode(p, blob)
	if err != nil {
		return nil, nil, err
	}
	pair := &pairs[p.PairOfSliver(a, i)]
	s := &pair.Primary
	if a == shard.Secondary {
		s = &pair.Secondary
	}
	s.Data = slices.Clone(s.Data)
	for j := range s.Data {
		s.Data[j] ^= byte(j) | 1
	}
	root, err := Root(p, s)
	if err != nil {
		return nil, nil, err
	}
	hashes := &md.Hashes[p.PairOfSliver(a, i)]
	if a == shard.Primary {
		hashes.Primary = root
	} else {
		hashes.Secondary = root
	}
	return md, pairs, nil
}

// Root returns the hash that metadata would have for the sliver as it is. It is
// a plain second implementation: one symbol at a time, leaves kept.
func Root(p shard.Params, s *shard.Sliver) (shard.Hash, error) {
	k := p.SourceSymbols(s.Axis)
	code, err := rs.New(k, p.Shards()-k)
	if err != nil {
		return shard.Hash{}, err
	}
	layout := rs.NewLayout(s.SymbolSize, 1)
	lanes := make([][]byte, p.Shards())
	leaves := make([][]byte, p.Shards())
	for i := range lanes {
		lanes[i] = make([]byte, layout.Len())
		if i < k {
			layout.Put(lanes[i], 0, s.Data[i*s.SymbolSize:(i+1)*s.SymbolSize])
		}
	}
	if err := code.Encode(lanes[:k], lanes[k:], new(rs.Work)); err != nil {
		return shard.Hash{}, err
	}
	for i := range leaves {
		leaves[i] = make([]byte, s.SymbolSize)
		layout.Get(leaves[i], lanes[i], 0)
	}
	return merkle.New(leaves).Root(), nil
}
