package rs

const (
	// blockSize is the unit of the vector code.
	blockSize = 64
	// blockWords is the number of 16-bit words in a block.
	blockWords = blockSize / 2
)

// Layout says where the symbols of a batch of rows lie in a lane. The package
// comment draws it.
type Layout struct {
	size  int // of a symbol, in bytes
	count int // symbols in the lane
	whole int // bytes of a symbol in whole blocks
	words int // words of a symbol in its tail
}

// NewLayout returns the layout of count symbols of size bytes; size is even.
func NewLayout(size, count int) Layout {
	return Layout{size: size, count: count, whole: size &^ (blockSize - 1), words: size % blockSize / 2}
}

// Len returns the length of a lane in bytes, a multiple of 64.
func (l Layout) Len() int {
	return l.count*l.whole + (l.count*l.words+blockWords-1)/blockWords*blockSize
}

// Plain reports whether a lane is nothing but its symbols side by side.
func (l Layout) Plain() bool { return l.words == 0 }

// Put writes symbol i of the lane; len(symbol) is the size of a symbol.
func (l Layout) Put(lane []byte, i int, symbol []byte) {
	copy(lane[i*l.whole:(i+1)*l.whole], symbol)
	if l.words == 0 {
		return
	}
	low := symbol[l.whole : l.whole+l.words]
	high := symbol[l.whole+l.words : l.whole+2*l.words]
	word := i * l.words
	for len(low) > 0 {
		block, at := l.tail(lane, word)
		n := copy(block[at:blockWords], low)
		copy(block[blockWords+at:], high[:n])
		low, high = low[n:], high[n:]
		word += n
	}
}

// PutRun writes all symbols of the lane from run, in which they lie side by side.
func (l Layout) PutRun(lane, run []byte) {
	if l.words == 0 {
		copy(lane, run)
		return
	}
	for i := range l.count {
		l.Put(lane, i, run[i*l.size:(i+1)*l.size])
	}
}

// Get reads symbol i of the lane into symbol, which has the size of one.
func (l Layout) Get(symbol, lane []byte, i int) {
	copy(symbol[:l.whole], lane[i*l.whole:])
	if l.words == 0 {
		return
	}
	low := symbol[l.whole : l.whole+l.words]
	high := symbol[l.whole+l.words : l.whole+2*l.words]
	word := i * l.words
	for len(low) > 0 {
		block, at := l.tail(lane, word)
		n := copy(low, block[at:blockWords])
		copy(high[:n], block[blockWords+at:])
		low, high = low[n:], high[n:]
		word += n
	}
}

// GetRun reads all symbols of the lane into run, side by side.
func (l Layout) GetRun(run, lane []byte) {
	if l.words == 0 {
		copy(run, lane)
		return
	}
	for i := range l.count {
		l.Get(run[i*l.size:(i+1)*l.size], lane, i)
	}
}

// tail returns the block that holds a word of the tails and its place there.
func (l Layout) tail(lane []byte, word int) (block []byte, at int) {
	off := l.count*l.whole + word/blockWords*blockSize
	return lane[off : off+blockSize], word % blockWords
}
