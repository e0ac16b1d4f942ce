package ledger

// The kinds of messages by which the network is governed and funded.
const (
	kindProposeParams     byte = 60
	kindVoteUpgrade       byte = 61
	kindUpdateProtocol    byte = 62
	kindAnnounceDenyList  byte = 63
	kindUpdateDenyList    byte = 64
	kindDeleteDenied      byte = 65
	kindAddRewards        byte = 70
	kindFundSubsidies     byte = 71
	kindAddRewardsByEpoch byte = 72
)

// voteMessageKind is messageKind for the kinds above.
func voteMessageKind(kind byte) (recordCodec[Message], bool) {
	switch kind {
	case kindProposeParams:
		return codecOf[Message, ProposeParams](), true
	case kindVoteUpgrade:
		return codecOf[Message, VoteUpgrade](), true
	case kindUpdateProtocol:
		return codecOf[Message, UpdateProtocol](), true
	case kindAnnounceDenyList:
		return codecOf[Message, AnnounceDenyList](), true
	case kindUpdateDenyList:
		return codecOf[Message, UpdateDenyList](), true
	case kindDeleteDenied:
		return codecOf[Message, DeleteDenied](), true
	case kindAddRewards:
		return codecOf[Message, AddRewards](), true
	case kindFundSubsidies:
		return codecOf[Message, FundSubsidies](), true
	case kindAddRewardsByEpoch:
		return codecOf[Message, AddRewardsByEpoch](), true
	}
	return recordCodec[Message]{}, false
}

// voteEventKind is eventKind for the events of those messages, and of what
// follows from them at the end of an epoch.
func voteEventKind(kind string) (recordCodec[event], bool) {
	switch kind {
	case ParamsVoted{}.kind():
		return codecOf[event, ParamsVoted](), true
	case ParamsDecided{}.kind():
		return codecOf[event, ParamsDecided](), true
	case ParamChanged{}.kind():
		return codecOf[event, ParamChanged](), true
	case UpgradeVoted{}.kind():
		return codecOf[event, UpgradeVoted](), true
	case ProtocolDecided{}.kind():
		return codecOf[event, ProtocolDecided](), true
	case DenyListAnnounced{}.kind():
		return codecOf[event, DenyListAnnounced](), true
	case DenyListUpdated{}.kind():
		return codecOf[event, DenyListUpdated](), true
	case DeniedBlobDeleted{}.kind():
		return codecOf[event, DeniedBlobDeleted](), true
	case RewardsAdded{}.kind():
		return codecOf[event, RewardsAdded](), true
	case SubsidiesFunded{}.kind():
		return codecOf[event, SubsidiesFunded](), true
	case SubsidyPaid{}.kind():
		return codecOf[event, SubsidyPaid](), true
	case SubsidiesPaid{}.kind():
		return codecOf[event, SubsidiesPaid](), true
	case TreasuryEmptied{}.kind():
		return codecOf[event, TreasuryEmptied](), true
	}
	return stakeEventKind(kind)
}
