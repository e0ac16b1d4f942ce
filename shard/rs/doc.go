// Package rs is the one-dimensional Reed–Solomon code of a blob's rows and
// columns: k source symbols give m parity symbols, and any k of the k+m give the
// source back.
//
// # Words
//
//   - symbol: what the code combines; in this package a slice of bytes whose
//     length is a multiple of 64. The symbols of the reedsolomon library are
//     called shards there.
//   - lane: the slices that hold the same symbol of many rows side by side. The
//     code acts on each 16-bit word alone, so a call codes all rows at once.
//   - point: the field element at which a symbol is the value of the polynomial.
//   - rate: which of two arrangements of points the code has. It follows from k
//     and m and decides the bytes.
//
// # How it works
//
// The field is GF(2^16) with polynomial 0x1002D in the Cantor basis of [LEO]; a
// number below stands for the element with these coordinates. K = pow2(k) and
// M = pow2(m) are the powers of two at or above ([ENC] rate_default.rs).
//
//	low rate, K < M:    source at 0…k-1, zeros at k…K-1, parity at K…K+m-1
//	high rate, K ≥ M:   parity at 0…m-1, source at M…M+k-1, zeros above
//
// In both the polynomial is the one of least degree through source and zeros,
// and parity is its value at the parity points. At K = M both give the same
// bytes. The library has the high rate only; the low rate is the transform of
// [LCH] in transform.go, over the library's vector multiplication.
//
// # Layout of a lane
//
// A block of 64 bytes holds 32 words: low bytes first, then high bytes. The last
// t = size mod 64 bytes of a symbol hold t/2 words in the same way, t/2 low
// bytes, then t/2 high bytes. A lane has the whole blocks of its symbols one
// after the other and then the words of all their tails, as many tails to a
// block as fit:
//
//	blocks of symbol 0 │ blocks of symbol 1 │ … │ tails of 0, 1 │ tails of 2, 3 │ …
//
// So symbols of 64·x bytes lie in a lane as they are.
//
// # Invariants
//
// Decoding any k symbols of a codeword gives the source exactly. Given k symbols
// that are not of one codeword, the result is some source, the one whose
// codeword has these k symbols.
//
// # Concurrency
//
// A Code, a Layout and a Decoder are immutable and safe from any goroutine. A
// Work belongs to one goroutine.
//
// # Sources
//
//	[ENC]  AndersTrier/reed-solomon-simd 3.1.0, as Walrus uses it
//	[LEO]  catid/leopard; klauspost/reedsolomon, leopard.go
//	[LCH]  Lin, Al-Naffouri, Han, Chung: Novel Polynomial Basis with Fast Fourier
//	       Transform and Its Application to Reed–Solomon Erasure Codes, 2016
package rs
