package ledger

import (
	"crypto/ed25519"
	"math"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
)

// hosts is a world whose four members belong to accounts 0, 1, 2 and 0, with
// node 4 of account 1, which is in no committee, and a deposit for nodes.
func hosts(t testing.TB) *world {
	t.Helper()
	w := newWorld(t).operated(4).with(func(p *Params) { p.NodeDeposit = 7 * FrostPerWAL })
	w.must(operator(4), w.newcomer(4))
	return w
}

// rotate is the message that gives node n the key of node key.
func (w *world) rotate(n, key byte) RotateKey {
	w.t.Helper()
	public := blsSecret(key + 1).PublicKey()
	proof := blsSecret(key + 1).Sign(committee.PossessionMessage(w.system().Epoch, w.node(n).Account, public))
	return RotateKey{Node: nodeID(n), BLSKey: public, Possession: proof}
}

// Each message of a node is refused for what is wrong with it, and only for that.
// [WL] §2.4, §5.1, §5.3, §5.4 register_invalid_pop_epoch, register_invalid_pop_signer,
// set_incorrect_commission_rate_fail, collect_commission_receiver_fail_incorrect_auth
func TestNodeRefusals(t *testing.T) {
	t.Parallel()
	base := hosts(t)
	registered := func(change func(m *RegisterNode)) func(w *world) (byte, Message) {
		return func(w *world) (byte, Message) {
			m := w.newcomer(5)
			change(&m)
			return operator(5), m
		}
	}
	prove := func(w *world, m *RegisterNode, e committee.Epoch, a Address) {
		m.Candidate.Possession = blsSecret(6).Sign(committee.PossessionMessage(e, a, m.Candidate.BLSKey))
	}
	of := func(from byte, m Message) func(*world) (byte, Message) {
		return func(*world) (byte, Message) { return from, m }
	}
	long := strings.Repeat("x", maxLink+1)
	for _, tt := range []struct {
		name string
		code Code
		make func(w *world) (byte, Message)
	}{
		{"registration", CodeOK, registered(func(*RegisterNode) {})},
		{"for another account", CodeNotOwner, registered(func(m *RegisterNode) { m.Candidate.Account = accountAddress(0) })},
		{"a possession of another epoch", CodeBadPossession, registered(func(m *RegisterNode) { prove(base, m, 2, m.Candidate.Account) })},
		{"a possession for another account", CodeBadPossession, registered(func(m *RegisterNode) { prove(base, m, 1, accountAddress(0)) })},
		{"no proof of the network key", CodeBadPossession, registered(func(m *RegisterNode) { m.NetworkProof[5] ^= 1 })},
		{"no proof of the consensus key", CodeBadPossession, registered(func(m *RegisterNode) { m.ConsensusProof = m.NetworkProof })},
		{"a proof of the keys for another account", CodeBadPossession, registered(func(m *RegisterNode) {
			m.NetworkProof = [64]byte(ed25519.Sign(accountSecret(195), NodeKeyMessage(testChain, accountAddress(0))))
		})},
		{"a proof of the keys for another chain", CodeBadPossession, registered(func(m *RegisterNode) {
			m.NetworkProof = [64]byte(ed25519.Sign(accountSecret(195), NodeKeyMessage("floe-prod", accountAddress(operator(5)))))
		})},
		{"a member's BLS key", CodeKeyTaken, registered(func(m *RegisterNode) { m.Candidate.BLSKey = blsSecret(1).PublicKey() })},
		{"another node's network key", CodeKeyTaken, func(w *world) (byte, Message) {
			m, of := w.newcomer(7), w.newcomer(4) // both of account 1
			m.Candidate.NetworkKey, m.NetworkProof = of.Candidate.NetworkKey, of.NetworkProof
			return operator(7), m
		}},
		{"another node's consensus key", CodeKeyTaken, func(w *world) (byte, Message) {
			m, of := w.newcomer(7), w.newcomer(4)
			m.Candidate.ConsensusKey, m.ConsensusProof = of.Candidate.ConsensusKey, of.ConsensusProof
			return operator(7), m
		}},
		{"a commission above all", CodeBadRate, registered(func(m *RegisterNode) { m.Candidate.Commission = wholeRate + 1 })},
		{"a name too long", CodeMalformed, registered(func(m *RegisterNode) { m.Candidate.Profile.Name = long[:maxName+1] })},
		{"an address too long", CodeMalformed, registered(func(m *RegisterNode) { m.Candidate.Addrs = []string{long[:maxAddr+1]} })},
		{"a link that is no text", CodeMalformed, registered(func(m *RegisterNode) { m.Candidate.Profile.Project = "\xff" })},
		{"a price beyond all", CodeBadVote, registered(func(m *RegisterNode) { m.Candidate.Votes.WritePrice = maxPrice + 1 })},
		{"no money for the deposit", CodeInsufficientFunds, func(w *world) (byte, Message) {
			w.with(func(p *Params) { p.NodeDeposit = 2 * rich })
			return operator(5), w.newcomer(5)
		}},

		{"update", CodeOK, of(1, UpdateNode{Node: nodeID(4), Addrs: []string{"a"}})},
		{"update of no node", CodeNotFound, of(1, UpdateNode{Node: nodeID(5)})},
		{"update of another's node", CodeNotOwner, of(0, UpdateNode{Node: nodeID(4)})},
		{"update with a text too long", CodeMalformed, of(1, UpdateNode{Node: nodeID(4), Profile: Profile{Image: long}})},

		{"votes", CodeOK, of(0, VotePrices{nodeID(0), Votes{StoragePrice: 1, WritePrice: maxPrice, Capacity: math.MaxUint64}})},
		{"votes of no node", CodeNotFound, of(0, VotePrices{Node: nodeID(5)})},
		{"votes of another's node", CodeNotOwner, of(1, VotePrices{Node: nodeID(0)})},
		{"a vote beyond all", CodeBadVote, of(0, VotePrices{nodeID(0), Votes{StoragePrice: maxPrice + 1}})},

		{"commission", CodeOK, of(0, SetCommission{nodeID(0), wholeRate})},
		{"commission of no node", CodeNotFound, of(0, SetCommission{nodeID(5), 1})},
		{"commission of another's node", CodeNotOwner, of(1, SetCommission{nodeID(0), 1})},
		{"commission above all", CodeBadRate, of(0, SetCommission{nodeID(0), wholeRate + 1})},
		{"nothing to collect", CodeOK, of(0, CollectCommission{nodeID(0)})},
		{"collection of no node", CodeNotFound, of(0, CollectCommission{nodeID(5)})},
		{"collection of another's node", CodeNotOwner, of(1, CollectCommission{nodeID(0)})},

		{"rotation", CodeOK, func(w *world) (byte, Message) { return 0, w.rotate(0, 50) }},
		{"rotation of no node", CodeNotFound, of(0, RotateKey{Node: nodeID(5)})},
		{"rotation of another's node", CodeNotOwner, func(w *world) (byte, Message) { return 1, w.rotate(0, 50) }},
		{"rotation to a key that is taken", CodeKeyTaken, func(w *world) (byte, Message) { return 0, w.rotate(0, 1) }},
		{"rotation to its own key", CodeKeyTaken, func(w *world) (byte, Message) { return 0, w.rotate(0, 0) }},
		{"rotation without possession", CodeBadPossession, func(w *world) (byte, Message) {
			m := w.rotate(0, 50)
			m.BLSKey = blsSecret(52).PublicKey()
			return 0, m
		}},
		{"rotation to no key", CodeBadPossession, of(0, RotateKey{Node: nodeID(0), BLSKey: bls.PublicKey{0: 0xc0}})},

		{"transfer", CodeOK, of(0, TransferNode{nodeID(0), accountAddress(1)})},
		{"transfer of no node", CodeNotFound, of(0, TransferNode{nodeID(5), accountAddress(1)})},
		{"transfer of another's node", CodeNotOwner, of(1, TransferNode{nodeID(0), accountAddress(1)})},

		{"exit", CodeOK, of(0, ExitNode{nodeID(0)})},
		{"exit of no node", CodeNotFound, of(0, ExitNode{nodeID(5)})},
		{"exit of another's node", CodeNotOwner, of(1, ExitNode{nodeID(0)})},
		{"exit again", CodeExiting, func(w *world) (byte, Message) {
			w.must(0, ExitNode{nodeID(0)})
			return 0, ExitNode{nodeID(0)}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := *base
			w.t, w.state = t, base.state.clone()
			from, m := tt.make(&w)
			tx, before := w.signed(from, m), w.state.clone()
			r := w.block(tx).Txs[0]
			if Code(r.Code) != tt.code {
				t.Fatalf("got code %d (%s), want %d", r.Code, r.Info, tt.code)
			}
			if tt.code != CodeOK {
				checkCharged(t, tx, before, w.state, r, tt.code != CodeMalformed)
			} else if len(r.Events) == 0 {
				t.Error("it has no event")
			}
		})
	}
}

