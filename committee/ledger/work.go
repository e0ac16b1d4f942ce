package ledger

import "fmt"

// The work of a transaction and of its messages is counted in units of about a
// microsecond of one core. They bound what a block may cost, and are paid for.
const (
	// MaxBlockWork bounds the work of a block's transactions together.
	MaxBlockWork = 100_000

	workTx          = 100  // the sender's signature and account
	workPlain       = 20   // some values read and written
	workAttributes  = 30   // the attributes of a blob read, changed and hashed
	workCertificate = 700  // the aggregated signature of a committee
	workKey         = 700  // a BLS key with the proof of its possession
	workMembers     = 1000 // what the state has of each member of a committee
	workPool        = 200  // a stake pool with the committees that its node is in
	workEpoch       = 1    // one epoch's entry in the ring, for each epoch paid
)

// Work returns the units that a transaction takes, whatever becomes of it;
// [ErrTx] if it is none, or not signed by its sender's key: no honest proposer
// puts such a thing into a block.
func (m *Machine) Work(tx []byte) (uint64, error) {
	s, err := ParseTx(tx)
	if err != nil {
		return 0, err
	}
	if !m.signed.verify(&s) {
		return 0, fmt.Errorf("%w: the signature is not by the sender's key", ErrTx)
	}
	return workOf(s.Messages), nil
}

func workOf(messages []Message) uint64 {
	sum := uint64(workTx)
	for _, m := range messages {
		sum += m.work()
	}
	return sum
}

func workEpochs(epochs uint32) uint64 { return workEpoch * uint64(min(epochs, maxEpochsAhead)) }
