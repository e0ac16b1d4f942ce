package comet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	dbm "github.com/cometbft/cometbft-db"
	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"
	"github.com/cosmos/gogoproto/proto"
)

// Where a state lies on its way from peers to the node's database.
func joinPath(dir string) string   { return filepath.Join(dir, "join") }
func nextPath(dir string) string   { return filepath.Join(dir, "ledger.next") }
func ledgerPath(dir string) string { return filepath.Join(dir, "ledger.db") }
func oldPath(dir string) string    { return filepath.Join(dir, "ledger.old") }

// finishSwap puts a restored database in the place of the one there is. It is
// the same after a crash at any point of it:
//
//	ledger.next and ledger.db    nothing has happened yet
//	ledger.next and ledger.old   the old one is out of the way
//	ledger.db and ledger.old     done, but for the rubbish
//
// CometBFT's message log is of the old blocks, and goes too. What was signed
// last stays: it is of this key, not of the database.
func finishSwap(dir string) error {
	_, err := os.Stat(nextPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(oldPath(dir))
	}
	if err == nil {
		err = os.RemoveAll(filepath.Join(dir, "wal"))
	}
	if err == nil {
		if _, err = os.Stat(ledgerPath(dir)); err == nil {
			err = errors.Join(os.RemoveAll(oldPath(dir)), os.Rename(ledgerPath(dir), oldPath(dir)))
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = errors.Join(os.Rename(nextPath(dir), ledgerPath(dir)), syncDir(dir), os.RemoveAll(oldPath(dir)))
	}
	if err != nil {
		return fmt.Errorf("put the restored state in place: %w", err)
	}
	return nil
}

// restore builds a database from chunks and headers, and returns where it lies.
func (j *joining) restore(ctx context.Context, p *proof) (path string, err error) {
	path = ledgerPath(joinPath(j.n.cfg.Dir))
	db, err := openDatabase(joinPath(j.n.cfg.Dir))
	if err != nil {
		return "", err
	}
	chunks := &chunkReader{alive: ctx.Err, j: j}
	defer chunks.close()
	hash, err := importTree(db, p.last.Height+1, chunks)
	if err == nil && !bytes.Equal(hash, p.later[0].AppHash) {
		err = fmt.Errorf("%w: it hashes to %x, the header says %x", errSnapshot, hash, p.later[0].AppHash)
	}
	if err == nil {
		err = bootstrap(&j.n.cfg, db, p)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	return path, nil
}

// bootstrap writes what consensus needs to go on after p.last, from verified headers.
func bootstrap(cfg *Config, db *database, p *proof) (err error) {
	defer catchPanic(&err) // CometBFT's stores panic when the disk fails
	last, current, next := p.last, p.later[0], p.later[1]
	params := *cfg.genesisDoc().ConsensusParams
	if !bytes.Equal(params.Hash(), current.ConsensusHash) {
		return fmt.Errorf("%w: its consensus parameters are others", errSnapshot)
	}
	restored := state.State{
		Version:                          cmtstate.Version{Consensus: current.Version, Software: version.TMCoreSemVer},
		ChainID:                          cfg.ChainID,
		InitialHeight:                    initialHeight,
		LastBlockHeight:                  last.Height,
		LastBlockID:                      last.Commit.BlockID,
		LastBlockTime:                    last.Time,
		NextValidators:                   next.ValidatorSet,
		Validators:                       current.ValidatorSet,
		LastValidators:                   last.ValidatorSet,
		LastHeightValidatorsChanged:      next.Height,
		ConsensusParams:                  params,
		LastHeightConsensusParamsChanged: current.Height,
		LastResultsHash:                  current.LastResultsHash,
		AppHash:                          current.AppHash,
	}
	if err := state.NewStore(dbm.NewPrefixDB(db, []byte("s/")), state.StoreOptions{}).Bootstrap(restored); err != nil {
		return err
	}
	blockStore := store.NewBlockStore(dbm.NewPrefixDB(db, []byte("b/")))
	if err := blockStore.SaveSeenCommit(last.Height, last.Commit); err != nil {
		return err
	}
	if p.first != nil {
		if err := saveLight(db, p.first); err != nil {
			return err
		}
	}
	return bindChain(db, cfg.chainHash()) // and what went before is on disk, too
}

// saveLight keeps a header that was verified, with its commit and validators, under CometBFT's names, as if
// its block had been pruned.
func saveLight(db *database, b *types.LightBlock) error {
	validators, err := b.ValidatorSet.ToProto()
	if err != nil {
		return err
	}
	info := cmtstate.ValidatorsInfo{ValidatorSet: validators, LastHeightChanged: b.Height}
	meta := types.BlockMeta{BlockID: b.Commit.BlockID, Header: *b.Header}
	for _, kv := range []struct {
		key string
		msg proto.Message
	}{{"b/H", meta.ToProto()}, {"b/C", b.Commit.ToProto()}, {"s/validatorsKey", &info}} {
		value, err := proto.Marshal(kv.msg)
		if err == nil {
			err = db.Set(fmt.Appendf(nil, "%s:%d", kv.key, b.Height), value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkTurns checks the proposer priorities of the height after the snapshot, which no hash covers, against
// who proposed there and, while the validators are the same, later.
func checkTurns(blocks []*types.LightBlock) error {
	first := blocks[0]
	for _, b := range blocks {
		if !bytes.Equal(b.ValidatorsHash, first.ValidatorsHash) {
			return nil
		}
		set := first.ValidatorSet
		if turns := int32(b.Height-first.Height) + b.Commit.Round; turns > 0 {
			set = set.CopyIncrementProposerPriority(turns)
		}
		if !bytes.Equal(set.GetProposer().Address, b.ProposerAddress) {
			return fmt.Errorf("%w: it was another's turn to propose block %d", errSnapshot, b.Height)
		}
	}
	return nil
}
