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

	kindBurnFunds      byte = 8
	kindReserveFor     byte = 10
	kindSplitSize      byte = 11
	kindSplitEpoch     byte = 12
	kindFuse           byte = 13
	kindDestroyStorage byte = 14
	kindExtendWith     byte = 15
	kindBurnBlob       byte = 16
	kindAttributes     byte = 17
	kindShare          byte = 18
	kindFund           byte = 19
	kindExtendShared   byte = 20
	kindInvalidate     byte = 21
	kindCreatePool     byte = 30
	kindRegisterPooled byte = 31
	kindExtendPool     byte = 32
	kindGrowPool       byte = 33
	kindShrinkPool     byte = 34
	kindDestroyPool    byte = 35
	kindRegisterNode   byte = 40
	kindUpdateNode     byte = 41
	kindVotePrices     byte = 42
	kindSetCommission  byte = 43
	kindRotateKey      byte = 44
	kindCollect        byte = 45
	kindExitNode       byte = 46
	kindReportSync     byte = 47
	kindTransferNode   byte = 48

	kindStake           byte = 50
	kindRequestWithdraw byte = 51
	kindWithdraw        byte = 52
	kindSplitStake      byte = 53
	kindJoinStake       byte = 54
	kindRedelegate      byte = 55
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
	case kindBurnFunds:
		return codecOf[Message, BurnFunds](), true
	case kindReserveFor:
		return codecOf[Message, ReserveStorageFor](), true
	case kindSplitSize:
		return codecOf[Message, SplitStorageBySize](), true
	case kindSplitEpoch:
		return codecOf[Message, SplitStorageByEpoch](), true
	case kindFuse:
		return codecOf[Message, FuseStorage](), true
	case kindDestroyStorage:
		return codecOf[Message, DestroyStorage](), true
	case kindExtendWith:
		return codecOf[Message, ExtendBlobWithStorage](), true
	case kindBurnBlob:
		return codecOf[Message, BurnBlob](), true
	case kindAttributes:
		return codecOf[Message, SetAttributes](), true
	case kindShare:
		return codecOf[Message, ShareBlob](), true
	case kindFund:
		return codecOf[Message, FundBlob](), true
	case kindExtendShared:
		return codecOf[Message, ExtendSharedBlob](), true
	case kindInvalidate:
		return codecOf[Message, InvalidateBlob](), true
	case kindCreatePool:
		return codecOf[Message, CreatePool](), true
	case kindRegisterPooled:
		return codecOf[Message, RegisterPooledBlob](), true
	case kindExtendPool:
		return codecOf[Message, ExtendPool](), true
	case kindGrowPool:
		return codecOf[Message, GrowPool](), true
	case kindShrinkPool:
		return codecOf[Message, ShrinkPool](), true
	case kindDestroyPool:
		return codecOf[Message, DestroyPool](), true
	case kindRegisterNode:
		return codecOf[Message, RegisterNode](), true
	case kindUpdateNode:
		return codecOf[Message, UpdateNode](), true
	case kindVotePrices:
		return codecOf[Message, VotePrices](), true
	case kindSetCommission:
		return codecOf[Message, SetCommission](), true
	case kindRotateKey:
		return codecOf[Message, RotateKey](), true
	case kindCollect:
		return codecOf[Message, CollectCommission](), true
	case kindExitNode:
		return codecOf[Message, ExitNode](), true
	case kindReportSync:
		return codecOf[Message, ReportSync](), true
	case kindTransferNode:
		return codecOf[Message, TransferNode](), true
	case kindStake:
		return codecOf[Message, Stake](), true
	case kindRequestWithdraw:
		return codecOf[Message, RequestWithdraw](), true
	case kindWithdraw:
		return codecOf[Message, Withdraw](), true
	case kindSplitStake:
		return codecOf[Message, SplitStake](), true
	case kindJoinStake:
		return codecOf[Message, JoinStake](), true
	case kindRedelegate:
		return codecOf[Message, Redelegate](), true
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
