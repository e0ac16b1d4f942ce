//go:build !amd64 || purego

package merkle

// Without vector code the number of lanes is one and none of these is called for
// more.

func detectLanes() lanes { return 1 }

func (l lanes) pairsVector(_, _ []Hash) int { return 0 }

func (l lanes) crossVector(_, _, _ []Hash) int { return 0 }

func (l lanes) runVector(_ []Hash, _ []byte, _ int) int { return 0 }

func (l lanes) absorbMasked(*part, *[maxLanes]Hash) {}

func (l lanes) compressVector(*[8 * maxLanes]uint64, *[maxLanes]*byte, int, int, int, bool) {}
