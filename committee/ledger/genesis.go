package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

const (
	nodeTag = "floe/node/1"

	// MaxSupply is the most FROST that a genesis may create. [WL] §0.9
	MaxSupply = 5_000_000_000 * FrostPerWAL

	maxPrice    = FrostPerWAL // FROST per unit, byte or message
	maxGenesis  = 16 << 20    // bytes
	firstEpoch  = 1
	genesisForm = 1
)

// ErrGenesis says that a genesis makes no network: its text names the field.
var ErrGenesis = errors.New("ledger: invalid genesis")

// Genesis is how a network begins. All nodes of a network have the same.
type Genesis struct {
	Params   Params
	Time     uint64 // ms since 1970: the start of the first epoch
	Accounts []Funding
	Nodes    []Node // the members of the first committee; their shards follow from their stake
}

// Funding is an account's balance at genesis.
type Funding struct {
	Address Address
	Balance uint64 // FROST
}

// Node is a storage node as the ledger knows it.
type Node struct {
	ID           committee.NodeID // derived from the BLS key; ignored in a Genesis
	Name         string
	Account      Address       // receives its rewards
	BLSKey       bls.PublicKey // verifies its confirmations
	Possession   bls.Signature // of committee.PossessionMessage(0, Account, BLSKey) by the BLS key
	NetworkKey   [32]byte      // Ed25519, its identity on the network
	ConsensusKey [32]byte      // Ed25519, signs blocks
	Addrs        []string      // multiaddrs
	Stake        uint64        // FROST
	Shards       []shard.Index // ignored in a Genesis
}

// NodeIDOf returns the ID of the node that registers with a BLS key.
func NodeIDOf(key bls.PublicKey) committee.NodeID {
	return sha256.Sum256(append([]byte(nodeTag), key[:]...))
}

func (n Node) member() committee.Member {
	return committee.Member{
		ID: n.ID, Name: n.Name, BLSKey: n.BLSKey, NetworkKey: n.NetworkKey,
		Addrs: n.Addrs, Shards: slices.Clone(n.Shards),
	}
}

// AppendBinary appends the genesis's canonical bytes to b.
func (g Genesis) AppendBinary(b []byte) ([]byte, error) {
	e := bcs.NewEncoder(b)
	e.U8(genesisForm)
	g.Params.encode(e)
	e.U64(g.Time)
	e.Count(len(g.Accounts))
	for _, a := range g.Accounts {
		e.Fixed(a.Address[:])
		e.U64(a.Balance)
	}
	nodes(g.Nodes).encode(e)
	return e.Data(), nil
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
	g.Params = decodeParams(d)
	g.Time = d.U64()
	g.Accounts = make([]Funding, d.Count(maxAccounts, len(Address{})+8))
	for i := range g.Accounts {
		d.Fixed(g.Accounts[i].Address[:])
		g.Accounts[i].Balance = d.U64()
	}
	g.Nodes = decodeNodes(d)
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
	fault(p.ChainID != "" && isText(p.ChainID, maxChainID), "chain ID %q is not text of 1 to %d bytes", p.ChainID, maxChainID)
	_, err := shard.NewParams(int(p.Shards))
	fault(err == nil, "%d shards: %v", p.Shards, err)
	fault(p.EpochDuration > 0 && p.EpochDuration < math.MaxInt64, "epoch duration of %d ms", p.EpochDuration)
	fault(g.Time < math.MaxInt64, "time of %d ms", g.Time)
	fault(p.MaxEpochsAhead > 0 && p.MaxEpochsAhead <= 1000, "%d epochs ahead, want 1 to 1000", p.MaxEpochsAhead)
	for _, price := range []uint64{p.StoragePrice, p.WritePrice, p.FeePerByte, p.FeePerMessage} {
		fault(price <= maxPrice, "price of %d FROST is above %d", price, maxPrice)
	}
	fault(len(g.Nodes) > 0 && len(g.Nodes) <= maxNodes, "%d nodes, want 1 to %d", len(g.Nodes), maxNodes)
	fault(len(g.Nodes) <= int(p.Shards), "%d nodes for %d shards", len(g.Nodes), p.Shards)
	fault(len(g.Accounts) <= maxAccounts, "%d accounts, at most %d", len(g.Accounts), maxAccounts)
	_, overflow := g.supply()
	fault(overflow == nil, "more than %d FROST in all", uint64(MaxSupply))
	for i, n := range g.Nodes {
		fault(n.Stake > 0, "node %d has no stake", i)
		fault(isText(n.Name, maxName), "node %d: name %q is not text of at most %d bytes", i, n.Name, maxName)
		fault(len(n.Addrs) <= maxAddrs, "node %d: %d addresses, at most %d", i, len(n.Addrs), maxAddrs)
		for _, a := range n.Addrs {
			fault(isText(a, maxAddr), "node %d: address %q is not text of at most %d bytes", i, a, maxAddr)
		}
		msg := committee.PossessionMessage(0, n.Account, n.BLSKey)
		err := n.BLSKey.Verify(msg, n.Possession)
		fault(err == nil, "node %d does not prove to possess its BLS key: %v", i, err)
		for _, other := range g.Nodes[:i] {
			fault(n.BLSKey != other.BLSKey && n.NetworkKey != other.NetworkKey && n.ConsensusKey != other.ConsensusKey,
				"node %d shares a key with an earlier node", i)
		}
	}
	if len(faults) == 0 {
		_, ok := g.assign()
		fault(ok, "a node would hold no shard, or the caps leave shards without a holder")
	}
	return errors.Join(faults...)
}

