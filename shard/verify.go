package shard

// VerifySliver checks that a sliver is the one that verified metadata tells of.
// Its error is an *InvalidError with the first that applies of ErrIndex,
// ErrSliverSize, ErrSymbolSize, ErrMismatch; with ErrAxis or ErrMetadata; or it
// is ErrParams.
func VerifySliver(p Params, md *Metadata, s *Sliver) error {
	return VerifySlivers(p, md, []Sliver{*s})[0]
}

// VerifySlivers checks many slivers of one blob at once, each as VerifySliver
// does. The result has an entry per sliver, nil for a good one.
func VerifySlivers(p Params, md *Metadata, slivers []Sliver) []error {
	errs := make([]error, len(slivers))
	g, err := gridOf(p, md)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	var byAxis [2][]int
	for i := range slivers {
		if errs[i] = g.checkShape(&slivers[i]); errs[i] == nil {
			byAxis[slivers[i].Axis] = append(byAxis[slivers[i].Axis], i)
		}
	}
	for _, a := range []Axis{Primary, Secondary} {
		g.verify(md, a, slivers, byAxis[a], errs)
	}
	return errs
}

// checkShape checks everything but the hash.
func (g *grid) checkShape(s *Sliver) error {
	switch {
	case !s.Axis.valid():
		return invalid(ErrAxis, "%v", s)
	case int(s.Index) >= g.n:
		return invalid(ErrIndex, "%v of %d", s, g.n)
	case len(s.Data) != g.SliverSize(s.Axis, g.symbolSize):
		return invalid(ErrSliverSize, "%v of %d bytes, want %d",
			s, len(s.Data), g.SliverSize(s.Axis, g.symbolSize))
	case s.SymbolSize != g.symbolSize:
		return invalid(ErrSymbolSize, "%v with symbols of %d bytes, want %d",
			s, s.SymbolSize, g.symbolSize)
	default:
		return nil
	}
}

// verify checks the hashes of those slivers, all of axis a.
func (g *grid) verify(md *Metadata, a Axis, slivers []Sliver, which []int, errs []error) {
	size := g.batch(len(which))
	tasks := (len(which) + size - 1) / size
	parallel(tasks, func(_ int, next func() (int, bool)) {
		x := g.expander(a)
		batch := make([][]byte, 0, size)
		for t, ok := next(); ok; t, ok = next() {
			part := which[t*size : min((t+1)*size, len(which))]
			batch = batch[:0]
			for _, i := range part {
				batch = append(batch, slivers[i].Data)
			}
			err := x.expand(batch)
			for j, i := range part {
				switch {
				case err != nil:
					errs[i] = err
				case x.root(j) != md.Hash(a, slivers[i].Index):
					errs[i] = invalid(ErrMismatch, "%v", &slivers[i])
				}
			}
		}
	})
}
