package ledger

import "fmt"

// Code says why a transaction was refused. Codes are stable: programs may
// depend on them. CodeOK is success.
type Code uint32

// The codes; those after CodeOK say why a transaction was refused.
const (
	CodeOK                Code = 0
	CodeMalformed         Code = 1  // not the canonical bytes of a transaction
	CodeWrongChain        Code = 2  // signed for another network
	CodeBadSignature      Code = 3  // the signature is not by the sender's key
	CodeNonceUsed         Code = 4  // a transaction with this nonce was applied before: a replay
	CodeNonceAhead        Code = 5  // an earlier nonce is missing
	CodeTxExpired         Code = 6  // past the last height at which the sender wanted it
	CodeFeeTooLow         Code = 7  // less than bytes and work cost
	CodeInsufficientFunds Code = 8  // the account cannot pay
	CodeNotFound          Code = 9  // no such object
	CodeNotOwner          Code = 10 // the object belongs to somebody else
	CodeWrongKind         Code = 11 // an object of one kind where another is needed, such as a blob for storage
	CodeBadEpochs         Code = 12 // zero epochs, or further ahead than storage is sold
	CodeBadSize           Code = 13 // a size of zero, or a blob too large for the shards
	CodeNoCapacity        Code = 14 // the network has not that much space left
	CodeResourceBounds    Code = 15 // the storage begins later than the running epoch
	CodeResourceSize      Code = 16 // the storage is smaller than the encoded blob
	CodeBadEncoding       Code = 17 // an encoding that is not supported
	CodeBadBlobID         Code = 18 // the blob ID does not follow from root, size and encoding
	CodeAlreadyCertified  Code = 19
	CodeNotCertified      Code = 20
	CodeExpired           Code = 21 // the object's end has come
	CodeBadCertificate    Code = 22 // malformed, not signed by its signers, or about something else
	CodeNoQuorum          Code = 23 // the certificate's signers weigh too little
	CodeWrongEpoch        Code = 24 // the certificate is of another epoch
	CodeBadPersistence    Code = 25 // certified as permanent and registered as deletable, or the reverse
	CodeNotDeletable      Code = 26
	CodeOverflow          Code = 27 // an amount beyond 64 bits
	CodeTooMuchWork       Code = 28 // more work than a block may take
	CodeBadText           Code = 29 // too long, not UTF-8, or too many
	CodeBadRate           Code = 30 // beyond the basis points that are allowed
	CodeBadPossession     Code = 31 // no proof of the possession of a key

	CodeInvalidBlob   Code = 40 // the blob is recorded as encoded wrongly
	CodeShared        Code = 41 // the blob is shared: its owner has given this up
	CodeNotShared     Code = 42
	CodePooled        Code = 43 // the blob is in a pool: this is done with the pool
	CodeNotAdjacent   Code = 44 // storage of epochs that do not follow on
	CodeDifferentSize Code = 45 // storage of another size
	CodeBadAttribute  Code = 46 // not UTF-8, too long, or too many
	CodeNoAttribute   Code = 47 // there is none to remove
	CodeAlreadyInPool Code = 48 // the pool has a blob of this ID
	CodePoolFull      Code = 49 // the pool has too little room
	CodePoolNotEmpty  Code = 50 // there are blobs in the pool
	CodeNobody        Code = 51 // the zero address, which nobody has

	CodeKeyTaken  Code = 70 // another node has registered the key
	CodeNotMember Code = 71 // the node is not in the running epoch's committee
	CodeReported  Code = 72 // the node has nothing to report, or has reported before
	CodeBadShards Code = 73 // shards that the node was not to take over, or out of order
	CodeBadVote   Code = 74 // a price beyond what is allowed
	CodeExiting   Code = 75 // the node is leaving

	CodeStakeTooSmall  Code = 100 // less than the least stake, or nothing
	CodeStakeRequested Code = 101 // the stake is asked back already
	CodeStakeIdle      Code = 102 // the stake serves no committee: it needs no request
	CodeStakeServes    Code = 103 // the stake serves a committee: it has to be asked back first
	CodeStakeEarly     Code = 104 // the stake has not left yet
	CodeStakeHeld      Code = 105 // the stake has left, and is held until the shards are handed over
	CodeStakePart      Code = 106 // not a part of the stake that leaves something
	CodeStakeMismatch  Code = 107 // stakes that cannot be one
	CodeSameNode       Code = 108 // the stake is with that node already

	CodeBadParams      Code = 121 // changes of parameters that cannot be made
	CodeAlreadyVoted   Code = 122 // the node's last vote was for the same
	CodeAlreadyDecided Code = 123 // it is decided already
	CodeBadVersion     Code = 124 // a version of the rules, or an epoch for it, that cannot come next
	CodeBadSequence    Code = 125 // the deny list is not newer than the present one
	CodeWrongNode      Code = 126 // the certificate is about another node
)

// An Error is a refusal.
type Error struct {
	Code Code
	Info string // in words, for people
}

// Error returns the reason in words.
func (e *Error) Error() string { return "ledger: " + e.Info }

func refuse(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Info: fmt.Sprintf(format, args...)}
}

// lastCode is the greatest of the codes.
const lastCode = CodeWrongNode
