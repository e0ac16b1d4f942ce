package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/ledger"
)

func (a *app) epochCommand() *cobra.Command {
	return a.query(query{
		use:   "epoch",
		short: "say which epoch runs",
		long: `epoch prints which epoch runs, since when, where it stands and when it ends at
the earliest; with --json one object, with times in milliseconds since 1970. An
epoch stands in the handover of shards, is then settled, and has then selected
the next one's committee.`,
		takes: "no arguments",
		ask: func(r ledger.Reader, _ asked) (answer, error) {
			sys, err := ledger.ReadSystem(r)
			if err != nil {
				return answer{}, err
			}
			p, err := ledger.ReadParams(r)
			if err != nil {
				return answer{}, err
			}
			ends := max(sys.EpochStart, sys.Settled) + p.EpochDuration
			found := append(toRecord(sys), field{"ends", ends})
			for i := range found {
				if found[i].name == "phase" {
					found[i].value = phaseWord(sys.Phase)
				}
			}
			return answer{found, func(w io.Writer) {
				row(w, "epoch", sys.Epoch)
				row(w, "phase", phaseWord(sys.Phase))
				row(w, "began", moment(sys.EpochStart))
				row(w, "ends", moment(ends))
				row(w, "supply", wal(sys.Supply))
				row(w, "rules", fmt.Sprintf("version %d since epoch %d", sys.Protocol.Version, sys.Protocol.Start))
			}}, nil
		},
	})
}

func phaseWord(p ledger.Phase) string {
	switch p {
	case ledger.PhaseHandover:
		return "handover"
	case ledger.PhaseSettled:
		return "settled"
	case ledger.PhaseSelected:
		return "selected"
	default:
		return "unknown"
	}
}

// moment writes a time of the ledger for people.
func moment(ms uint64) string {
	return time.UnixMilli(int64(ms)).Format(time.DateTime + " MST") // wrong only for times that no chain has
}
