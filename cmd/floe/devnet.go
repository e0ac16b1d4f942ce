package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/node/devnet"
	"github.com/floe-storage/floe/shard"
)

const startTimeout = 60 * time.Second

// devnetFlags are what floe devnet is told.
type devnetFlags struct {
	cfg   devnet.Config
	store string
}

func (a *app) devnetCommand() *cobra.Command {
	var d devnetFlags
	cmd := &cobra.Command{
		Use:   "devnet [flags] [-- COMMAND [ARG…]]",
		Short: "run a whole network in this process",
		Long: `devnet runs a whole network in this process: storage nodes with their own hosts,
stores and validators, and an HTTP API. It serves until Ctrl-C, which ends it
with exit status 0. With --json it prints where it serves as one object.

With --store FILE it first shows that the network works: it stores the file,
stops as many nodes as may fail, reads the file back, wipes one node and lets it
repair itself. The exit status says whether all of that worked.

With a COMMAND it runs that and exits with its status: 128 + N if signal N ended
it. The command finds the network in FLOE_PUBLISHER_URL, FLOE_AGGREGATOR_URL,
FLOE_BOOTSTRAP, FLOE_TRUST and FLOE_DEVNET_DIR, and has standard input and output
to itself.

Without --dir the network lives in a temporary directory that goes when it stops.` + exitHelp(exitNotFound, exitUnavailable,
			exitTooLarge, exitAddressInUse, exitLocked, exitCorrupt, exitNotRunnable, exitNoCommand),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return usageError{fmt.Errorf("floe devnet: unexpected argument %q", args[0]), "write -- before a command to run"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.devnet(cmd.Context(), d, args) },
	}
	f := cmd.Flags()
	f.IntVar(&d.cfg.Nodes, "nodes", 0, fmt.Sprintf("number of storage nodes (default %d)", devnet.DefaultNodes))
	f.IntVar(&d.cfg.Shards, "shards", 0, fmt.Sprintf("number of shards (default %d)", devnet.DefaultShards))
	f.DurationVar(&d.cfg.Epoch, "epoch", 0, "length of an epoch of a new network (default 10m)")
	f.StringVar(&d.cfg.Dir, "dir", "", "keep the network in this directory, and go on with the one that is there")
	f.StringVar(&d.cfg.HTTP, "http", devnet.DefaultHTTP, "where the HTTP API listens; port 0 takes any")
	f.StringVar(&d.store, "store", "", "show that the network works, with this file")
	return cmd
}

func (a *app) devnet(ctx context.Context, d devnetFlags, command []string) (err error) {
	// What can be wrong without a network is found before one is started.
	if len(command) > 0 {
		if command[0], err = findCommand(command[0]); err != nil {
			return err
		}
	}
	var data []byte
	if d.store != "" {
		if data, err = promptly(ctx, func() ([]byte, error) { return a.readForDevnet(d) }); err != nil {
			return err
		}
	}
	temporary := d.cfg.Dir == ""
	if temporary {
		if d.cfg.Dir, err = os.MkdirTemp("", "floe-devnet-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(d.cfg.Dir)) }()
	}
	if d.cfg.Dir, err = filepath.Abs(d.cfg.Dir); err != nil {
		return err
	}
	d.cfg.Logger = a.logger()

	began := time.Now()
	net, err := startDevnet(ctx, d.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, net.Close()) }()
	defer a.remember(net.Dir())()
	card := net.Card()
	a.say("network %s: %d nodes, %d shards, started in %s", card.ChainID, card.Nodes, card.Shards, duration(time.Since(began)))

	if d.store != "" {
		show := demonstration{app: a, net: net, name: d.store, data: data, began: began}
		if err := show.run(ctx); err != nil {
			return err
		}
	}
	if len(command) > 0 {
		return a.runCommand(ctx, net, command)
	}
	a.describe(net, temporary)
	if a.json {
		report := devnetReport{
			Network: card.ChainID, Root: net.Card().Root, Nodes: card.Nodes, Shards: card.Shards, URL: net.URL(), Bootstrap: net.Bootstrap(), Dir: net.Dir(),
		}
		if err := a.printJSON(report); err != nil {
			return err
		}
	}
	<-ctx.Done()
	a.say("stopping")
	return nil
}

// devnetReport is what --json prints once the network serves.
type devnetReport struct {
	Network   string     `json:"network"` // the chain ID
	Root      light.Root `json:"root"`    // the trust root
	Nodes     int        `json:"nodes"`
	Shards    int        `json:"shards"`
	URL       string     `json:"url"` // of the HTTP API
	Bootstrap []string   `json:"bootstrap"`
	Dir       string     `json:"dir"`
}

// readForDevnet reads a file for a network that does not run yet. What cannot
// be known of it, starting it will tell.
func (a *app) readForDevnet(d devnetFlags) ([]byte, error) {
	shards := d.cfg.Shards
	if shards == 0 {
		shards = devnet.DefaultShards
	}
	if card, err := devnet.ReadCard(d.cfg.Dir); d.cfg.Dir != "" && err == nil {
		shards = card.Shards
	}
	params, err := shard.NewParams(shards)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", devnet.ErrConfig, err)
	}
	in, err := a.openInput(d.store)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // read only
	return in.read(params)
}

func startDevnet(ctx context.Context, cfg devnet.Config) (*devnet.Net, error) {
	_, missing := devnet.ReadCard(cfg.Dir)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	net, err := devnet.Open(ctx, cfg)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = hinted{fmt.Errorf("the network did not start within %v: %w", startTimeout, err), "a slow machine may need a smaller one: --nodes 4 --shards 13"}
	case !errors.Is(missing, fs.ErrNotExist) && damaged(err):
		err = damagedError{fmt.Errorf("the network in %s is damaged: %w", cfg.Dir, err)}
	}
	return net, err
}

// damaged tells whether a network that is there does not start because one of
// its files is gone or makes no sense.
func damaged(err error) bool {
	var syntax *json.SyntaxError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &syntax) || errors.Is(err, keyfile.ErrMalformed) ||
		errors.Is(err, comet.ErrSignState) || errors.Is(err, ledger.ErrGenesis)
}

// say tells the user something that is not data.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.err, format+"\n", args...) // there is nowhere left to complain
}

func (a *app) describe(net *devnet.Net, temporary bool) {
	kept := "kept"
	if temporary {
		kept = "temporary, --dir DIR keeps it"
	}
	a.say("")
	a.say("serving until Ctrl-C")
	a.say("  HTTP API   %s", net.URL())
	a.say("  bootstrap  %s", net.Bootstrap()[0])
	a.say("  trust root %s", net.Card().Root)
	a.say("  data       %s (%s)", net.Dir(), kept)
	a.say("try")
	a.say("  curl -X PUT --data-binary @FILE '%s/v1/blobs?epochs=2'", net.URL())
	a.say("  curl %s/v1/blobs/BLOB_ID", net.URL())
	a.say("  floe store FILE      and then   floe read BLOB_ID, floe status BLOB_ID")
}

// duration writes a time for people.
func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
