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
	per   int // tails in a block
}

// NewLayout returns the layout of count symbols of size bytes; size is even.
func NewLayout(size, count int) Layout {
	l := Layout{size: size, count: count, whole: size &^ (blockSize - 1), words: size % blockSize / 2}
	if l.words > 0 {
		l.per = blockWords / l.words
	}
	return l
}

// Len returns the length of a lane in bytes, a multiple of 64.
func (l Layout) Len() int {
	size := l.count * l.whole
	if l.words > 0 {
		size += (l.count + l.per - 1) / l.per * blockSize
	}
	return size
}

// Plain reports whether a lane is nothing but its symbols side by side.
func (l Layout) Plain() bool { return l.words == 0 }

// Put writes symbol i of the lane; len(symbol) is the size of a symbol.
func (l Layout) Put(lane []byte, i int, symbol []byte) {
	copy(lane[i*l.whole:(i+1)*l.whole], symbol)
	if l.words == 0 {
		return
	}
	at := l.count*l.whole + i/l.per*blockSize + i%l.per*l.words
	l.split(lane[at:], symbol[l.whole:])
}

// Get reads symbol i of the lane into symbol, which has the size of one.
func (l Layout) Get(symbol, lane []byte, i int) {
	copy(symbol[:l.whole], lane[i*l.whole:])
	if l.words == 0 {
		return
	}
	at := l.count*l.whole + i/l.per*blockSize + i%l.per*l.words
	l.join(symbol[l.whole:], lane[at:])
}

// PutRun writes all symbols of the lane from run, in which they lie side by side.
func (l Layout) PutRun(lane, run []byte) {
	if l.words == 0 {
		copy(lane, run)
		return
	}
	tails, at := lane[l.count*l.whole:], 0
	for i := range l.count {
		symbol := run[i*l.size : (i+1)*l.size]
		copy(lane[i*l.whole:(i+1)*l.whole], symbol)
		l.split(tails[at:], symbol[l.whole:])
		at = l.next(at)
	}
}

// GetRun reads all symbols of the lane into run, side by side.
func (l Layout) GetRun(run, lane []byte) {
	if l.words == 0 {
		copy(run, lane)
		return
	}
	tails, at := lane[l.count*l.whole:], 0
	for i := range l.count {
		symbol := run[i*l.size : (i+1)*l.size]
		copy(symbol[:l.whole], lane[i*l.whole:])
		l.join(symbol[l.whole:], tails[at:])
		at = l.next(at)
	}
}

// next returns the place of the tail after the one at at.
func (l Layout) next(at int) int {
	at += l.words
	if at%blockSize+l.words > blockWords {
		at = (at/blockSize + 1) * blockSize
	}
	return at
}

// split puts a tail into the two halves of a block.
func (l Layout) split(block, tail []byte) {
	w := l.words
	if w <= fewWords {
		low, high, tail := block[:w], block[blockWords:blockWords+w], tail[:2*w]
		for i := range low {
			low[i], high[i] = tail[i], tail[w+i]
		}
		return
	}
	copy(block[:w], tail)
	copy(block[blockWords:blockWords+w], tail[w:])
}

// join puts a tail together from the two halves of a block.
func (l Layout) join(tail, block []byte) {
	w := l.words
	if w <= fewWords {
		low, high, tail := block[:w], block[blockWords:blockWords+w], tail[:2*w]
		for i := range low {
			tail[i], tail[w+i] = low[i], high[i]
		}
		return
	}
	copy(tail, block[:w])
	copy(tail[w:2*w], block[blockWords:])
}

// fewWords is up to where moving bytes one by one is faster than calls of copy.
const fewWords = 4
