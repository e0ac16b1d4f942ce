package ledger

import "github.com/floe-storage/floe/shard/bcs"

// Message is one step of a transaction.
type Message interface {
	kind() byte
	// work is what the message costs the one who applies it; see Work.
	work() uint64
	// apply carries out the message for the sender. It may leave the state half
	// changed when it refuses: the caller drops it.
	apply(x *execution) *Error
}

// The kinds of messages, as they stand in a transaction. They never change
// their meaning.
const (
	kindSend     byte = 1
	kindTransfer byte = 2
	kindReserve  byte = 3
	kindRegister byte = 4
	kindCertify  byte = 5
	kindExtend   byte = 6
	kindDelete   byte = 7

	kindRegisterNode byte = 40
	kindUpdateNode   byte = 41
	kindVotePrices   byte = 42
	kindRotateKey    byte = 44
	kindReportSync   byte = 47
	kindTransferNode byte = 48
)

// messageKind returns how a kind of message is read and written.
func messageKind(kind byte) (recordCodec[Message], bool) {
	switch kind {
	case kindSend:
		return codecOf[Message, Send](), true
	case kindTransfer:
		return codecOf[Message, TransferObject](), true
	case kindReserve:
		return codecOf[Message, ReserveStorage](), true
	case kindRegister:
		return codecOf[Message, RegisterBlob](), true
	case kindCertify:
		return codecOf[Message, CertifyBlob](), true
	case kindExtend:
		return codecOf[Message, ExtendBlob](), true
	case kindDelete:
		return codecOf[Message, DeleteBlob](), true
	case kindRegisterNode:
		return codecOf[Message, RegisterNode](), true
	case kindUpdateNode:
		return codecOf[Message, UpdateNode](), true
	case kindVotePrices:
		return codecOf[Message, VotePrices](), true
	case kindRotateKey:
		return codecOf[Message, RotateKey](), true
	case kindReportSync:
		return codecOf[Message, ReportSync](), true
	case kindTransferNode:
		return codecOf[Message, TransferNode](), true
	}
	return voteMessageKind(kind)
}

func encodeMessage(e *bcs.Encoder, m Message) {
	e.U8(m.kind())
	if k, ok := messageKind(m.kind()); ok {
		k.write(&codec{out: e}, m)
	}
}

func decodeMessage(d *bcs.Decoder) Message {
	k, ok := messageKind(d.U8())
	if !ok {
		d.Fail("message of an unknown kind")
		return nil
	}
	return k.read(&codec{in: d})
}
