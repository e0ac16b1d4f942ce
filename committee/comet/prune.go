package comet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/evidence"
	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
)

// How old blocks go.
const (
	keptVersions  = 8       // of the tree: the last ones, those in use beside
	pruneStep     = 32      // heights at once, so that nothing waits long for the disk
	minCompaction = 8 << 20 // bytes of blocks that are gone before LevelDB is asked to shrink
)

// Where the pruner is, so that a crash leaves nothing behind for ever: each key holds the next height,
// u64be. The blocks' own place is the base of the block store.
const (
	keyPrunedResults = "p/results"
	keyPrunedHeaders = "p/headers"
)

// pruner removes what is old, beside the chain and in small steps: first a block and its results, and
// when the time for evidence against its signers is over, its header and commit too. The first header
// stays, and those around each change of validators: with them trust can be carried from the genesis to
// today. It belongs to one goroutine.
type pruner struct {
	keep   uint64 // blocks
	db     *database
	blocks *store.BlockStore
	states state.Store
	tree   *tree
	shelf  *shelf
	log    *slog.Logger
	freed  int64 // bytes of blocks since the last compaction
}

// step prunes a few heights and reports whether there is more to do. After a crash in between, the same
// step is done again and finds some of its work done.
func (p *pruner) step() (more bool, err error) {
	defer catchPanic(&err) // CometBFT's stores panic when the disk fails
	current, err := p.states.Load()
	if err != nil || current.IsEmpty() {
		return false, err
	}
	if err := p.pruneBlocks(current); err != nil {
		return false, fmt.Errorf("prune blocks: %w", err)
	}
	if err := p.pruneResults(); err != nil {
		return false, fmt.Errorf("prune results: %w", err)
	}
	headers, err := p.pruneHeaders(current)
	if err != nil {
		return false, fmt.Errorf("prune headers: %w", err)
	}
	versions, err := p.tree.prune()
	if err != nil {
		return false, fmt.Errorf("prune the state: %w", err)
	}
	if err := p.compact(); err != nil {
		return false, fmt.Errorf("compact: %w", err)
	}
	base := p.blocks.Base() // 0 before the first block
	return headers || versions || base > 0 && base < p.target(current), nil
}

// target returns the oldest height whose block is kept: whoever takes a snapshot from us needs all after it.
func (p *pruner) target(current state.State) int64 {
	target := current.LastBlockHeight + 1 - int64(min(p.keep, uint64(current.LastBlockHeight)))
	if height, ok := p.shelf.oldest(); ok {
		target = min(target, int64(height))
	}
	return target
}

// pruneBlocks removes blocks and what the index says of their transactions.
func (p *pruner) pruneBlocks(current state.State) error {
	base := p.blocks.Base()
	to := min(p.target(current), base+pruneStep)
	if base == 0 || to <= base {
		return nil
	}
	if err := p.begin(base); err != nil {
		return err
	}
	for height := base; height < to; height++ {
		if err := p.dropIndex(height); err != nil {
			return err
		}
	}
	// The block store keeps headers and commits for as long as it believes that evidence may come, but
	// never looks back for them: we tell it that it may always come, and remove them ourselves.
	forever := current.Copy()
	forever.LastBlockTime = current.LastBlockTime.AddDate(-100, 0, 0)
	_, _, err := p.blocks.PruneBlocks(to, forever)
	return err
}

