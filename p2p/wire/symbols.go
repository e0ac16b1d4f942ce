package wire

import (
	"fmt"
	"io"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
	"github.com/floe-storage/floe/shard/merkle"
)

// variants of a want
const (
	variantWantMetadata = iota
	variantWantSymbols
	wantVariants
)

// Want is one of the things that a call of symbols/2 asks for: a blob's metadata, or the cells where
// the target slivers of Axis cross the source slivers of the other axis. Of a want of metadata only
// Blob is sent.
type Want struct {
	Metadata   bool
	Blob       shard.BlobID
	SymbolSize uint16     // in bytes
	Axis       shard.Axis // of the targets
	Proofs     bool
	Targets    []shard.SliverIndex // at most MaxSymbolIndexes
	Sources    []shard.SliverIndex // at most MaxSymbolIndexes
}

// wantSize is the size of the shortest want in bytes.
const wantSize = 1 + shard.BlobIDSize

// Size returns the length of the want's bytes, or a little more.
func (w *Want) Size() int {
	return wantSize + 2 + 1 + 1 + 2*2 + 2*(len(w.Targets)+len(w.Sources))
}

func (w *Want) encodeTo(e *bcs.Encoder) {
	if w.Metadata {
		e.ULEB(variantWantMetadata)
		e.Fixed(w.Blob[:])
		return
	}
	e.ULEB(variantWantSymbols)
	e.Fixed(w.Blob[:])
	e.U16(w.SymbolSize)
	e.U8(uint8(w.Axis))
	e.Bool(w.Proofs)
	encodeIndexes(e, w.Targets)
	encodeIndexes(e, w.Sources)
}

func (w *Want) decodeFrom(d *bcs.Decoder) {
	*w = Want{Metadata: d.Variant(wantVariants) == variantWantMetadata}
	d.Fixed(w.Blob[:])
	if w.Metadata {
		return
	}
	w.SymbolSize = d.U16()
	w.Axis = decodeAxis(d)
	w.Proofs = d.Bool()
	w.Targets = decodeIndexes(d)
	w.Sources = decodeIndexes(d)
}

// Wants is the request of symbols/2: at most MaxWants, of MaxWantsSize bytes together.
type Wants struct{ List []Want }

// MaxSize implements Message.
func (w *Wants) MaxSize() int { return MaxWantsSize }

// EncodeTo implements Message.
func (w *Wants) EncodeTo(e *bcs.Encoder) {
	e.Count(len(w.List))
	for i := range w.List {
		w.List[i].encodeTo(e)
	}
}

// DecodeFrom implements Message.
func (w *Wants) DecodeFrom(d *bcs.Decoder) {
	w.List = make([]Want, d.Count(MaxWants, wantSize))
	for i := range w.List {
		w.List[i].decodeFrom(d)
	}
}

// Head says what follows for one want. It is not a frame: there is one for each symbol or two.
type Head uint8

// The heads.
const (
	HeadAll     Head = 0 // the body, of all that was wanted
	HeadSome    Head = 1 // a bit for each source wanted, then the body of those that are there
	HeadNone    Head = 2 // nothing: the peer does not have it
	HeadRefused Head = 3 // a status that says why
	headCount   Head = 4
)

// WriteHead writes the head of the symbols of those of n sources for which have is true.
func WriteHead(w io.Writer, have []bool) error {
	b := append(make([]byte, 0, 8), byte(HeadSome))
	b = append(b, make([]byte, (len(have)+7)/8)...)
	count := 0
	for i, h := range have {
		if h {
			b[1+i/8] |= 1 << (i % 8)
			count++
		}
	}
	switch count {
	case len(have):
		b = []byte{byte(HeadAll)}
	case 0:
		b = []byte{byte(HeadNone)}
	}
	_, err := w.Write(b)
	return err
}

// ReadHead reads the head of what was wanted of n sources, or 0 for metadata, and after HeadSome which
// of them the body has.
func ReadHead(r io.Reader, n int) (Head, []bool, error) {
	var one [1]byte
	if _, err := io.ReadFull(r, one[:]); err != nil {
		return 0, nil, err
	}
	h := Head(one[0])
	if h >= headCount || h == HeadSome && n < 2 {
		return 0, nil, fmt.Errorf("%w: head %d for %d sources", ErrMalformed, h, n)
	}
	if h != HeadSome {
		return h, nil, nil
	}
	bits := make([]byte, (n+7)/8)
	if _, err := io.ReadFull(r, bits); err != nil {
		return 0, nil, err
	}
	have := make([]bool, n)
	count := 0
	for i := range 8 * len(bits) {
		if bits[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if i >= n {
			return 0, nil, fmt.Errorf("%w: head names source %d of %d", ErrMalformed, i, n)
		}
		have[i] = true
		count++
	}
	if count == 0 || count == n {
		return 0, nil, fmt.Errorf("%w: head with %d of %d sources has a shorter form", ErrMalformed, count, n)
	}
	return h, have, nil
}

func encodeIndexes(e *bcs.Encoder, list []shard.SliverIndex) {
	e.Count(len(list))
	for _, i := range list {
		e.U16(uint16(i))
	}
}

func decodeIndexes(d *bcs.Decoder) []shard.SliverIndex {
	list := make([]shard.SliverIndex, d.Count(MaxSymbolIndexes, 2))
	for i := range list {
		list[i] = shard.SliverIndex(d.U16())
	}
	return list
}

// ProvenSymbol carries one symbol with its proof.
type ProvenSymbol struct{ Symbol shard.RecoverySymbol }

// MaxSize implements Message.
func (p *ProvenSymbol) MaxSize() int {
	return 2 + 3 + shard.MaxSymbolSize + 1 + merkle.MaxDepth*(1+merkle.HashSize)
}

// EncodeTo implements Message.
func (p *ProvenSymbol) EncodeTo(e *bcs.Encoder) { p.Symbol.EncodeTo(e) }

// DecodeFrom implements Message.
func (p *ProvenSymbol) DecodeFrom(d *bcs.Decoder) { p.Symbol.DecodeFrom(d) }
