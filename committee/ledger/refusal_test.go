package ledger

import (
	"math"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
	"github.com/floe-storage/floe/shard"
)

// What each message of votes and funds is refused for; the code before its
// name says which. Node 0's account sends where nothing else is said.
func TestGovernanceRefusals(t *testing.T) {
	t.Parallel()
	base := council(t)
	burn := paramID(t, "burn-rate")
	one := []ParamChange{{burn, 1}}
	base.propose(1, 7, ParamChange{burn, 2}) // decided
	base.propose(0, 0, one...)
	denyUpdate := func(w *world, change func(*committee.DenyListUpdate), weight committee.Weight) UpdateDenyList {
		u := committee.DenyListUpdate{Epoch: 1, Node: nodeID(0), Sequence: 5, Size: 6, Root: [32]byte{7}}
		if change != nil {
			change(&u)
		}
		return UpdateDenyList{Node: nodeID(0), Certificate: w.certificateOf(u.Message(), weight)}
	}
	base.must(firstNode, denyUpdate(base, nil, 7))
	denied := func(w *world, e committee.Epoch, blob byte, weight committee.Weight) DeleteDenied {
		return DeleteDenied{w.certificateOf(committee.DenyListedBlob{Epoch: e, Blob: shard.BlobID{blob}}.Message(), weight)}
	}
	base.must(1, denied(base, 1, 1, 4))
	protocol := func(w *world, v committee.ProtocolVersion, weight committee.Weight) UpdateProtocol {
		return UpdateProtocol{w.certificateOf(v.Message(), weight)}
	}
	const none = 50 // an account that controls no node, of those that have FROST
	for _, tt := range []struct {
		name string
		code Code
		from byte // none: account 1
		make func(w *world) Message
	}{
		{"propose for a node that does not exist", CodeNotFound, 0, func(*world) Message { return ProposeParams{committee.NodeID{1}, one} }},
		{"propose for another's node", CodeNotOwner, 0, func(*world) Message { return ProposeParams{nodeID(1), one} }},
		{"propose nothing", CodeBadParams, 0, func(*world) Message { return ProposeParams{nodeID(0), nil} }},
		{"propose too much", CodeBadParams, 0, func(*world) Message { return ProposeParams{nodeID(0), []ParamChange{{burn, 10_001}}} }},
		{"propose twice", CodeAlreadyVoted, 0, func(*world) Message { return ProposeParams{nodeID(0), one} }},
		{"propose what is decided", CodeAlreadyDecided, 0, func(*world) Message { return ProposeParams{nodeID(0), []ParamChange{{burn, 2}}} }},

		{"upgrade by another's node", CodeNotOwner, 0, func(*world) Message { return VoteUpgrade{Node: nodeID(1), Version: 2, Epoch: 2} }},
		{"upgrade to the same version", CodeBadVersion, 0, func(*world) Message { return VoteUpgrade{Node: nodeID(0), Version: 1, Epoch: 2} }},
		{"upgrade over a version", CodeBadVersion, 0, func(*world) Message { return VoteUpgrade{Node: nodeID(0), Version: 3, Epoch: 2} }},
		{"upgrade in the running epoch", CodeBadVersion, 0, func(*world) Message { return VoteUpgrade{Node: nodeID(0), Version: 2, Epoch: 1} }},
		{"upgrade in a thousand epochs", CodeBadVersion, 0, func(*world) Message { return VoteUpgrade{Node: nodeID(0), Version: 2, Epoch: 1002} }},

		{"version by too few", CodeNoQuorum, none, func(w *world) Message {
			return protocol(w, committee.ProtocolVersion{Epoch: 1, Start: 2, Version: 2}, 6)
		}},
		{"version in a past epoch", CodeBadVersion, none, func(w *world) Message {
			return protocol(w, committee.ProtocolVersion{Epoch: 1, Start: 0, Version: 2}, 7)
		}},
		{"version over another", CodeBadVersion, none, func(w *world) Message {
			return protocol(w, committee.ProtocolVersion{Epoch: 1, Start: 2, Version: 3}, 7)
		}},
		{"the last version of all again", CodeBadVersion, none, func(w *world) Message {
			return protocol(w, committee.ProtocolVersion{Epoch: 1, Start: 2, Version: 0}, 7)
		}},
		{"version signed in another epoch", CodeWrongEpoch, none, func(w *world) Message {
			return protocol(w, committee.ProtocolVersion{Epoch: 2, Start: 2, Version: 2}, 7)
		}},
		{"version with a certificate of something else", CodeBadCertificate, none, func(w *world) Message {
			return UpdateProtocol{denied(w, 1, 2, 7).Certificate}
		}},
		{"version with a changed signature", CodeBadCertificate, none, func(w *world) Message {
			m := protocol(w, committee.ProtocolVersion{Epoch: 1, Start: 2, Version: 2}, 7)
			m.Certificate.Signature[5] ^= 1
			return m
		}},

		{"announce for another's node", CodeNotOwner, 0, func(*world) Message { return AnnounceDenyList{Node: nodeID(1), Sequence: 9} }},
		{"announce for no node", CodeNotFound, none, func(*world) Message { return AnnounceDenyList{Sequence: 9} }},
		{"announce the present list", CodeBadSequence, 0, func(*world) Message { return AnnounceDenyList{Node: nodeID(0), Sequence: 5} }},

		{"deny list of another's node", CodeNotOwner, none, func(w *world) Message {
			return denyUpdate(w, func(u *committee.DenyListUpdate) { u.Sequence = 6 }, 7)
		}},
		{"deny list about another node", CodeWrongNode, 0, func(w *world) Message {
			return denyUpdate(w, func(u *committee.DenyListUpdate) { u.Node, u.Sequence = nodeID(1), 6 }, 7)
		}},
		{"deny list that is the present one", CodeBadSequence, 0, func(w *world) Message { return denyUpdate(w, nil, 7) }},
		{"deny list that is an earlier one", CodeBadSequence, 0, func(w *world) Message {
			return denyUpdate(w, func(u *committee.DenyListUpdate) { u.Sequence = 4 }, 7)
		}},
		{"deny list of another epoch", CodeWrongEpoch, 0, func(w *world) Message {
			return denyUpdate(w, func(u *committee.DenyListUpdate) { u.Epoch, u.Sequence = 2, 6 }, 7)
		}},
		{"deny list by too few", CodeNoQuorum, 0, func(w *world) Message {
			return denyUpdate(w, func(u *committee.DenyListUpdate) { u.Sequence = 6 }, 6)
		}},
		{"deny list with a certificate of something else", CodeBadCertificate, 0, func(w *world) Message {
			return UpdateDenyList{nodeID(0), denied(w, 1, 2, 7).Certificate}
		}},
		{"deny list signed by others than it says", CodeBadCertificate, 0, func(w *world) Message {
			m := denyUpdate(w, func(u *committee.DenyListUpdate) { u.Sequence = 6 }, 7)
			m.Certificate.Signers[0] ^= 1
			return m
		}},

		{"denied by too few", CodeNoQuorum, none, func(w *world) Message { return denied(w, 1, 2, 3) }},
		{"denied again", CodeAlreadyDecided, none, func(w *world) Message { return denied(w, 1, 1, 7) }},
		{"denied in another epoch", CodeWrongEpoch, none, func(w *world) Message { return denied(w, 2, 2, 4) }},
		{"denied with a certificate of something else", CodeBadCertificate, none, func(w *world) Message {
			return DeleteDenied{denyUpdate(w, nil, 7).Certificate}
		}},

		{"rewards of nothing", CodeBadSize, none, func(*world) Message { return AddRewards{0, 1} }},
		{"rewards for no epoch", CodeBadEpochs, none, func(*world) Message { return AddRewards{1, 0} }},
		{"rewards too far ahead", CodeBadEpochs, none, func(*world) Message { return AddRewards{1, 6} }},
		{"rewards beyond the balance", CodeInsufficientFunds, none, func(*world) Message { return AddRewards{rich + 1, 5} }},
		{"rewards by epoch for none", CodeBadEpochs, none, func(*world) Message { return AddRewardsByEpoch{} }},
		{"rewards by epoch too far ahead", CodeBadEpochs, none, func(*world) Message { return AddRewardsByEpoch{make([]uint64, 6)} }},
		{"rewards by epoch of nothing", CodeBadSize, none, func(*world) Message { return AddRewardsByEpoch{make([]uint64, 5)} }},
		{"rewards by epoch beyond 64 bits", CodeOverflow, none, func(*world) Message { return AddRewardsByEpoch{[]uint64{1, math.MaxUint64}} }},
		{"rewards by epoch beyond the balance", CodeInsufficientFunds, none, func(*world) Message { return AddRewardsByEpoch{[]uint64{1, rich}} }},
		{"subsidies of nothing", CodeBadSize, none, func(*world) Message { return FundSubsidies{} }},
		{"subsidies beyond the balance", CodeInsufficientFunds, none, func(*world) Message { return FundSubsidies{rich + 1} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := *base
			w.t, w.state, w.machine = t, base.state.clone(), Machine{}
			from := tt.from + firstNode
			if tt.from == none {
				from = 1
			}
			tx := w.signed(from, tt.make(&w))
			check := new(Machine).NewChecker(w.state, w.height).Check(tx)
			before := w.state.clone()
			got := w.block(tx).Txs[0]
			checked := got.Code
			if strings.HasPrefix(got.Info, "bls: ") {
				checked = uint32(CodeOK) // signatures are a block's to check
			}
			if Code(got.Code) != tt.code || check.Code != checked {
				t.Fatalf("got code %d (%s), when checked %d, want %d", got.Code, got.Info, check.Code, tt.code)
			}
			checkCharged(t, tx, before, w.state, got, true)
		})
	}
}

// A node that is registered and not in the committee has no vote.
func TestVotesAreMembers(t *testing.T) {
	t.Parallel()
	w := council(t)
	stranger := Node{ID: NodeIDOf(blsSecret(77).PublicKey()), Candidate: testGenesis(1).Nodes[0].Candidate}
	stranger.Account, stranger.BLSKey = accountAddress(1), blsSecret(77).PublicKey()
	stranger.NetworkKey, stranger.ConsensusKey = [32]byte{77}, [32]byte{78}
	stranger.take(w.state, stake.Pool{})
	for _, m := range []Message{
		ProposeParams{stranger.ID, []ParamChange{{1, 1}}},
		VoteUpgrade{Node: stranger.ID, Version: 2, Epoch: 2},
		AnnounceDenyList{Node: stranger.ID, Sequence: 1},
		UpdateDenyList{Node: stranger.ID},
	} {
		if r := w.block(w.signed(1, m)).Txs[0]; Code(r.Code) != CodeNotMember {
			t.Errorf("%T: got code %d (%s), want %d", m, r.Code, r.Info, CodeNotMember)
		}
	}
}