// A node that registers pays the deposit and can be found; nothing is at stake
// there yet. [WL] §5.1 test_registration
func TestRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(func(p *Params) { p.NodeDeposit, p.FeePerByte, p.FeePerWork = 7*FrostPerWAL, 0, 0 })
	m := w.newcomer(4)
	m.Candidate.Commission = 500
	w.must(operator(4), m)
	if got, want := w.account(operator(4)).Balance, uint64(rich-7*FrostPerWAL); got != want {
		t.Errorf("balance: got %d, want %d", got, want)
	}
	n := w.node(4)
	if n.Deposit != 7*FrostPerWAL || n.Score != wholeRate || n.Stake != 0 || n.Account != accountAddress(operator(4)) || n.BLSKey != m.Candidate.BLSKey {
		t.Errorf("got %+v", n)
	}
	p, err := ReadStakePool(w.state, n.ID)
	if err != nil || !p.Empty() || p.CommissionRate != 500 {
		t.Errorf("pool: got %+v, %v, want an empty one", p, err)
	}
	AscendCandidates(w.state, func(id committee.NodeID, _ uint64) bool {
		if id == n.ID {
			t.Error("a node without stake is a candidate")
		}
		return true
	})
	w.turn()
	if c := w.committee(2); c.Member(n.ID) != nil {
		t.Error("a node without stake is a member")
	}
}

