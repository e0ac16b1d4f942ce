package comet

import (
	"context"
	"fmt"

	dbm "github.com/cometbft/cometbft-db"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/evidence"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
)

// engine is CometBFT put together from its public constructors, without its
// network, RPC server, indexer and metrics.
type engine struct {
	app       proxy.AppConns
	bus       *types.EventBus
	blocks    *store.BlockStore
	states    state.Store
	mempool   *mempool.CListMempool
	evidence  *evidence.Pool
	consensus *consensus.State
	rounds    *consensus.Reactor
	sync      *syncReactor
	reactors  []namedReactor // in the order in which they start
}

// newEngine loads the chain from db and replays into the application the blocks that it lacks. If it shall
// wait, consensus starts with begin only. When newEngine fails nothing is left running.
func newEngine(ctx context.Context, cfg *Config, db *database, a *app, signer types.PrivValidator, wait bool) (_ *engine, err error) {
	log := logBridge{cfg.Logger}
	e := &engine{}
	defer func() {
		// CometBFT panics when its stores and the application do not fit together.
		if r := recover(); r != nil {
			err = fmt.Errorf("load the chain: %v", r)
		}
		if err != nil {
			e.stop()
		}
	}()
	stateDB := dbm.NewPrefixDB(db, []byte("s/"))
	e.blocks = store.NewBlockStore(dbm.NewPrefixDB(db, []byte("b/")))
	e.states = state.NewStore(stateDB, state.StoreOptions{})
	current, genesis, err := node.LoadStateFromDBOrGenesisDocProvider(stateDB, func() (*types.GenesisDoc, error) { return cfg.genesisDoc(), nil })
	if err != nil {
		return nil, fmt.Errorf("load the chain: %w", err)
	}
	e.app = proxy.NewAppConns(proxy.NewLocalClientCreator(a), proxy.NopMetrics())
	e.app.SetLogger(log)
	if err := e.app.Start(); err != nil {
		return nil, fmt.Errorf("start the application: %w", err)
	}
	e.bus = types.NewEventBus()
	if err := e.bus.Start(); err != nil {
		return nil, fmt.Errorf("start the event bus: %w", err)
	}
	handshake := consensus.NewHandshaker(e.states, current, e.blocks, genesis)
	handshake.SetLogger(log)
	if err := handshake.HandshakeWithContext(ctx, e.app); err != nil {
		return nil, fmt.Errorf("replay blocks: %w", err)
	}
	if current, err = e.states.Load(); err != nil {
		return nil, fmt.Errorf("load the chain: %w", err)
	}
	return e, e.assemble(cfg, db, current, signer, wait, log)
}

// assemble makes the reactors on top of the loaded chain.
func (e *engine) assemble(cfg *Config, db *database, current state.State, signer types.PrivValidator, wait bool, log cmtlog.Logger) error {
	conf := cfg.engineConfig()
	e.mempool = mempool.NewCListMempool(conf.Mempool, e.app.Mempool(), current.LastBlockHeight,
		mempool.WithPreCheck(state.TxPreCheck(current)), mempool.WithPostCheck(state.TxPostCheck(current)))
	e.mempool.EnableTxsAvailable()
	txs := mempool.NewReactor(conf.Mempool, e.mempool, false)
	pool, err := evidence.NewPool(dbm.NewPrefixDB(db, []byte("e/")), e.states, e.blocks)
	if err != nil {
		return fmt.Errorf("load evidence: %w", err)
	}
	pool.SetLogger(log)
	e.evidence = pool
	executor := state.NewBlockExecutor(e.states, log, e.app.Consensus(), e.mempool, pool, e.blocks,
		state.BlockExecutorWithBlockTimeTolerance(conf.Consensus.BlockTimeTolerance))
	e.consensus = consensus.NewState(conf.Consensus, current.Copy(), executor, e.blocks, e.mempool, pool)
	e.consensus.SetLogger(log)
	e.consensus.SetPrivValidator(signer)
	e.rounds = consensus.NewReactor(e.consensus, wait)
	e.rounds.SetEventBus(e.bus)
	executor.SetEventBus(types.NopEventBus{}) // our events come from the stored results
	e.sync = newSyncReactor(current.LastBlockHeight, cfg.joinDistance, e.blocks, e.states, executor, e.rounds)
	e.reactors = []namedReactor{
		{"MEMPOOL", txs},
		{"SYNC", e.sync},
		{"CONSENSUS", e.rounds},
		{"EVIDENCE", evidence.NewReactor(pool)},
	}
	for _, r := range e.reactors {
		r.SetLogger(log)
	}
	return nil
}

// begin starts consensus in an engine that was made to wait.
func (e *engine) begin() (err error) {
	defer func() {
		if r := recover(); r != nil { // CometBFT panics when its message log does not open
			err = fmt.Errorf("start consensus: %v", r)
		}
	}()
	current, err := e.states.Load()
	if err != nil {
		return fmt.Errorf("start consensus: %w", err)
	}
	e.rounds.SwitchToConsensus(current, false)
	return nil
}

// stop ends what newEngine started; the reactors are the switch's to stop.
func (e *engine) stop() {
	if e.bus != nil && e.bus.IsRunning() {
		_ = e.bus.Stop() // it was running, so it can be stopped
	}
	if e.app != nil && e.app.IsRunning() {
		_ = e.app.Stop() // CometBFT's own node forgets this
	}
}