// isText tells whether s is UTF-8 of at most limit bytes.
func isText(s string, limit int) bool { return len(s) <= limit && strings.ToValidUTF8(s, "") == s }

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

// assign returns the nodes with ID and shards, sorted by ID; false if one
// would hold no shard.
func (g Genesis) assign() ([]Node, bool) {
	nodes := slices.Clone(g.Nodes)
	stakes := make([]committee.Weighted, len(nodes))
	ids := make([]committee.NodeID, len(nodes))
	for i := range nodes {
		nodes[i].ID = NodeIDOf(nodes[i].BLSKey)
		stakes[i] = committee.Weighted{ID: nodes[i].ID, Stake: nodes[i].Stake}
		ids[i] = nodes[i].ID
	}
	counts, ok := committee.Apportion(stakes, int(g.Params.Shards))
	if !ok || slices.Contains(counts, 0) {
		return nil, false
	}
	for i, shards := range committee.AssignFirst(ids, counts) {
		nodes[i].Shards = shards
	}
	slices.SortFunc(nodes, func(a, b Node) int { return a.ID.Compare(b.ID) })
	return nodes, true
}

// InitChain writes the first state of the network that genesis describes and
// returns its validators. s must be empty.
func InitChain(s Store, genesis []byte) ([]ValidatorUpdate, error) {
	g, err := ParseGenesis(genesis)
	if err != nil {
		return nil, err
	}
	members, _ := g.assign() // validated
	supply, _ := g.supply()
	s.Set([]byte{keyParams}, encode(g.Params))
	s.Set([]byte{keySystem}, encode(System{Epoch: firstEpoch, EpochStart: g.Time, Supply: supply}))
	s.Set([]byte{keyNodes}, encode(nodes(members)))
	for _, f := range g.Accounts {
		a, err := ReadAccount(s, f.Address) // an address may be listed twice
		if err != nil {
			return nil, err
		}
		a.Balance += f.Balance
		s.Set(accountKey(f.Address), encode(a))
	}
	var validators []ValidatorUpdate
	for _, m := range members {
		validators = append(validators, ValidatorUpdate{ConsensusKey: m.ConsensusKey, Power: int64(len(m.Shards))})
	}
	return validators, nil
}

// nodes is the value under keyNodes.
type nodes []Node

func (ns nodes) encode(e *bcs.Encoder) {
	e.Count(len(ns))
	for _, n := range ns {
		e.Fixed(n.ID[:])
		e.String(n.Name)
		e.Fixed(n.Account[:])
		e.Fixed(n.BLSKey[:])
		e.Fixed(n.Possession[:])
		e.Fixed(n.NetworkKey[:])
		e.Fixed(n.ConsensusKey[:])
		e.Count(len(n.Addrs))
		for _, a := range n.Addrs {
			e.String(a)
		}
		e.U64(n.Stake)
		e.Count(len(n.Shards))
		for _, s := range n.Shards {
			e.U16(uint16(s))
		}
	}
}

func decodeNodes(d *bcs.Decoder) nodes {
	const least = 32 + 1 + 32 + bls.PublicKeySize + bls.SignatureSize + 32 + 32 + 1 + 8 + 1
	ns := make(nodes, d.Count(maxNodes, least))
	for i := range ns {
		n := &ns[i]
		d.Fixed(n.ID[:])
		n.Name = d.String(maxName)
		d.Fixed(n.Account[:])
		d.Fixed(n.BLSKey[:])
		d.Fixed(n.Possession[:])
		d.Fixed(n.NetworkKey[:])
		d.Fixed(n.ConsensusKey[:])
		n.Addrs = make([]string, d.Count(maxAddrs, 1))
		for j := range n.Addrs {
			n.Addrs[j] = d.String(maxAddr)
		}
		n.Stake = d.U64()
		n.Shards = make([]shard.Index, d.Count(math.MaxUint16, 2))
		for j := range n.Shards {
			n.Shards[j] = shard.Index(d.U16())
		}
	}
	return ns
}
