package shard

// Cutter cuts symbols out of slivers, one sliver after the other, with the same
// memory. It is for one goroutine at a time.
type Cutter struct {
	params    Params
	expanders [2]*expander // by axis of the sliver; nil before the first
}

// NewCutter returns a cutter for slivers of a network with parameters p.
func NewCutter(p Params) *Cutter { return &Cutter{params: p} }

// Symbols is the function Symbols. What it returns is the caller's.
func (c *Cutter) Symbols(s Sliver, targets []SliverIndex) ([][]byte, error) {
	x, err := c.expander(&s, targets)
	if err != nil {
		return nil, err
	}
	k := x.SourceSymbols(s.Axis)
	symbols := lanes(len(targets), s.SymbolSize)
	expanded := false
	for i, t := range targets {
		if int(t) < k { // a symbol of the sliver's own
			copy(symbols[i], s.Data[int(t)*s.SymbolSize:])
			continue
		}
		if !expanded {
			if err := x.expand([][]byte{s.Data}); err != nil {
				return nil, err
			}
			expanded = true
		}
		x.symbol(symbols[i], 0, int(t))
	}
	return symbols, nil
}

// expander returns the expander for a sliver, whose symbol size is its own claim,
// and checks that symbols of targets can be cut out of it.
func (c *Cutter) expander(s *Sliver, targets []SliverIndex) (*expander, error) {
	p := c.params
	if p.n == 0 {
		return nil, ErrParams
	}
	if s.SymbolSize <= 0 || s.SymbolSize > MaxSymbolSize || s.SymbolSize%symbolAlignment != 0 {
		return nil, invalid(ErrSymbolSize, "%v with symbols of %d bytes", s, s.SymbolSize)
	}
	if !s.Axis.valid() {
		return nil, invalid(ErrAxis, "%v", s)
	}
	x := c.expanders[s.Axis]
	if x == nil || x.symbolSize != s.SymbolSize {
		g, err := newGrid(p, s.SymbolSize)
		if err != nil {
			return nil, err
		}
		if x == nil {
			x = g.expander(s.Axis)
			c.expanders[s.Axis] = x
		}
		x.grid = g
	}
	if err := x.checkShape(s); err != nil {
		return nil, err
	}
	if len(targets) > p.n {
		return nil, invalid(ErrCount, "%d symbols of %v, which has %d", len(targets), s, p.n)
	}
	for _, t := range targets {
		if int(t) >= p.n {
			return nil, invalid(ErrIndex, "%s of %d", sliverName(s.Axis.Other(), t), p.n)
		}
	}
	return x, nil
}
