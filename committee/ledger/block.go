package ledger

// A Block is what consensus has agreed on.
type Block struct {
	Height uint64
	Time   uint64 // of the block header, in ms since 1970
	Txs    [][]byte
	// Evidence is the misbehavior of validators that the block proves.
	Evidence []Misbehavior
}

// Misbehavior is a validator's breach of the rules of consensus, proven by
// signatures that contradict each other.
type Misbehavior struct {
	Validator [20]byte // the first bytes of the SHA-256 of its consensus key
	Height    uint64   // of the blocks that it signed
	Power     int64    // that it had
}

// An Event is one state change: a stable name and its canonical bytes, which
// the Parse function of that name reads.
type Event struct {
	Kind string
	Body []byte
}

// TxResult is what became of one transaction.
type TxResult struct {
	Code   uint32  // CodeOK, or why it was refused
	Info   string  // the reason in words; empty if accepted
	Data   []byte  // BCS: the objects made, see ParseResults
	Events []Event // none if refused
	Fee    uint64  // FROST charged
}

// A ValidatorUpdate gives a validator's new voting power; 0 removes it.
type ValidatorUpdate struct {
	ConsensusKey [32]byte // Ed25519
	Power        int64    // shards held
}

// BlockResult is what a block did.
type BlockResult struct {
	Txs        []TxResult // one for each transaction of the block, in order
	Events     []Event    // of the block itself: the epoch's change
	Validators []ValidatorUpdate
}

// BlockEvents is what one block changed.
type BlockEvents struct {
	Height uint64
	Time   uint64 // ms since 1970
	Events []TxEvent
}

// TxEvent is an event with the transaction that caused it.
type TxEvent struct {
	Tx    [32]byte // zero for what the block did by itself
	Index uint32   // among the events of the transaction
	Event
}
