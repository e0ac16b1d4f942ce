package ledger

import (
	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// rules are what transactions of one block are judged by. The params and the
// running state are those after the last transaction that was carried out.
type rules struct {
	params    Params
	system    System
	shape     shard.Params
	committee *committee.Committee
	height    uint64
	verdicts  *verdicts // nil if only checking
	seats     *seats
	signed    *signatures
}

func (m *Machine) readRules(r Reader, height uint64) (rules, error) {
	u := rules{height: height, seats: &m.seats, signed: &m.signed}
	var err error
	if u.params, err = ReadParams(r); err != nil {
		return u, err
	}
	if u.system, err = ReadSystem(r); err != nil {
		return u, err
	}
	if u.shape, err = shard.NewParams(int(u.params.Shards)); err != nil {
		return u, err
	}
	u.committee, err = m.committeeOf(r, &u)
	return u, err
}

// execution is one transaction on its way through its messages, or, by nobody,
// what a block does by itself.
type execution struct {
	rules
	state   *Overlay // of this execution alone
	sender  Address
	hash    [32]byte
	events  []Event
	results Results
	made    uint32 // objects so far
}

// run judges a transaction and carries it out on state. A refusal for a reason
// that the sender could not know beforehand costs the fee and uses the nonce up;
// every other refusal changes nothing. work is what the block has taken so far.
// What an accepted transaction changes of the rules holds for the next one.
func (u *rules) run(state Store, b []byte, work *uint64) TxResult {
	tx, err := ParseTx(b)
	if err != nil {
		return refused(refuse(CodeMalformed, "%v", err))
	}
	if *work += workOf(tx.Messages); *work > MaxBlockWork {
		return refused(refuse(CodeTooMuchWork, "the block's transactions take %d units of work, at most %d", *work, MaxBlockWork))
	}
	account, refusal := u.admit(state, &tx)
	if refusal != nil {
		return refused(refusal)
	}
	ring, err := readRing(state, u.system.Epoch)
	if err != nil {
		return refused(refuse(CodeMalformed, "%v", err))
	}
	if ring.Rewards, refusal = add(ring.Rewards, tx.Fee); refusal != nil {
		return refused(refusal)
	}
	sender := tx.Sender()
	account.Balance -= tx.Fee
	account.Nonce++
	state.Set(accountKey(sender), encode(account))
	state.Set(ringKey(u.system.Epoch), encode(ring))

	x := &execution{rules: *u, state: NewOverlay(state), sender: sender, hash: tx.hash}
	for _, m := range tx.Messages {
		before := x.made
		if refusal := m.apply(x); refusal != nil {
			r := refused(refusal)
			r.Fee = tx.Fee
			return r
		}
		var made committee.ObjectID
		if x.made > before {
			made = ObjectIDOf(x.hash, before)
		}
		x.results = append(x.results, made)
	}
	x.state.Flush(state)
	*u = x.rules
	data, _ := x.results.AppendBinary(nil)
	return TxResult{Data: data, Events: x.events, Fee: tx.Fee}
}

// admit checks everything about a transaction but its messages and returns the
// sender's account.
func (u *rules) admit(r Reader, tx *Signed) (Account, *Error) {
	var none Account
	if tx.ChainID != u.params.ChainID {
		return none, refuse(CodeWrongChain, "transaction for chain %q, this is %q", tx.ChainID, u.params.ChainID)
	}
	if tx.Expiry < u.height {
		return none, refuse(CodeTxExpired, "valid until height %d, this is %d", tx.Expiry, u.height)
	}
	if tx.Expiry-u.height > MaxTxLifetime {
		return none, refuse(CodeTxExpired, "valid until height %d, at most %d after the present %d", tx.Expiry, MaxTxLifetime, u.height)
	}
	size := len(tx.body) + len(tx.Key) + len(tx.Signature)
	if least := u.params.fee(size, workOf(tx.Messages)); tx.Fee < least {
		return none, refuse(CodeFeeTooLow, "fee of %d FROST, %d are needed", tx.Fee, least)
	}
	account, err := ReadAccount(r, tx.Sender())
	if err != nil {
		return none, refuse(CodeMalformed, "%v", err)
	}
	switch {
	case tx.Nonce < account.Nonce:
		return none, refuse(CodeNonceUsed, "nonce %d was used, the next is %d", tx.Nonce, account.Nonce)
	case tx.Nonce > account.Nonce:
		return none, refuse(CodeNonceAhead, "nonce %d, the next is %d", tx.Nonce, account.Nonce)
	case account.Balance < tx.Fee:
		return none, insufficient(tx.Sender(), account.Balance, tx.Fee)
	case !u.signed.verify(tx):
		return none, refuse(CodeBadSignature, "the signature is not by the sender's key")
	}
	return account, nil
}

func refused(err *Error) TxResult { return TxResult{Code: uint32(err.Code), Info: err.Info} }

func insufficient(a Address, has, needs uint64) *Error {
	return refuse(CodeInsufficientFunds, "account %v has %d FROST, %d are needed", a, has, needs)
}

func (x *execution) newObject() committee.ObjectID {
	id := ObjectIDOf(x.hash, x.made)
	x.made++
	return id
}

func (x *execution) emit(e event) { x.events = append(x.events, toEvent(e)) }

// setSystem writes the running state, for this transaction and those after it.
func (x *execution) setSystem(s System) {
	x.system = s
	x.state.Set([]byte{keySystem}, encode(s))
}

// setParams writes the params, for this transaction and those after it.
func (x *execution) setParams(p Params) {
	x.params = p
	x.state.Set([]byte{keyParams}, encode(p))
}

// pay takes FROST from the sender; the caller says where they go.
func (x *execution) pay(amount uint64) *Error {
	a, err := ReadAccount(x.state, x.sender)
	if err != nil {
		return refuse(CodeMalformed, "%v", err)
	}
	if a.Balance < amount {
		return insufficient(x.sender, a.Balance, amount)
	}
	a.Balance -= amount
	x.state.Set(accountKey(x.sender), encode(a))
	return nil
}

func (x *execution) credit(to Address, amount uint64) *Error {
	a, err := ReadAccount(x.state, to)
	if err != nil {
		return refuse(CodeMalformed, "%v", err)
	}
	sum, refusal := add(a.Balance, amount)
	if refusal != nil {
		return refusal
	}
	a.Balance = sum
	x.state.Set(accountKey(to), encode(a))
	return nil
}

// resolve turns a reference into the ID of an object.
func (x *execution) resolve(r Ref) (committee.ObjectID, *Error) {
	if !r.Result {
		return r.ID, nil
	}
	if int(r.From) >= len(x.results) || x.results[r.From].IsZero() {
		return committee.ObjectID{}, refuse(CodeNotFound, "message %d made no object", r.From)
	}
	return x.results[r.From], nil
}

func (x *execution) ring(e committee.Epoch) (ringEntry, *Error) {
	r, err := readRing(x.state, e)
	if err != nil {
		return r, refuse(CodeMalformed, "%v", err)
	}
	return r, nil
}

func (x *execution) setRing(e committee.Epoch, r ringEntry) { x.state.Set(ringKey(e), encode(r)) }

func readRing(r Reader, e committee.Epoch) (ringEntry, error) {
	if r.Get(ringKey(e)) == nil {
		return ringEntry{}, nil
	}
	return read[ringEntry](r, ringKey(e), "ring entry")
}
