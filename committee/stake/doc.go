// Package stake is the arithmetic of one storage node's stake pool: what
// delegated money earns, loses and pays out.
//
// # Words
//
// A [Position] is one delegator's stake in a pool. It is pending until its
// activation epoch, then it is active: it holds shares of the pool's balance,
// which grows by rewards and shrinks by losses. A position that was asked back
// leaves at its withdraw epoch; until it is fetched its money lies in the
// [Exit] of that epoch. A [Rate] is what shares were worth when an epoch began.
//
// # How it works
//
// A pool does nothing between operations. Each operation first settles it: the
// epochs in which stake enters or leaves are gone through in order
// ([Pool.Settle]). A pool that earned is instead advanced at each change of
// epoch ([Pool.Advance]), before any other operation in that epoch. What has to
// be kept for each epoch lies outside the Pool, behind [Book]. What the pool
// cannot know about the epoch is told by a [Moment].
//
// The pool holds the principals as well as the rewards; a position is only a
// claim, and after a loss it may be worth less than was paid in.
//
// # Rounding
//
// All amounts are FROST. Shares and payments are rounded down, losses up. What
// rounding leaves stays with the others in the pool or in the exit, and the
// last to leave takes all that is left, so nothing is stranded. A delegator
// loses to the others less than what one share is worth when entering, the same
// for each part when splitting, and less than one FROST when leaving.
//
// One share is one FROST at first. After losses the shares outnumber the FROST;
// once they are more than twice as many, every two become one and [Rate.Scale]
// counts the halving. So shares always fit 64 bits, and a pool that lost
// everything starts anew with the next stake.
//
// # Invariants
//
// Money in is money out plus [Pool.Money] plus the exits. The shares of all
// positions, each rounded down, are together at most the pool's; those that
// leave are part of them. Every position can be withdrawn in the end, and then
// the pool is empty. Nothing wraps: what does not fit 64 bits is [ErrOverflow].
// The package knows no clock, map, float, key or store.
//
// An operation that returns an error may have changed the pool and the book:
// the caller drops both.
//
// # Concurrency
//
// Nothing here locks. A pool and its book are used by one call at a time.
//
// # Sources
//
//	[WL] the Walrus control plane as a state machine, commit 3c1cacc11c92
package stake
