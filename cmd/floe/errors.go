package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/ledgerrpc"
	"github.com/floe-storage/floe/committee/proof"
	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/store"
)

// usageError is a command line that makes no sense, with a word of help.
type usageError struct {
	error
	hint string
}

func (e usageError) Unwrap() error { return e.error }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// silent ends with an exit status when all has been said.
type silent struct{ code int }

func (s silent) Error() string { return fmt.Sprintf("exit status %d", s.code) }

// damagedError says that what a network in a directory needs is not there as it was.
type damagedError struct{ error }

func (e damagedError) Unwrap() error { return e.error }

// interrupted is an error that the user has caused with Ctrl-C.
type interrupted struct{ error }

// Error leaves out where it was noticed, which says nothing to the user.
func (e interrupted) Error() string { return "interrupted" }

func (e interrupted) Unwrap() error { return e.error }

// report prints an error and returns the exit status for it.
func (a *app) report(err error) int {
	var said silent
	if errors.As(err, &said) {
		return said.code
	}
	code, hint := classify(err)
	if a.json {
		body := errorReport{errorBody{ExitCode: code, Message: err.Error(), Hint: hint}}
		if refusal, ok := errors.AsType[*ledger.Error](err); ok {
			body.Error.Code = refusal.Code
		}
		_ = a.printJSON(body) // there is nowhere left to report to
		return code
	}
	a.say("floe: error: %v", err)
	if hint != "" {
		a.say("floe: hint: %s", hint)
	}
	return code
}

// errorReport is what --json prints of an error.
type errorReport struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	ExitCode int         `json:"exitCode"`
	Message  string      `json:"message"`
	Hint     string      `json:"hint,omitempty"`
	Code     ledger.Code `json:"code,omitempty"` // the ledger's reason to refuse it
}

// classify returns the exit status for an error and what to do about it.
func classify(err error) (code int, hint string) {
	var (
		usage   usageError
		advice  hinted
		command commandError
		stop    interrupted
		broken  damagedError
		large   *shard.TooLargeError
		long    *tooLongError
		refusal *ledger.Error
		listen  *p2p.ListenError
		network *p2p.WrongNetworkError
		proven  badProofError
	)
	switch {
	case errors.As(err, &usage):
		return exitUsage, usage.hint
	case errors.As(err, &command):
		return command.code, "the words after -- are a program and its arguments"
	case errors.As(err, &stop):
		code = exitInterrupted
	case errors.As(err, &large), errors.As(err, &long):
		code, hint = exitTooLarge, "store it in parts, or on a network that takes it"
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeInsufficientFunds:
		code, hint = exitFunds, "send WAL to the account (on a devnet, floe faucet does), or name another with --account"
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeBadEpochs, errors.Is(err, devnet.ErrConfig), errors.Is(err, devnet.ErrOtherNetwork):
		code = exitUsage
	case errors.As(err, &refusal) && refusal.Code == ledger.CodeNotFound:
		code = exitNotFound
	case errors.As(err, &refusal):
		code = exitRefused
	case errors.As(err, &proven):
		code, hint = exitProof, proven.hint()
	case errors.Is(err, proof.ErrUnavailable):
		code, hint = exitNotFound, "only a certified blob that has not ended can be proven"
	case errors.Is(err, errDeclined):
		code = exitDeclined
	case errors.Is(err, errExists):
		code = exitExists
	case errors.Is(err, client.ErrManyNetworks):
		code, hint = exitUsage, "name one of them with --network"
	case errors.As(err, &broken): // before the files that are not there
		code, hint = exitCorrupt, "put the file back from a copy, or start a new network with another --dir"
	case errors.Is(err, client.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code = exitNotFound
	case errors.Is(err, client.ErrInconsistent):
		code = exitInconsistent
	case errors.As(err, &listen) && errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EADDRINUSE):
		code, hint = exitAddressInUse, "end the program that uses it, or choose another address (--http 127.0.0.1:0 takes any free port)"
	case errors.Is(err, store.ErrLocked), errors.Is(err, comet.ErrLocked):
		code, hint = exitLocked, "stop the other process, or choose another directory with --dir"
	case errors.Is(err, store.ErrCorrupt):
		code, hint = exitCorrupt, "the other nodes can restore what the store held: move its directory away and start again"
	case errors.Is(err, comet.ErrCorrupt), errors.Is(err, comet.ErrSignState):
		code, hint = exitCorrupt, "the other nodes have the chain: move ledger.db and wal out of the node's consensus directory, keep its keys, and start again"
	case errors.Is(err, devnet.ErrKeys):
		code, hint = exitCorrupt, "put the directory back from a copy, or start a new network with another --dir"
	case errors.As(err, &network):
		code, hint = exitWrongNetwork, "use a bootstrap address of the network that you mean"
	case errors.Is(err, client.ErrNotEnoughConfirmations):
		code, hint = exitUnavailable, "store it again when more nodes run: what is paid for already is not paid again"
	case errors.Is(err, client.ErrUnavailable), errors.Is(err, ledgerrpc.ErrUnavailable),
		errors.Is(err, p2p.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		code, hint = exitUnavailable, "check that the network runs, and try again"
	default:
		code = exitError
	}
	if errors.As(err, &advice) {
		hint = advice.hint
	}
	return code, hint
}
