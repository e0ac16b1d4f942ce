package ledger

import (
	"errors"
	"fmt"
)

const (
	// ProtocolVersion is the latest version of the rules that this program
	// knows.
	ProtocolVersion = 1

	firstVersion = 1 // of every network
)

// ErrProtocol says that the network has moved to a version of the rules that
// this program does not know: only a newer release may go on.
var ErrProtocol = errors.New("ledger: the network runs by rules that this program does not know")

// Version returns the version of the rules in the running epoch.
func (s System) Version() uint64 {
	if s.Protocol.Start > s.Epoch {
		return s.Protocol.Version - 1 // versions follow each other
	}
	return s.Protocol.Version
}

// CheckProtocol returns [ErrProtocol] if the block after the state r must not
// be applied by this program. A version is in force from the block after the
// one that begins its first epoch.
func CheckProtocol(r Reader) error {
	s, err := ReadSystem(r)
	if err != nil {
		return err
	}
	if v := s.Version(); v > ProtocolVersion {
		return fmt.Errorf("%w: version %d since epoch %d, the latest known is %d", ErrProtocol, v, s.Protocol.Start, ProtocolVersion)
	}
	return nil
}
