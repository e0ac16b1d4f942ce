package comet

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/floe-storage/floe/p2p"
)

const (
	meshSize   = 20 // up to so many peers everyone talks to everyone
	ringDials  = 2  // beyond, each dials its next two in a ring: no part can be cut off
	otherDials = 3  // and some more, so that news travels fast
)

// neighbors returns whom of the committee to dial: all of a small one, else
// five that follow from the keys alone, so that each member has some ten
// neighbors, those that dial it included. One that fails is still dialed, but
// another takes its place.
func neighbors(self p2p.PeerID, committee []p2p.PeerID, failing func(p2p.PeerID) bool) []p2p.PeerID {
	if len(committee) <= meshSize {
		return committee
	}
	at := sha256.Sum256(self[:])
	ring := sorted(committee, func(id p2p.PeerID) []byte {
		place := sha256.Sum256(id[:])
		if bytes.Compare(place[:], at[:]) > 0 {
			return append([]byte{0}, place[:]...) // comes after us
		}
		return append([]byte{1}, place[:]...) // once around
	})
	taken, rest := take(nil, ring, ringDials, failing)
	others := sorted(rest, func(id p2p.PeerID) []byte {
		distance := sha256.Sum256(append(self[:], id[:]...))
		return distance[:]
	})
	taken, _ = take(taken, others, otherDials, failing)
	return taken
}

// sorted returns the peers in the order of their keys.
func sorted(ids []p2p.PeerID, key func(p2p.PeerID) []byte) []p2p.PeerID {
	keys := make(map[p2p.PeerID][]byte, len(ids))
	for _, id := range ids {
		keys[id] = key(id)
	}
	return slices.SortedFunc(slices.Values(ids), func(a, b p2p.PeerID) int { return bytes.Compare(keys[a], keys[b]) })
}

// take moves peers to taken until n of them do not fail, and returns the rest.
func take(taken, from []p2p.PeerID, n int, failing func(p2p.PeerID) bool) (all, rest []p2p.PeerID) {
	for ; n > 0 && len(from) > 0; from = from[1:] {
		if taken = append(taken, from[0]); !failing(from[0]) {
			n--
		}
	}
	return taken, from
}
