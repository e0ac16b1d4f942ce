package merkle

// Align is what the place and the length of a piece of a leaf are multiples of,
// but for the length of the last: a block of BLAKE2b. The first leaf of a call
// has a number that is a multiple of MaxLanes.
const (
	Align    = blockSize
	MaxLanes = maxLanes
)

// Pieces hashes many leaves of one length of which only a part is at hand at a
// time: first the first piece of each, then the second, and so on. It takes 65
// bytes per leaf. Calls for different leaves may run at the same time.
type Pieces struct {
	lanes  lanes
	states []uint64 // 8 words of each lane, by vector and word
	carry  []byte   // by leaf
}

// NewPieces prepares for that many leaves.
func NewPieces(count int) *Pieces {
	count = (count + maxLanes - 1) / maxLanes * maxLanes
	return &Pieces{lanes: machine, states: make([]uint64, 8*count), carry: make([]byte, count)}
}

// Write takes the pieces of leaves first, first+1, …, all of one length, that
// start at byte off of their leaves. Some more will follow.
func (p *Pieces) Write(first, off int, pieces [][]byte) { p.absorb(nil, first, off, pieces) }

// Finish takes the last pieces as Write does, the first ones if there are no
// others, and sets dst to the hashes of the leaves.
func (p *Pieces) Finish(dst []Hash, first, off int, pieces [][]byte) {
	p.absorb(dst, first, off, pieces)
}

func (p *Pieces) absorb(dst []Hash, first, off int, pieces [][]byte) {
	l := p.lanes
	var state [8 * maxLanes]uint64
	var carry [maxLanes]byte
	var out [maxLanes]Hash
	for i := 0; i < len(pieces); i += int(l) {
		kept, carried := p.states[8*(first+i):8*(first+i+int(l))], p.carry[first+i:first+i+int(l)]
		if off == 0 {
			l.begin(&state)
			carry = [maxLanes]byte{}
		} else {
			copy(state[:], kept)
			copy(carry[:], carried)
		}
		part := part{size: len(pieces[0]), done: off, last: dst != nil, state: &state, carry: &carry}
		part.point(pieces[i:], l)
		l.absorb(&part, &out)
		if dst != nil {
			copy(dst[i:len(pieces)], out[:l])
			continue
		}
		copy(kept, state[:])
		copy(carried, carry[:])
	}
}
