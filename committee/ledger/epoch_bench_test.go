package ledger

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/stake"
)

// benchNode is a node with texts of a usual size; the first thousand have BLS
// keys that are points.
func benchNode(b *testing.B, i int) Node {
	b.Helper()
	var seed [bls.SecretKeySize]byte
	binary.BigEndian.PutUint32(seed[28:], uint32(i+1))
	n := Node{Score: wholeRate, Candidate: Candidate{
		Profile: Profile{Name: fmt.Sprintf("node-%d", i), Image: "https://example.org/image.png", Project: "https://example.org", Description: "A node."},
		Addrs:   []string{"/ip4/192.0.2.1/udp/4001/quic-v1", "/ip6/2001:db8::1/udp/4001/quic-v1"}, Commission: 1000,
	}}
	copy(n.BLSKey[:], seed[:])
	if i < 1000 {
		key, err := bls.ParseSecretKey(seed[:])
		if err != nil {
			b.Fatal(err)
		}
		n.BLSKey = key.PublicKey()
	}
	n.NetworkKey, n.ConsensusKey = [32]byte(append([]byte{1}, seed[1:]...)), [32]byte(append([]byte{2}, seed[1:]...))
	n.Account = Address(seed)
	n.ID = NodeIDOf(n.BLSKey)
	return n
}

// BenchmarkEpoch measures the two blocks that change a committee: that which
// chooses the next one among 10,000 nodes with stake, and that which begins its
// epoch, with rewards for the old committee and every shard changing hands. The
// machine is a new one each time, so that the members' keys are parsed too.
func BenchmarkEpoch(b *testing.B) {
	const nodes = 10_000
	base := NewOverlay(newMemory())
	g := testGenesis(4)
	g.Params.Shards, g.Params.CommitteeSize, g.Params.Capacity = 1000, 150, 1<<50
	genesis, err := g.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := InitChain(base, genesis); err != nil {
		b.Fatal(err)
	}
	x := &execution{state: base, rules: rules{params: g.Params}}
	if x.system, err = ReadSystem(base); err != nil {
		b.Fatal(err)
	}
	for i := range nodes {
		n := benchNode(b, i+4)
		n.take(base, stake.Pool{})
		x.fund(b, n, uint64(2_000_000-100*i)*FrostPerWAL/1000)
	}
	time := uint64(testStart)
	step := func(s Store, height uint64) BlockResult {
		time += testDuration/2 + 1
		return new(Machine).ApplyBlock(s, Block{Height: height, Time: time})
	}
	step(base, 1) // the largest 150 are chosen
	step(base, 2) // and take over
	new(Machine).ApplyBlock(base, Block{Height: 100, Time: time})
	if x.system, err = ReadSystem(base); err != nil || x.system.Phase != PhaseSettled {
		b.Fatalf("got %+v, %v, want it settled", x.system, err)
	}
	for i := range 150 { // others take their place in the next
		n, err := ReadNode(base, benchNode(b, i+4).ID)
		if err != nil {
			b.Fatal(err)
		}
		x.fund(b, n, FrostPerWAL)
	}
	x.setRing(x.system.Epoch, ringEntry{Used: 1 << 40, Rewards: 1_000_000 * FrostPerWAL})
	sys := x.system
	sys.Supply = supplyOf(b, base)
	x.setSystem(sys)
	start := time
	for _, bench := range []string{"select", "change"} {
		b.Run(bench, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := NewOverlay(base)
				time = start
				if bench == "change" {
					step(s, 101)
				}
				b.StartTimer()
				if out := step(s, 102); len(out.Events) == 0 {
					b.Fatal("nothing happened")
				}
			}
		})
	}
}

// fund gives a node's pool an amount that is active in the running epoch.
func (x *execution) fund(b *testing.B, n Node, amount uint64) {
	b.Helper()
	before := stake.Moment{Epoch: x.system.Epoch - 1}
	p, err := stake.New(before, n.Commission)
	if err == nil {
		_, err = p.Stake(x.stakeBook(n.ID), before, amount, 0)
	}
	if err == nil {
		err = p.Settle(x.stakeBook(n.ID), x.system.Epoch)
	}
	if err != nil {
		b.Fatal(err)
	}
	if refusal := x.setStakePool(n, p); refusal != nil {
		b.Fatal(refusal)
	}
}
