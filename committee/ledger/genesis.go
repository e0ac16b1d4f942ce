package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/stake"
	"github.com/floe-storage/floe/shard/bcs"
)

const (
	// MaxSupply is the most FROST that a genesis may create. [WL] §0.9
	MaxSupply = 5_000_000_000 * FrostPerWAL

	maxGenesis  = 16 << 20 // bytes
	firstEpoch  = 1
	genesisForm = 1
)

// ErrGenesis says that a genesis makes no network: its text names the field.
var ErrGenesis = errors.New("ledger: invalid genesis")

// Genesis is how a network begins. All nodes of a network have the same.
type Genesis struct {
	Params   Params // with the prices and the capacity of the first epoch
	Time     uint64 // ms since 1970: the start of the first epoch
	Accounts []Funding
	Nodes    []Founder // the members of the first committee; their shards follow from their stake
}

// Funding is an account's balance at genesis.
type Funding struct {
	Address Address
	Balance uint64 // FROST
}

// AppendBinary appends the genesis's canonical bytes to b.
func (g Genesis) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	e.U8(genesisForm)
	g.fields(&codec{out: e})
	return e.Data(), nil
}

func (g *Genesis) fields(c *codec) {
	g.Params.fields(c)
	c.u64(&g.Time)
	list(c, &g.Accounts, maxAccounts, len(Address{})+8, func(c *codec, f *Funding) {
		c.fixed(f.Address[:])
		c.u64(&f.Balance)
	})
	list(c, &g.Nodes, maxMembers, leastCandidate+8, func(c *codec, f *Founder) { f.fields(c) })
}

// ParseGenesis reads what AppendBinary writes and checks that a network can
// begin with it: otherwise [ErrGenesis].
func ParseGenesis(b []byte) (Genesis, error) {
	var g Genesis
	if len(b) > maxGenesis {
		return g, fmt.Errorf("%w: %d bytes", ErrGenesis, len(b))
	}
	d := bcs.NewDecoder(b)
	if form := d.U8(); form != genesisForm {
		return g, fmt.Errorf("%w: form %d is unknown", ErrGenesis, form)
	}
	g.fields(&codec{in: d})
	if err := d.Finish(); err != nil {
		return g, fmt.Errorf("%w: %w", ErrGenesis, err)
	}
	return g, g.Validate()
}

// Validate reports what is wrong with the genesis, all faults joined.
func (g Genesis) Validate() error {
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%w: %s", ErrGenesis, fmt.Sprintf(format, args...)))
		}
	}
	p := g.Params
	for _, text := range p.faults() {
		fault(false, "%s", text)
	}
	fault(g.Time < math.MaxInt64, "time of %d ms", g.Time)
	fault(len(g.Nodes) > 0 && len(g.Nodes) <= int(p.CommitteeSize), "%d nodes, want 1 to %d", len(g.Nodes), p.CommitteeSize)
	fault(len(g.Nodes) <= int(p.Shards), "%d nodes for %d shards", len(g.Nodes), p.Shards)
	fault(len(g.Accounts) <= maxAccounts, "%d accounts, at most %d", len(g.Accounts), maxAccounts)
	_, overflow := g.supply()
	fault(overflow == nil, "more than %d FROST in all", uint64(MaxSupply))
	for i, n := range g.Nodes {
		fault(n.Stake >= p.MinStake && n.Stake > 0, "node %d has a stake of %d FROST, at least %d are needed", i, n.Stake, p.MinStake)
		if err := n.check(0); err != nil {
			fault(false, "node %d: %s", i, err.Info)
		}
		for _, other := range g.Nodes[:i] {
			fault(n.BLSKey != other.BLSKey && n.NetworkKey != other.NetworkKey && n.ConsensusKey != other.ConsensusKey,
				"node %d shares a key with an earlier node", i)
		}
	}
	if len(faults) == 0 {
		_, ok := g.assign()
		fault(ok, "a node would hold no shard")
	}
	return errors.Join(faults...)
}

func (g Genesis) supply() (uint64, *Error) {
	var sum uint64
	var err *Error
	for _, a := range g.Accounts {
		if sum, err = add(sum, a.Balance); err != nil {
			return 0, err
		}
	}
	for _, n := range g.Nodes {
		if sum, err = add(sum, n.Stake); err != nil {
			return 0, err
		}
	}
	if sum > MaxSupply {
		return 0, refuse(CodeOverflow, "supply of %d", sum)
	}
	return sum, nil
}

// assign returns the first committee; false if a node would hold no shard.
func (g Genesis) assign() (assignment, bool) {
	stakes := make([]committee.Weighted, len(g.Nodes))
	ids := make([]committee.NodeID, len(g.Nodes))
	nodes := slices.Clone(g.Nodes)
	slices.SortFunc(nodes, func(a, b Founder) int { // as those of later epochs
		return cmp.Or(cmp.Compare(b.Stake, a.Stake), NodeIDOf(a.BLSKey).Compare(NodeIDOf(b.BLSKey)))
	})
	for i, n := range nodes {
		ids[i] = NodeIDOf(n.BLSKey)
		stakes[i] = committee.Weighted{ID: ids[i], Stake: n.Stake}
	}
	counts, ok := committee.Apportion(stakes, int(g.Params.Shards))
	if !ok || slices.Contains(counts, 0) {
		return assignment{}, false
	}
	var a assignment
	for i, shards := range committee.AssignFirst(ids, counts) {
		a.Members = append(a.Members, nodes[i].assigned(ids[i], shards))
	}
	slices.SortFunc(a.Members, func(a, b assigned) int { return a.ID.Compare(b.ID) })
	return a, true
}

// InitChain writes the first state of the network that genesis describes and
// returns its validators. s must be empty.
func InitChain(s Store, genesis []byte) ([]ValidatorUpdate, error) {
	g, err := ParseGenesis(genesis)
	if err != nil {
		return nil, err
	}
	first, _ := g.assign() // validated
	supply, _ := g.supply()
	s.Set([]byte{keyParams}, encode(g.Params))
	s.Set([]byte{keySystem}, encode(System{
		Epoch: firstEpoch, EpochStart: g.Time, Supply: supply, Phase: PhaseSettled, Settled: g.Time, Synced: g.Params.Shards,
		Protocol: Protocol{Version: firstVersion, Start: firstEpoch},
	}))
	setAssignment(s, firstEpoch, first)
	for _, f := range g.Accounts {
		a, err := ReadAccount(s, f.Address) // an address may be listed twice
		if err != nil {
			return nil, err
		}
		a.Balance += f.Balance
		s.Set(accountKey(f.Address), encode(a))
	}
	for i, f := range g.Nodes {
		if err := f.found(s, ObjectIDOf(TxHash(genesis), uint32(i))); err != nil {
			return nil, err
		}
	}
	return validators(assignment{}, first), nil
}

// found writes a founder's node, with its stake at work since before the first
// epoch.
func (f *Founder) found(s Store, object committee.ObjectID) error {
	n := Node{ID: NodeIDOf(f.BLSKey), Candidate: f.Candidate, Stake: f.Stake, Score: wholeRate}
	pending := NewOverlay(s)
	b, before := &book{pending, n.ID}, stake.Moment{}
	p, err := stake.New(before, f.Commission)
	if err != nil {
		return err
	}
	position, err := p.Stake(b, before, f.Stake, 0)
	if err != nil {
		return err
	}
	if err := p.Settle(b, firstEpoch); err != nil {
		return err
	}
	pending.Flush(s)
	put(s, nil, StakeObject{ID: object, Owner: f.Account, Node: n.ID, Position: position})
	n.take(s, p)
	return nil
}
