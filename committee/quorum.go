package committee

// Quorum tells whether weight w of n shards is certain to hold a majority of
// the correct ones: 3w >= 2n+1. [WE] §5.9
func Quorum(w Weight, n int) bool { return 3*int(w) >= 2*n+1 }

// Validity tells whether weight w of n shards is certain to hold at least one
// correct one: 3w >= n+1. [WE] §5.9
func Validity(w Weight, n int) bool { return 3*int(w) >= n+1 }
