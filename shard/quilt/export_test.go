package quilt

import "github.com/floe-storage/floe/shard/bcs"

// For the tests of the rules that New applies to what it is given.
var (
	FindSymbolSize = findSymbolSize
	CompareKeys    = compareKeys
)

// EncodeIndex returns the canonical form of x, version and length before it.
func EncodeIndex(x *Index) []byte {
	var e bcs.Encoder
	e.U8(version)
	e.U32(uint32(x.size()))
	x.encodeTo(&e)
	return e.Data()
}
