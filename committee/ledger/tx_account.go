package ledger

import "github.com/floe-storage/floe/shard/bcs"

// Send moves FROST from the sender to another account.
type Send struct {
	To     Address
	Amount uint64 // FROST, more than 0
}

func (Send) kind() byte { return kindSend }

func (m Send) encode(e *bcs.Encoder) {
	e.Fixed(m.To[:])
	e.U64(m.Amount)
}

func decodeSend(d *bcs.Decoder) Message {
	var m Send
	d.Fixed(m.To[:])
	m.Amount = d.U64()
	return m
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

func (m TransferObject) encode(e *bcs.Encoder) {
	m.Object.encode(e)
	e.Fixed(m.To[:])
}

func decodeTransfer(d *bcs.Decoder) Message {
	m := TransferObject{Object: decodeRef(d)}
	d.Fixed(m.To[:])
	return m
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