// A new key holds exactly from the committee for which it was chosen, whatever
// is asked for meanwhile. [WL] §6.1 H2, §5.8
func TestRotateKey(t *testing.T) {
	t.Parallel()
	w := hosts(t)
	key := func(n byte) bls.PublicKey { return blsSecret(n + 1).PublicKey() }
	check := func(step string, own, running, claimed bls.PublicKey) {
		t.Helper()
		n, m := w.node(0), w.committee(w.system().Epoch).Member(nodeID(0))
		if n.BLSKey != own || m.BLSKey != running {
			t.Errorf("%s: got %v, in the committee %v, want %v and %v", step, n.BLSKey, m.BLSKey, own, running)
		}
		if got, err := ReadNodeByKey(w.state, claimed); err != nil || got != n.ID {
			t.Errorf("%s: key %v is claimed by %v, %v, want the node", step, claimed, got, err)
		}
	}
	free := func(step string, k bls.PublicKey) {
		t.Helper()
		if got, err := ReadNodeByKey(w.state, k); ignoreNotFound(err) != nil || err == nil {
			t.Errorf("%s: key %v is claimed by %v, %v, want nobody", step, k, got, err)
		}
	}
	w.must(0, w.rotate(0, 50))
	check("asked for", key(0), key(0), key(50))
	w.must(0, w.rotate(0, 51)) // instead
	check("asked for another", key(0), key(0), key(51))
	free("asked for another", key(50))
	w.at(testDuration / 2)
	if got := w.committee(2).Member(nodeID(0)).BLSKey; got != key(51) {
		t.Errorf("chosen with %v, want %v", got, key(51))
	}
	w.must(0, w.rotate(0, 52)) // too late for the next epoch
	check("after the choice", key(0), key(0), key(51))
	w.at(testDuration)
	check("next epoch", key(51), key(51), key(52))
	free("next epoch", key(0))
	w.turn()
	check("the epoch after", key(52), key(52), key(52))
	free("the epoch after", key(51))
	if got := w.node(0).NextKey; got != (bls.PublicKey{}) {
		t.Errorf("got %v waiting, want none", got)
	}
	// The ID stays, and so it is taken, although the key is free.
	m := w.newcomer(0)
	if r := w.block(w.signed(operator(0), m)).Txs[0]; Code(r.Code) != CodeKeyTaken {
		t.Errorf("its first key registers again: got code %d, want %d", r.Code, CodeKeyTaken)
	}
}

// A node that leaves is not chosen any more, and is gone when its shards are
// handed over and its pool is empty. §6 #17
func TestExit(t *testing.T) {
	t.Parallel()
	w := hosts(t).with(func(p *Params) { p.FeePerByte, p.FeePerWork = 0, 0 })
	// Nobody has staked on node 4: it goes at once, with its deposit.
	balance := w.account(operator(4)).Balance
	r := w.block(w.signed(operator(4), ExitNode{nodeID(4)})).Txs[0]
	if got, want := kinds(r.Events), "node_exiting node_removed"; got != want {
		t.Fatalf("events: got %q, want %q", got, want)
	}
	if got := w.account(operator(4)).Balance; got != balance+7*FrostPerWAL {
		t.Errorf("balance: got %d, want the deposit more than %d", got, balance)
	}
	if _, err := ReadNode(w.state, nodeID(4)); err == nil {
		t.Error("the node is still there")
	}
	// Its keys are free, but for the one that its ID came from.
	if r := w.block(w.signed(operator(4), w.newcomer(4))).Txs[0]; Code(r.Code) != CodeKeyTaken {
		t.Errorf("the same node again: got code %d, want %d", r.Code, CodeKeyTaken)
	}
	again := w.newcomer(4)
	other := w.newcomer(7) // of the same account
	again.Candidate.BLSKey, again.Candidate.Possession = other.Candidate.BLSKey, other.Candidate.Possession
	w.must(operator(4), again)

	// Node 0 is a member: it serves until its shards are with others.
	w.must(0, ExitNode{nodeID(0)})
	if w.turn(); w.system().Phase != PhaseHandover || w.committee(2).Member(nodeID(0)) != nil {
		t.Fatal("it is chosen although it leaves")
	}
	w.restake(0, 0) // as if all were withdrawn
	if _, err := ReadNode(w.state, nodeID(0)); err != nil {
		t.Fatalf("it is gone before its shards are handed over: %v", err)
	}
	for _, n := range []byte{1, 2, 3} {
		if len(w.duty(n).Take) > 0 {
			w.must(operator(n), ReportSync{Node: nodeID(n), Epoch: 2})
		}
	}
	out := w.block()
	if got, want := kinds(out.Events), "handover_ended node_removed"; got != want {
		t.Errorf("events: got %q, want %q", got, want)
	}
}
