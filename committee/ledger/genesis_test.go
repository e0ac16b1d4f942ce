package ledger

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

func TestInitChain(t *testing.T) {
	t.Parallel()
	g := testGenesis(4)
	g.Accounts = append(g.Accounts, Funding{Address: g.Accounts[0].Address, Balance: 5}) // twice
	b, err := g.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, state: newMemory()}
	validators, err := InitChain(w.state, b)
	if err != nil {
		t.Fatal(err)
	}
	checkState(t, w.state)
	if got, want := w.system(), (System{
		Epoch: 1, EpochStart: testStart, Supply: 4*rich + poor + 5 + 4*1000*FrostPerWAL, Phase: PhaseSettled, Settled: testStart, Synced: 10,
		Protocol: Protocol{Version: 1, Start: 1},
	}); got != want {
		t.Errorf("system: got %+v, want %+v", got, want)
	}
	if got := w.params(); got != g.Params {
		t.Errorf("params: got %+v, want %+v", got, g.Params)
	}
	if got := w.account(0); got != (Account{Balance: rich + 5}) {
		t.Errorf("account: got %+v, want %d", got, rich+5)
	}
	c, err := ReadCommittee(w.state)
	if err != nil {
		t.Fatal(err)
	}
	if c.Epoch() != 1 || len(c.Members()) != 4 || len(validators) != 4 {
		t.Fatalf("got epoch %d, %d members, %d validators", c.Epoch(), len(c.Members()), len(validators))
	}
	next := shard.Index(0)
	for i := range c.Members() {
		m := &c.Members()[i]
		at := slices.IndexFunc(g.Nodes, func(n Founder) bool { return n.BLSKey == m.BLSKey })
		if at < 0 {
			t.Fatalf("member %v is none of the genesis", m.ID)
		}
		n := g.Nodes[at]
		// Four equal stakes: three shards for the first two by ID, as in later epochs.
		want := committee.Weight(3 - i/2)
		if m.ID != NodeIDOf(n.BLSKey) || m.Name != n.Profile.Name || m.NetworkKey != n.NetworkKey || !slices.Equal(m.Addrs, n.Addrs) || m.Weight() != want {
			t.Errorf("member %d: got %+v, want node %d with %d shards", i, m, at, want)
		}
		if got := validators[i]; got.ConsensusKey != n.ConsensusKey || got.Power != int64(m.Weight()) {
			t.Errorf("validator %d: got %+v, want power %d", i, got, m.Weight())
		}
		for _, s := range m.Shards {
			if s != next {
				t.Errorf("member %d: got shard %d, want %d", i, s, next)
			}
			next++
		}
	}
}

