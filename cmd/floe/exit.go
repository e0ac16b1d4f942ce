package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	exitOK           = 0
	exitError        = 1
	exitUsage        = 2
	exitNotFound     = 3
	exitUnavailable  = 4
	exitFunds        = 5
	exitTooLarge     = 6
	exitAddressInUse = 7
	exitLocked       = 8
	exitCorrupt      = 9
	exitWrongNetwork = 10
	exitInconsistent = 11
	exitDeclined     = 12
	exitRefused      = 13
	exitExists       = 14
	exitProof        = 15

	// These three, and 128 + N for a command that signal N ended, are what
	// shells say.
	exitNotRunnable = 126
	exitNoCommand   = 127
	exitInterrupted = 130
)

// exitMeaning says what an exit status means.
func exitMeaning(code int) string {
	switch code {
	case exitOK:
		return "done"
	case exitError:
		return "it failed, for a reason with no number of its own"
	case exitUsage:
		return "wrong usage"
	case exitNotFound:
		return "no such blob, object, account or file"
	case exitUnavailable:
		return "too few nodes, or no network, answered: try later"
	case exitFunds:
		return "the account cannot pay"
	case exitTooLarge:
		return "the file is larger than a blob of this network can be"
	case exitAddressInUse:
		return "an address to listen on is in use"
	case exitLocked:
		return "the data directory is in use by another process"
	case exitCorrupt:
		return "the data directory is damaged"
	case exitWrongNetwork:
		return "the peer belongs to another network"
	case exitInconsistent:
		return "the blob was encoded wrongly by whoever stored it"
	case exitDeclined:
		return "you did not confirm it: nothing was done"
	case exitRefused:
		return "the ledger refuses it, for the reason given"
	case exitExists:
		return "it is there already"
	case exitProof:
		return "the proof does not hold"
	case exitNotRunnable:
		return "the command after -- cannot be run"
	case exitNoCommand:
		return "the command after -- is not there"
	case exitInterrupted:
		return "it was interrupted, for instance by Ctrl-C"
	default:
		return "unknown"
	}
}

// exitHelp is the part of a help text about the exit status. Every command can
// also fail, be used wrongly and be interrupted.
func exitHelp(codes ...int) string {
	codes = append(codes, exitOK, exitError, exitUsage, exitInterrupted)
	slices.Sort(codes)
	var b strings.Builder
	b.WriteString("\n\nExit status:")
	for _, code := range slices.Compact(codes) {
		fmt.Fprintf(&b, "\n  %-3d %s", code, exitMeaning(code))
	}
	return b.String()
}
