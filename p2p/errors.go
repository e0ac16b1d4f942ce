package p2p

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("p2p: closed")
	// ErrUnreachable means that no address of the peer, known or found, answered. Try another peer, or later.
	ErrUnreachable = errors.New("p2p: peer is unreachable")
	// ErrReset means that the stream was torn down by the peer or because the connection was lost.
	ErrReset = errors.New("p2p: stream was reset")
	// ErrTimeout means that a deadline set with SetDeadline passed. When the context's own deadline
	// passes the error is context.DeadlineExceeded instead.
	ErrTimeout = errors.New("p2p: deadline passed")
	// ErrNoProtocol means that the peer is of our network and does not speak the protocol asked for.
	ErrNoProtocol = errors.New("p2p: peer does not speak the protocol")
	// ErrTooLarge means that a message is larger than its topic allows.
	ErrTooLarge = errors.New("p2p: message is too large")
	// ErrKeyExposed means that an identity file may be read by others than its owner.
	ErrKeyExposed = errors.New("p2p: identity file can be read by others")
)

// WrongNetworkError means that the peer speaks the protocols of other networks only. Asking it again
// cannot help.
type WrongNetworkError struct {
	Peer PeerID
	Want string   // our network
	Have []string // the networks the peer speaks, sorted; empty when it is no Floe peer at all
}

func (e *WrongNetworkError) Error() string {
	have := "of no Floe network"
	if len(e.Have) > 0 {
		have = "of network " + strings.Join(e.Have, ", ")
	}
	return fmt.Sprintf("p2p: peer %v is %s, not of %s", e.Peer, have, e.Want)
}

// ListenError names the address that could not be listened on. errors.Is(err, syscall.EADDRINUSE) tells
// whether another process has the port.
type ListenError struct {
	Addr string // as configured
	Err  error
}

func (e *ListenError) Error() string { return fmt.Sprintf("p2p: listen on %s: %v", e.Addr, e.Err) }

// Unwrap returns what the operating system said.
func (e *ListenError) Unwrap() error { return e.Err }