// begin sets the places if this chain was never pruned here: what there is begins with base.
func (p *pruner) begin(base int64) error {
	for _, key := range []string{keyPrunedResults, keyPrunedHeaders} {
		switch at, err := p.place(key); {
		case err != nil:
			return err
		case at == 0:
			if err := p.setPlace(key, base); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropIndex removes the index of a block's transactions; an entry that is of a later block stays.
func (p *pruner) dropIndex(height int64) error {
	block := p.blocks.LoadBlock(height)
	if block == nil {
		return nil
	}
	p.freed += int64(block.Size())
	batch := p.db.NewBatch()
	defer func() { _ = batch.Close() }() // frees memory, no more
	for _, tx := range block.Txs {
		key := indexKey(hashOf(tx))
		place, err := p.db.Get(key)
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(place, binary.BigEndian.AppendUint64(nil, uint64(height))) {
			continue
		}
		if err := batch.Delete(key); err != nil {
			return err
		}
	}
	return batch.Write()
}

// pruneResults removes the results of blocks that are gone. All validators stay, for pruneHeaders.
func (p *pruner) pruneResults() error {
	base := p.blocks.Base()
	from, err := p.place(keyPrunedResults)
	if err != nil || from == 0 || from >= base {
		return err
	}
	if err := p.states.PruneStates(from, base, from); err != nil {
		return err
	}
	return p.setPlace(keyPrunedResults, base)
}

// pruneHeaders removes headers, commits and validators of blocks that are gone and too old for evidence.
func (p *pruner) pruneHeaders(current state.State) (more bool, err error) {
	from, err := p.place(keyPrunedHeaders)
	if err != nil || from == 0 {
		return false, err
	}
	from = max(from, initialHeight+1) // the first stays
	height, until := from, min(p.blocks.Base(), from+pruneStep)
	batch := p.db.NewBatch()
	defer func() { _ = batch.Close() }() // frees memory, no more
	for ; height < until; height++ {
		meta := p.blocks.LoadBlockMeta(height)
		if meta == nil { // before a snapshot
			continue
		}
		if !evidence.IsEvidenceExpired(current.LastBlockHeight, current.LastBlockTime, height, meta.Header.Time, current.ConsensusParams.Evidence) {
			break
		}
		before := p.blocks.LoadBlockMeta(height - 1)
		turning := !bytes.Equal(meta.Header.ValidatorsHash, meta.Header.NextValidatorsHash)
		turned := before != nil && !bytes.Equal(before.Header.ValidatorsHash, meta.Header.ValidatorsHash)
		if turning || turned {
			continue
		}
		if err := p.dropHeader(batch, height); err != nil {
			return false, err
		}
	}
	if height == from {
		return false, nil
	}
	if err := batch.Write(); err != nil {
		return false, err
	}
	return height == until && until < p.blocks.Base(), p.setPlace(keyPrunedHeaders, height)
}

// dropHeader writes into b the end of a header, by CometBFT's names for the keys.
func (p *pruner) dropHeader(b dbm.Batch, height int64) error {
	validators := fmt.Appendf(nil, "s/validatorsKey:%d", height)
	stored, err := p.db.Get(validators)
	if err != nil {
		return err
	}
	var info cmtstate.ValidatorsInfo
	if err := info.Unmarshal(stored); err != nil {
		return fmt.Errorf("%w: validators of height %d: %w", ErrCorrupt, height, err)
	}
	if info.ValidatorSet == nil { // else later heights refer to it
		if err := b.Delete(validators); err != nil {
			return err
		}
	}
	for _, kind := range []string{"H", "C"} {
		if err := b.Delete(fmt.Appendf(nil, "b/%s:%d", kind, height)); err != nil {
			return err
		}
	}
	return nil
}

func (p *pruner) place(key string) (int64, error) {
	b, err := p.db.Get([]byte(key))
	if err != nil || len(b) != 8 {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

func (p *pruner) setPlace(key string, height int64) error {
	return p.db.Set([]byte(key), binary.BigEndian.AppendUint64(nil, uint64(height)))
}

// compact makes LevelDB give space back, when a good part of what it has is gone. Part by part, so that
// nothing waits long.
func (p *pruner) compact() error {
	if p.freed < minCompaction {
		return nil
	}
	size, err := p.db.size()
	if err != nil || p.freed < size/4 {
		return err
	}
	p.freed = 0
	p.log.Debug("compacting", "size", size)
	// Blocks come first in the keys, by the first digit of their height.
	starts := []string{"a/", "b/C", "b/H", "b/P:1", "b/P:2", "b/P:3", "b/P:4", "b/P:5", "b/P:6", "b/P:7", "b/P:8", "b/P:9", "b/S", "e/", "s/", "x/"}
	for i, start := range starts {
		var end []byte
		if i+1 < len(starts) {
			end = []byte(starts[i+1])
		}
		if err := p.db.Compact([]byte(start), end); err != nil {
			return err
		}
	}
	return nil
}

// prune removes what is old after each commit. It ends with stop or with a halt.
func (c *chain) prune(p *pruner) {
	for {
		changed := c.app.change()
		for more := true; more && c.running(); {
			var err error
			if more, err = p.step(); err != nil && c.running() {
				c.log.Warn("old blocks not pruned", "err", err) // again after the next commit
			}
		}
		select {
		case <-c.stopping:
			return
		case <-c.app.halted:
			return
		case <-changed:
		}
	}
}
