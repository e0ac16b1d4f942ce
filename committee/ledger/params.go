package ledger

import (
	"fmt"
	"math"

	"github.com/floe-storage/floe/shard"
)

const (
	maxPrice       = 1000 * FrostPerWAL // FROST per unit, byte, work, member or shard
	maxEpochsAhead = 1000               // [WL] §0.9
	maxCapacity    = math.MaxInt64      // bytes
	maxSubsidyRate = 1_000_000          // basis points. [WL] §0.9
)

// DefaultParams returns the parameters of a new network: epochs of two weeks,
// storage for two years ahead, 16 TiB. They make a valid genesis if the chain
// ID and the shards do.
func DefaultParams(chainID string, shards uint16) Params {
	return Params{
		ChainID: chainID, Shards: shards,
		EpochDuration: 14 * 24 * 3600 * 1000, HandoverBlocks: 10_000, MaxEpochsAhead: 53, CommitteeSize: 150,
		Capacity: 1 << 44, StoragePrice: 11_000, WritePrice: 20_000,
		FeePerByte: 1, FeePerWork: 1, DepositRate: wholeRate, NodeDeposit: 10 * FrostPerWAL, MinStake: FrostPerWAL,
		BurnRate: 300, DoubleSignPenalty: 500, SenderPenalty: 10, ReceiverPenalty: 1,
	}
}

// faults lists what is wrong with the parameters.
func (p Params) faults() []string {
	var faults []string
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	fault(p.ChainID != "" && isText(p.ChainID, maxChainID), "chain ID %q is not text of 1 to %d bytes", p.ChainID, maxChainID)
	_, err := shard.NewParams(int(p.Shards))
	fault(err == nil, "%d shards: %v", p.Shards, err)
	fault(p.EpochDuration > 0 && p.EpochDuration < math.MaxInt64, "epoch duration of %d ms", p.EpochDuration)
	fault(p.HandoverBlocks > 0 && p.HandoverBlocks < math.MaxInt64, "hand-over of %d blocks", p.HandoverBlocks)
	fault(p.MaxEpochsAhead > 0 && p.MaxEpochsAhead <= maxEpochsAhead, "%d epochs ahead, want 1 to %d", p.MaxEpochsAhead, maxEpochsAhead)
	fault(p.CommitteeSize > 0 && p.CommitteeSize <= maxMembers, "committee of %d nodes, want 1 to %d", p.CommitteeSize, maxMembers)
	fault(p.Capacity <= maxCapacity, "capacity of %d bytes is above %d", p.Capacity, int64(maxCapacity))
	prices := []uint64{p.StoragePrice, p.WritePrice, p.FeePerByte, p.FeePerWork, p.NodeSubsidy, p.ShardSubsidy}
	for _, price := range prices {
		fault(price <= maxPrice, "price of %d FROST is above %d", price, maxPrice)
	}
	fault(p.NodeDeposit <= MaxSupply && p.MinStake <= MaxSupply, "deposit of %d or stake of %d FROST is above all there can be", p.NodeDeposit, p.MinStake)
	rates := []uint16{p.DepositRate, p.BurnRate, p.DoubleSignPenalty, p.SenderPenalty, p.ReceiverPenalty}
	for _, rate := range rates {
		fault(rate <= wholeRate, "rate of %d basis points is above %d", rate, wholeRate)
	}
	fault(p.SubsidyRate <= maxSubsidyRate, "subsidy of %d basis points is above %d", p.SubsidyRate, maxSubsidyRate)
	return faults
}
