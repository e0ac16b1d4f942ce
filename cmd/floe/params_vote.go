package main

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) paramsVoteCommand() *cobra.Command {
	var node string
	cmd := a.order(orderCommand{
		use:   "vote NAME=VALUE… --node NODE",
		short: "vote for other parameters",
		long: `vote votes, with the weight of a node's shards, for changes of parameters; nodes
that vote for the same changes in the same epoch vote for the same proposal. What
a quorum has voted for takes effect with the next epoch. A value is a number in
the parameter's unit, or has a unit: 1.5WAL, 90s, 2.5%.

Parameters:
` + votables(),
		args: -maxVotes, takes: "changes of parameters",
		prepare: func(args []string) (planner, error) {
			changes, err := parseChanges(args)
			if err != nil {
				return nil, err
			}
			return withNode(node, nodeOrder{
				does:    "vote with node %v for " + strings.Join(args, " and "),
				message: simply(func(id committee.NodeID) ledger.Message { return ledger.ProposeParams{Node: id, Changes: changes} }),
			})
		},
	})
	cmd.Flags().StringVar(&node, "node", "", "the node that votes; its account pays")
	return cmd
}

// withNode is onNode for a node that is named by --node.
func withNode(text string, w nodeOrder) (planner, error) {
	if text == "" {
		return nil, usageError{errors.New("--node is missing"), "name the node that votes; floe committee lists them"}
	}
	return onNode(text, w)
}

const maxVotes = 32 // changes of one vote

// votables lists what can be voted on, for a help text.
func votables() string {
	var lines []string
	for _, v := range ledger.Votables() {
		lines = append(lines, fmt.Sprintf("  %-20s %s", v.Name, v.Unit))
	}
	return strings.Join(lines, "\n")
}

func parseChanges(args []string) ([]ledger.ParamChange, error) {
	var changes []ledger.ParamChange
	for _, text := range args {
		name, value, ok := strings.Cut(text, "=")
		v, known := ledger.VotableByName(name)
		if !ok || !known {
			return nil, usageError{fmt.Errorf("%q is no change of a parameter", text), "write NAME=VALUE; floe params vote --help lists the names"}
		}
		n, err := parseValue(value, v.Unit)
		if err != nil {
			return nil, err
		}
		changes = append(changes, ledger.ParamChange{Param: v.ID, Value: n})
	}
	slices.SortFunc(changes, func(a, b ledger.ParamChange) int { return cmp.Compare(a.Param, b.Param) })
	return changes, nil
}

// parseValue reads a number in a unit, or one that names its own.
func parseValue(s, unit string) (uint64, error) {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n, nil
	}
	switch unit {
	case "FROST":
		return parseAmount(s)
	case "basis points":
		return parsePercent(s)
	case "ms":
		d, err := time.ParseDuration(s)
		if err == nil && d >= 0 && d%time.Millisecond == 0 {
			return uint64(d.Milliseconds()), nil
		}
	}
	return 0, usageError{fmt.Errorf("%q is no value in %s", s, unit), "write a number"}
}

func (a *app) paramsUpgradeCommand() *cobra.Command {
	var node string
	cmd := a.order(orderCommand{
		use:   "upgrade VERSION EPOCH DIGEST --node NODE",
		short: "vote for other rules",
		long: `upgrade votes, with the weight of a node's shards, for the next version of the
network's rules from an epoch on. DIGEST is the SHA-256 of the release that knows
the version, 64 hexadecimal digits. Peers that do not know it by then stop.`,
		args: 3, takes: "a version, an epoch and a digest",
		prepare: func(args []string) (planner, error) {
			version, err := strconv.ParseUint(args[0], 10, 64)
			epoch, err2 := strconv.ParseUint(args[1], 10, 32)
			if err := errors.Join(err, err2); err != nil {
				return nil, usageError{err, "a version and an epoch are numbers"}
			}
			digest, err := hex.DecodeString(args[2])
			if err != nil || len(digest) != 32 {
				return nil, usageError{fmt.Errorf("%q is no digest", args[2]), "a digest is 64 hexadecimal digits; sha256sum prints that of a file"}
			}
			return withNode(node, nodeOrder{
				does: fmt.Sprintf("vote with node %%v for version %d from epoch %d on", version, epoch),
				message: simply(func(id committee.NodeID) ledger.Message {
					return ledger.VoteUpgrade{Node: id, Version: version, Epoch: committee.Epoch(epoch), Digest: [32]byte(digest)}
				}),
			})
		},
	})
	cmd.Flags().StringVar(&node, "node", "", "the node that votes; its account pays")
	return cmd
}

func (a *app) paramsVotesCommand() *cobra.Command {
	return a.query(query{
		use:   "votes",
		short: "list what is voted on in the running epoch",
		long: `votes prints the proposals of the running epoch: how many shards are for it, whether
it is decided, and what it is, one line each; with --json one object with the
proposals, the nodes' ballots and what is decided for the next epoch.`,
		takes: "no arguments",
		ask: func(r ledger.Reader, _ asked) (answer, error) {
			proposals, err := ledger.ReadProposals(r)
			if err != nil {
				return answer{}, err
			}
			ballots, err := ledger.ReadBallots(r)
			if err != nil {
				return answer{}, err
			}
			decided, err := ledger.ReadDecided(r)
			if err != nil {
				return answer{}, err
			}
			list := []any{}
			for _, p := range proposals {
				list = append(list, append(record{{"id", hexID(p.ID())}}, toRecord(p)...))
			}
			found := append(record{{"proposals", list}}, append(
				listing("ballots", ballots, nil).json.(record), listing("decided", decided, nil).json.(record)...)...)
			return answer{found, func(w io.Writer) {
				row(w, "SHARDS", "DECIDED", "PROPOSAL")
				for _, p := range proposals {
					row(w, p.Weight, p.Decided, proposalText(p))
				}
			}}, nil
		},
	})
}

func hexID(id ledger.ProposalID) string { return hex.EncodeToString(id[:]) }

// proposalText writes a proposal as it is voted for.
func proposalText(p ledger.Proposal) string {
	if len(p.Changes) == 0 {
		return fmt.Sprintf("upgrade to version %d from epoch %d on, release %x", p.Upgrade.Version, p.Upgrade.Start, p.Upgrade.Digest)
	}
	var words []string
	for _, c := range p.Changes {
		words = append(words, fmt.Sprintf("%s=%d", paramName(c.Param), c.Value))
	}
	return strings.Join(words, " ")
}

func paramName(id ledger.ParamID) string {
	for _, v := range ledger.Votables() {
		if v.ID == id {
			return v.Name
		}
	}
	return fmt.Sprintf("parameter-%d", id)
}
