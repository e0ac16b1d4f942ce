package ledger

import (
	"bytes"
	"crypto/sha256"
	"strings"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/stake"
	"github.com/floe-storage/floe/shard"
)

const nodeTag = "floe/node/1"

// Profile is what a node tells people about itself.
type Profile struct {
	Name        string // at most 100 bytes
	Image       string // where a picture is; this and the next two at most 500 bytes
	Project     string // where its operator is
	Description string
}

// Votes are what a node wants the network to charge and to sell. They count by
// the shards that it holds.
type Votes struct {
	StoragePrice uint64 // FROST per unit and epoch
	WritePrice   uint64 // FROST per unit
	Capacity     uint64 // encoded bytes that this node can keep
}

// Candidate is what a storage node brings along when it registers.
type Candidate struct {
	Profile      Profile
	Account      Address       // controls the node
	BLSKey       bls.PublicKey // verifies its confirmations
	Possession   bls.Signature // of committee.PossessionMessage(epoch, Account, BLSKey) by the BLS key; epoch 0 in a genesis
	NetworkKey   [32]byte      // Ed25519, its identity on the network
	ConsensusKey [32]byte      // Ed25519, signs blocks
	Addrs        []string      // multiaddrs
	Commission   uint16        // basis points of its reward that are its own to begin with
	Votes        Votes
}

// Founder is a member of the first committee.
type Founder struct {
	Candidate
	Stake uint64 // FROST, at stake from the first epoch on; its Account may withdraw them
}

// Node is a storage node as the ledger knows it.
type Node struct {
	ID committee.NodeID // derived from the BLS key that it registered with
	Candidate
	NextKey bls.PublicKey   // its BLS key from the next committee on into which it is chosen; zero if it keeps its own
	Stake   uint64          // FROST in its pool that count when the next committee is chosen
	Deposit uint64          // FROST, given back when it has left
	Score   uint16          // basis points of its reward that it earns in the running epoch
	Synced  committee.Epoch // the last for which it has reported to hold its shards
	Exiting bool            // it is not chosen any more
}

// NodeIDOf returns the ID of the node that registers with a BLS key.
func NodeIDOf(key bls.PublicKey) committee.NodeID {
	return sha256.Sum256(append([]byte(nodeTag), key[:]...))
}

// ReadNode returns a storage node; an *Error of CodeNotFound if there is none.
func ReadNode(r Reader, id committee.NodeID) (Node, error) {
	return read[Node](r, nodeKey(id), "node")
}

// ReadNodeByKey returns the node that has, or waits to have, a BLS key; an
// *Error of CodeNotFound if there is none.
func ReadNodeByKey(r Reader, key bls.PublicKey) (committee.NodeID, error) {
	id := r.Get(claimKey(claimBLS, key[:]))
	if len(id) != len(committee.NodeID{}) {
		return committee.NodeID{}, refuse(CodeNotFound, "no node has the key %v", key)
	}
	return committee.NodeID(id), nil
}

// check judges a candidate by itself; epoch is that of its proof of possession.
func (k *Candidate) check(epoch committee.Epoch) *Error {
	if err := k.checkTexts(); err != nil {
		return err
	}
	if err := k.Votes.check(); err != nil {
		return err
	}
	if k.Commission > wholeRate {
		return refuse(CodeBadRate, "commission of %d basis points is above %d", k.Commission, wholeRate)
	}
	return checkPossession(epoch, k.Account, k.BLSKey, k.Possession)
}

// checkPossession judges the proof that an account has the secret of a BLS key.
func checkPossession(e committee.Epoch, a Address, key bls.PublicKey, proof bls.Signature) *Error {
	if err := key.Verify(committee.PossessionMessage(e, a, key), proof); err != nil {
		return refuse(CodeBadPossession, "it does not prove to possess its BLS key: %v", err)
	}
	return nil
}

