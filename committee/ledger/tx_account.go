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

// TransferObject gives an object to another account.
type TransferObject struct {
	Object Ref
	To     Address
}

func (TransferObject) kind() byte { return kindTransfer }

func (TransferObject) work() uint64 { return workPlain }

func (m *TransferObject) fields(c *codec) {
	m.Object.fields(c)
	c.fixed(m.To[:])
}

func (m TransferObject) apply(x *execution) *Error {
	id, err := x.resolve(m.Object)
	if err != nil {
		return err
	}
	if x.state.Get(objectKey(keyStorage, id)) != nil {
		s, err := x.storage(m.Object)
		if err != nil {
			return err
		}
		s.Owner = m.To
		x.setStorage(s)
	} else {
		b, err := x.blob(m.Object)
		if err != nil {
			return err
		}
		b.Owner = m.To
		x.setBlob(b)
	}
	x.emit(ObjectTransferred{Object: id, From: x.sender, To: m.To})
	return nil
}