func TestGenesisRefuses(t *testing.T) {
	t.Parallel()
	twenty := func(g *Genesis) {
		g.Nodes = slices.Repeat(g.Nodes[:1], 5)
		g.Params.Shards = 4
	}
	for _, tt := range []struct {
		name   string
		change func(g *Genesis)
		want   string
	}{
		{"nothing", func(*Genesis) {}, ""},
		{"no chain ID", func(g *Genesis) { g.Params.ChainID = "" }, "chain ID"},
		{"a long chain ID", func(g *Genesis) { g.Params.ChainID = strings.Repeat("x", maxChainID+1) }, "chain ID"},
		{"a chain ID that is no text", func(g *Genesis) { g.Params.ChainID = "\xff" }, "chain ID"},
		{"too few shards", func(g *Genesis) { g.Params.Shards = 3 }, "3 shards"},
		{"too many shards", func(g *Genesis) { g.Params.Shards = math.MaxUint16 }, "65535 shards"},
		{"no duration", func(g *Genesis) { g.Params.EpochDuration = 0 }, "epoch duration"},
		{"an endless epoch", func(g *Genesis) { g.Params.EpochDuration = math.MaxUint64 }, "epoch duration"},
		{"the end of time", func(g *Genesis) { g.Time = math.MaxUint64 }, "time of"},
		{"no epochs ahead", func(g *Genesis) { g.Params.MaxEpochsAhead = 0 }, "0 epochs ahead"},
		{"too many epochs ahead", func(g *Genesis) { g.Params.MaxEpochsAhead = 1001 }, "1001 epochs ahead"},
		{"a price of storage", func(g *Genesis) { g.Params.StoragePrice = maxPrice + 1 }, "price"},
		{"a price of writing", func(g *Genesis) { g.Params.WritePrice = math.MaxUint64 }, "price"},
		{"a price of bytes", func(g *Genesis) { g.Params.FeePerByte = math.MaxUint64 }, "price"},
		{"a price of messages", func(g *Genesis) { g.Params.FeePerWork = math.MaxUint64 }, "price"},
		{"nobody", func(g *Genesis) { g.Nodes = nil }, "0 nodes"},
		{"more nodes than shards", twenty, "5 nodes for 4 shards"},
		{"a node that would hold no shard", func(g *Genesis) { g.Nodes[3].Stake = 1 }, "no shard"},
		{"a node without stake", func(g *Genesis) { g.Nodes[3].Stake = 0 }, "node 3 has a stake of 0"},
		{"no stake", func(g *Genesis) {
			for i := range g.Nodes {
				g.Nodes[i].Stake = 0
			}
		}, "a stake of 0"},
		{"too much money", func(g *Genesis) { g.Accounts[0].Balance = MaxSupply }, "FROST in all"},
		{"money beyond 64 bits", func(g *Genesis) { g.Accounts[0].Balance, g.Accounts[1].Balance = math.MaxUint64, math.MaxUint64 }, "FROST in all"},
		{"stakes beyond 64 bits", func(g *Genesis) { g.Nodes[0].Stake, g.Nodes[1].Stake = math.MaxUint64, math.MaxUint64 }, "FROST in all"},
		{"a long name", func(g *Genesis) { g.Nodes[1].Profile.Name = strings.Repeat("x", maxName+1) }, "node 1: name"},
		{"a name that is no text", func(g *Genesis) { g.Nodes[1].Profile.Name = "a\xc0" }, "node 1: name"},
		{"many addresses", func(g *Genesis) { g.Nodes[1].Addrs = make([]string, maxAddrs+1) }, "node 1: 17 addresses"},
		{"a long address", func(g *Genesis) { g.Nodes[1].Addrs = []string{strings.Repeat("x", maxAddr+1)} }, "node 1: address"},
		{"a BLS key twice", func(g *Genesis) { g.Nodes[1].BLSKey = g.Nodes[0].BLSKey }, "node 1 shares a key"},
		{"a network key twice", func(g *Genesis) { g.Nodes[1].NetworkKey = g.Nodes[0].NetworkKey }, "node 1 shares a key"},
		{"a consensus key twice", func(g *Genesis) { g.Nodes[3].ConsensusKey = g.Nodes[0].ConsensusKey }, "node 3 shares a key"},
		{"a proof for another account", func(g *Genesis) { g.Nodes[2].Account = accountAddress(9) }, "node 2: it does not prove"},
		{"a proof of another key", func(g *Genesis) { g.Nodes[2].Possession = g.Nodes[1].Possession }, "node 2: it does not prove"},
		{"no key", func(g *Genesis) { g.Nodes[2].BLSKey = [48]byte{0: 0xc0} }, "node 2: it does not prove"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := testGenesis(4)
			tt.change(&g)
			err := g.Validate()
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v, want nil", err)
				}
				return
			}
			if !errors.Is(err, ErrGenesis) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrGenesis for %q", err, tt.want)
			}
			b, fault := g.AppendBinary(nil)
			if fault != nil {
				t.Fatal(fault)
			}
			state := newMemory()
			if _, err := InitChain(state, b); !errors.Is(err, ErrGenesis) || state.writes != 0 {
				t.Errorf("init: got %v and %d writes, want ErrGenesis and none", err, state.writes)
			}
		})
	}
}

// All faults are reported at once.
func TestGenesisFaultsAreJoined(t *testing.T) {
	t.Parallel()
	g := testGenesis(4)
	g.Params.ChainID, g.Params.EpochDuration, g.Nodes[2].Stake = "", 0, 0
	err := g.Validate()
	for _, want := range []string{"chain ID", "epoch duration", "node 2 has a stake of 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %q too", err, want)
		}
	}
}

func TestParseGenesisRefuses(t *testing.T) {
	t.Parallel()
	b, err := testGenesis(1).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"nothing":         nil,
		"another form":    append([]byte{2}, b[1:]...),
		"a byte short":    b[:len(b)-1],
		"a trailing byte": append(slices.Clone(b), 0),
		"too many bytes":  make([]byte, maxGenesis+1),
	} {
		if _, err := ParseGenesis(bad); !errors.Is(err, ErrGenesis) {
			t.Errorf("%s: got %v, want ErrGenesis", name, err)
		}
	}
}
