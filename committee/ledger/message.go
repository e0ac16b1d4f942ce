package ledger

import "github.com/floe-storage/floe/shard/bcs"

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
)

func decodeMessage(d *bcs.Decoder) Message {
	switch kind := d.U8(); kind {
	case kindSend:
		return decodeSend(d)
	case kindTransfer:
		return decodeTransfer(d)
	case kindReserve:
		return decodeReserve(d)
	case kindRegister:
		return decodeRegister(d)
	case kindCertify:
		return decodeCertify(d)
	case kindExtend:
		return decodeExtend(d)
	case kindDelete:
		return decodeDelete(d)
	default:
		d.Fail("message of an unknown kind")
		return nil
	}
}
