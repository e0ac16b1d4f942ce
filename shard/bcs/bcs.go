// Package bcs writes and reads the canonical bytes that Floe hashes, signs,
// stores and sends.
//
// It is the part of Binary Canonical Serialization ([BCS]) that Floe uses.
// Nothing here uses reflection: each type spells out its own layout with an
// [Encoder] and reads it back with a [Decoder].
//
// # Layout
//
//	u8 … u128     fixed width, little endian
//	bool          one byte, 00 or 01
//	fixed array   its elements, no prefix
//	bytes, text   ULEB128 length, then the bytes
//	sequence      ULEB128 count, then the elements
//	enum          ULEB128 variant, then its payload
//	struct        its fields in order
//
// # Invariants
//
// A value has exactly one form. The decoder refuses a ULEB128 that is not the
// shortest, a bool that is neither 0 nor 1, a length above the caller's bound
// or above what is left of the input, and trailing bytes. So whatever decodes
// encodes to the same bytes again. Decoding allocates nothing that is larger
// than the input.
//
// # Concurrency
//
// An Encoder or Decoder belongs to one goroutine.
//
// # Sources
//
//	[BCS] Binary Canonical Serialization, zefchain/bcs
package bcs

import "errors"

// MaxLen is the largest length or count that the format can express.
const MaxLen = 1<<31 - 1

// ErrMalformed marks every error of a Decoder: the input is not the canonical
// form of any value. Its author is wrong, so trying again is of no use.
var ErrMalformed = errors.New("bcs: malformed input")