// checkTexts judges what a candidate says of itself.
func (k *Candidate) checkTexts() *Error {
	p := k.Profile
	if !isText(p.Name, maxName) {
		return refuse(CodeBadText, "name %q is not text of at most %d bytes", p.Name, maxName)
	}
	for _, text := range []string{p.Image, p.Project, p.Description} {
		if !isText(text, maxLink) {
			return refuse(CodeBadText, "%q is not text of at most %d bytes", text, maxLink)
		}
	}
	if len(k.Addrs) > maxAddrs {
		return refuse(CodeBadText, "%d addresses, at most %d", len(k.Addrs), maxAddrs)
	}
	for _, a := range k.Addrs {
		if !isText(a, maxAddr) {
			return refuse(CodeBadText, "address %q is not text of at most %d bytes", a, maxAddr)
		}
	}
	return nil
}

// assigned is the node as a member of a committee.
func (k *Candidate) assigned(id committee.NodeID, shards []shard.Index) assigned {
	return assigned{
		ID: id, Name: k.Profile.Name, BLSKey: k.BLSKey, NetworkKey: k.NetworkKey, ConsensusKey: k.ConsensusKey,
		Addrs: k.Addrs, Shards: shards,
	}
}

// take writes a new node with its pool and its claims to its keys and its ID.
func (n *Node) take(s Store, p stake.Pool) {
	s.Set(stakePoolKey(keyStakePool, n.ID), encode(stakePool{p}))
	s.Set(claimKey(claimID, n.ID[:]), n.ID[:])
	s.Set(nodeKey(n.ID), encode(*n))
	if key := candidateKey(n); key != nil {
		s.Set(key, nil)
	}
	for _, key := range n.keys() {
		s.Set(key, n.ID[:])
	}
}

// setNode writes a node that is known and puts it in its place among the
// candidates: nothing else changes either.
func (x *execution) setNode(n Node) {
	before, err := ReadNode(x.state, n.ID)
	sound(err)
	was, is := candidateKey(&before), candidateKey(&n)
	if was != nil && !bytes.Equal(was, is) {
		x.state.Delete(was)
	}
	if is != nil && !bytes.Equal(was, is) {
		x.state.Set(is, nil)
	}
	x.state.Set(nodeKey(n.ID), encode(n))
}

// keys are the state's keys under which a node's public keys are claimed.
func (n *Node) keys() [][]byte {
	keys := [][]byte{claimKey(claimBLS, n.BLSKey[:]), claimKey(claimNetwork, n.NetworkKey[:]), claimKey(claimConsensus, n.ConsensusKey[:])}
	if n.NextKey != (bls.PublicKey{}) {
		keys = append(keys, claimKey(claimBLS, n.NextKey[:]))
	}
	return keys
}

// The kinds of keys that a node claims for itself alone.
const (
	claimBLS byte = iota
	claimNetwork
	claimConsensus
	claimID // of every node that ever was
)

func claimKey(kind byte, key []byte) []byte {
	hash := sha256.Sum256(key)
	return append([]byte{keyKeys, kind}, hash[:]...)
}

// validators returns what changes for consensus when one assignment follows
// another: first what is new or weighs otherwise, then who leaves.
func validators(before, after assignment) []ValidatorUpdate {
	power := func(a assignment, key [32]byte) int64 {
		for _, m := range a.Members {
			if m.ConsensusKey == key {
				return int64(len(m.Shards))
			}
		}
		return 0
	}
	var out []ValidatorUpdate
	for _, m := range after.Members {
		if p := int64(len(m.Shards)); p != power(before, m.ConsensusKey) {
			out = append(out, ValidatorUpdate{ConsensusKey: m.ConsensusKey, Power: p})
		}
	}
	for _, m := range before.Members {
		if power(after, m.ConsensusKey) == 0 {
			out = append(out, ValidatorUpdate{ConsensusKey: m.ConsensusKey})
		}
	}
	return out
}

// isText tells whether s is UTF-8 of at most limit bytes.
func isText(s string, limit int) bool { return len(s) <= limit && strings.ToValidUTF8(s, "") == s }
