// Command floe runs a Floe network on this machine, stores blobs on one and reads
// them back, and does on its ledger whatever an account may do there.
//
// # Usage
//
//	floe devnet [flags] [-- COMMAND [ARG…]]   run a whole network in this process
//	floe store FILE|-                         store a file and print its blob ID
//	floe read ID [-o FILE]                    read a blob
//	floe status ID                            say what the ledger knows of a blob
//	floe blob-id --shards N FILE|-            compute a blob ID; touches no network
//
//	floe account create|list|export|balance|send|burn
//	floe faucet [ADDRESS] [AMOUNT]            get money on a devnet
//	floe storage buy|list|split|fuse|transfer|destroy
//	floe blob list|show|extend|delete|transfer|burn|share|fund|attr
//	floe pool create|list|show|extend|grow|shrink|transfer|destroy
//	floe node register|list|show|update|prices|commission|collect|rotate-key|transfer|exit
//	floe stake add|list|withdraw|claim|move|split|join|transfer
//	floe params vote|upgrade|votes, floe rewards add|subsidize
//	floe committee, epoch, params             say how the network is
//	floe events [--follow]                    say what the ledger has done
//	floe tx HASH                              say what became of a transaction
//	floe proof export|verify                  prove without a network that a blob is available
//
// Data goes to standard output, everything else to standard error. With --json
// the result, or the error, is one JSON object on standard output; an error is
// {"error":{"exitCode":3,"message":"…","hint":"…"}}, the hint only if there is one.
//
// # Finding the network
//
// Commands that talk to a network join it through the multiaddrs of --bootstrap,
// else of the variable FLOE_BOOTSTRAP, separated by commas, else of the devnet
// that this user started last; one that answers is enough. What they say of the
// ledger is checked against the trust root of --trust, else of FLOE_TRUST, else
// of that devnet: it looks like chain@height:hash. The word "peers" instead of one
// believes them.
//
// # Accounts and money
//
// Commands that pay do so from the account that --account, else FLOE_ACCOUNT,
// names, by its name or by the file of its key, else from that in the directory
// of FLOE_DEVNET_DIR or of the devnet that was started last. Keys of accounts with
// names are in floe/accounts of the user's configuration, readable by nobody else.
// Where an address is wanted, the name of an account will do. An amount has a
// unit: 1.5WAL, 100FROST.
//
// What a transaction costs is worked out before it is sent, by carrying it out on
// the present state: --dry-run prints that and sends nothing. On a terminal the
// user is asked before anything is paid, unless --yes is given.
//
// # Exit status
//
//	0   done
//	1   it failed, for a reason with no number of its own
//	2   wrong usage
//	3   no such blob, object, account or file
//	4   too few nodes, or no network, answered: try later
//	5   the account cannot pay
//	6   the file is larger than a blob of this network can be
//	7   an address to listen on is in use
//	8   the data directory is in use by another process
//	9   the data directory is damaged
//	10  the peer belongs to another network
//	11  the blob was encoded wrongly by whoever stored it
//	12  you did not confirm it: nothing was done
//	13  the ledger refuses it, for the reason given
//	14  it is there already
//	15  the proof does not hold
//	130 it was interrupted, for instance by Ctrl-C
//
// A devnet with a COMMAND exits with the command's status: 128 + N if signal N
// ended it, 127 if there is no such command, 126 if it cannot be run.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// quic-go writes past every logger when the kernel gives it smaller buffers
	// than it asks for, which costs speed on fast links and nothing else.
	_ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") // the name and the value are sound
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() { // a second signal ends the process at once
		<-ctx.Done()
		stop()
	}()
	env := environment{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, terminal: func() bool { return onTerminal(os.Stdin, os.Stderr) }}
	os.Exit(run(ctx, env, os.Args[1:]))
}
