package ledger

// Send moves FROST from the sender to another account.
type Send struct {
	To     Address
	Amount uint64 // FROST, more than 0
}

func (Send) kind() byte { return kindSend }

func (Send) work() uint64 { return workPlain }

func (m *Send) fields(c *codec) {
	c.fixed(m.To[:])
	c.u64(&m.Amount)
}

func (m Send) apply(x *execution) *Error {
	if m.Amount == 0 {
		return refuse(CodeBadSize, "an amount of 0 FROST")
	}
	if err := x.pay(m.Amount); err != nil {
		return err
	}
	if err := x.credit(m.To, m.Amount); err != nil {
		return err
	}
	x.emit(FundsSent{From: x.sender, To: m.To, Amount: m.Amount})
	return nil
}

// BurnFunds destroys FROST of the sender's for good: the supply falls by them.
type BurnFunds struct {
	Amount uint64 // FROST, more than 0
}

func (BurnFunds) kind() byte { return kindBurnFunds }

func (BurnFunds) work() uint64 { return workPlain }

func (m *BurnFunds) fields(c *codec) { c.u64(&m.Amount) }

func (m BurnFunds) apply(x *execution) *Error {
	if m.Amount == 0 {
		return refuse(CodeBadSize, "an amount of 0 FROST")
	}
	if err := x.pay(m.Amount); err != nil {
		return err
	}
	sys := x.system
	sys.Supply -= m.Amount // which was among them
	x.setSystem(sys)
	x.emit(FundsBurned{From: x.sender, Amount: m.Amount})
	return nil
}

// TransferObject gives an object of the sender's to another account: a storage
// resource, a blob object that is neither shared nor in a pool, a pool with the
// blobs in it, or a stake. It must not have ended.
type TransferObject struct {
	Object Ref
	To     Address // not the zero address
}

func (TransferObject) kind() byte { return kindTransfer }

func (TransferObject) work() uint64 { return workPlain }

func (m *TransferObject) fields(c *codec) {
	m.Object.fields(c)
	c.fixed(m.To[:])
}

func (m TransferObject) apply(x *execution) *Error {
	if m.To == (Address{}) {
		return refuse(CodeNobody, "nobody has the zero address")
	}
	id, err := x.resolve(m.Object)
	if err != nil {
		return err
	}
	kind, _ := KindOf(x.state, id)
	if err := x.give(kind, Object(id), m.To); err != nil {
		return err
	}
	x.emit(ObjectTransferred{Object: id, From: x.sender, To: m.To})
	return nil
}

// give makes another account the owner of an object of the sender's.
func (x *execution) give(kind ObjectKind, r Ref, to Address) *Error {
	switch kind {
	case KindBlob:
		before, err := x.ownBlob(r)
		if err != nil {
			return err
		}
		b := before
		b.Owner = to
		x.changeBlob(before, b)
	case KindPool:
		before, err := x.pool(r)
		if err != nil {
			return err
		}
		p := before
		p.Owner = to
		x.changePool(before, p)
	case KindStake:
		before, err := x.staked(r)
		if err != nil {
			return err
		}
		s := before
		s.Owner = to
		put(x.state, before, s)
	default: // or nothing at all
		before, err := x.storage(r)
		if err != nil {
			return err
		}
		s := before
		s.Owner = to
		x.changeStorage(before, s)
	}
	return nil
}
