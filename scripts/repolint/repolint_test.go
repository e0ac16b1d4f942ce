// Package repolint holds the laws of the tree as tests: who may import whom,
// which package owns which heavy dependency, how long a file may be, that every
// package says what it is, and that the ledger cannot be nondeterministic.
package repolint

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxLines     = 500  // lines in a non-test file
	maxTestLines = 1000 // lines in a test file
)

// rooms lists, for each package, the packages of this module it may import.
// A package that is absent may import nothing of ours; cmd/... is not listed
// because a command may import anything.
var rooms = map[string][]string{
	"shard":           {"shard/bcs", "shard/merkle", "shard/rs"},
	"shard/merkle":    {"shard/bcs"},
	"shard/quilt":     {"shard", "shard/bcs"},
	"shard/shardtest": {"shard", "shard/merkle", "shard/rs"},
	"shard/store":     {"shard", "shard/bcs"},

	"committee/keyfile":           {},
	"committee":                   {"shard", "shard/bcs", "committee/bls"},
	"committee/stake":             {"committee", "shard/bcs"},
	"committee/ledger":            {"shard", "shard/bcs", "committee", "committee/bls", "committee/stake"},
	"committee/comet":             {"committee", "committee/ledger", "committee/light", "p2p"},
	"committee/light":             {"shard", "shard/bcs", "committee", "committee/bls", "committee/ledger"},
	"committee/light/lighttest":   {"committee/ledger", "committee/light"},
	"committee/proof":             {"shard", "shard/bcs", "committee", "committee/ledger", "committee/light"},
	"committee/ledgerrpc":         {"shard", "shard/bcs", "committee", "committee/bls", "committee/ledger", "committee/light", "p2p", "p2p/wire"},
	"committee/ledgerrpc/rpctest": {"committee", "committee/bls", "committee/ledger", "committee/light", "committee/light/lighttest"},

	"p2p/wire":     {"shard", "shard/bcs", "shard/merkle", "committee", "committee/bls"},
	"p2p/exchange": {"p2p", "p2p/wire", "shard", "committee", "committee/bls"},
	"p2p/p2ptest":  {"p2p"},

	"repair": {"shard", "shard/bcs", "committee"},

	"node": {
		"shard", "shard/store", "committee", "committee/bls", "committee/keyfile", "committee/ledger", "committee/comet",
		"committee/ledgerrpc", "committee/light", "p2p", "p2p/wire", "p2p/exchange", "repair",
	},
	"node/client": {
		"shard", "committee", "committee/bls", "committee/ledger", "committee/ledgerrpc", "committee/light",
		"p2p", "p2p/wire", "p2p/exchange",
	},
	"node/httpapi": {"shard", "committee", "committee/ledger", "node/client"},
	"node/devnet": {
		"shard", "committee", "committee/bls", "committee/comet", "committee/ledger", "committee/ledgerrpc", "committee/light",
		"p2p", "p2p/exchange", "node", "node/client", "node/httpapi", "repair",
	},
}

// doors names the only packages that may import a heavy dependency, so that
// replacing it touches one room.
var doors = map[string][]string{
	"github.com/cometbft/":              {"committee/comet", "committee/light", "committee/light/lighttest"},
	"github.com/cosmos/ics23/":          {"committee/comet", "committee/light"},
	"github.com/cosmos/iavl":            {"committee/comet", "committee/light/lighttest"},
	"github.com/syndtr/goleveldb":       {"committee/comet", "scripts/bench/ledger"},
	"github.com/libp2p/":                {"p2p", "p2p/p2ptest"},
	"github.com/multiformats/":          {"p2p", "p2p/p2ptest"},
	"github.com/dgraph-io/badger/":      {"shard/store"},
	"github.com/klauspost/reedsolomon":  {"shard/rs"},
	"github.com/consensys/gnark-crypto": {"committee/bls"},
	"github.com/spf13/cobra":            {"cmd/floe"},
}

// budgets caps the lines of whole packages that only compose others and must
// not grow into the place where everything happens.
var budgets = map[string]int{"node": 2000}

// ledgerRooms are the packages of which the ledger's state machine is made.
var ledgerRooms = []string{"committee/ledger", "committee/stake"}

// ledgerImports is everything the ledger's state machine may import from
// outside this module. No time, rand, os, net, sync, json, log or context.
var ledgerImports = []string{
	"bytes", "cmp", "crypto/ed25519", "crypto/sha256", "encoding/binary", "encoding/hex",
	"errors", "fmt", "io", "iter", "math", "math/big", "math/bits", "slices", "strings",
	"github.com/cosmos/btcutil/bech32", // the text of addresses
	"github.com/google/btree",          // the order of an overlay's keys
}

// attics are package names that say nothing and therefore collect everything.
var attics = []string{"util", "utils", "common", "helpers", "misc", "types", "models", "base", "shared", "lib"}

type pkg struct {
	ImportPath, Dir, Name     string
	GoFiles                   []string
	TestGoFiles, XTestGoFiles []string
	Imports                   []string
	TestImports, XTestImports []string
	Module                    struct{ Path, Dir string }
}

func (p pkg) room() string { return strings.TrimPrefix(p.ImportPath, p.Module.Path+"/") }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) < 2 {
		t.Fatalf("go list found %d packages; the laws would hold of nothing", len(pkgs))
	}
	return pkgs
}

// TestRooms checks every import edge against rooms and doors.
func TestRooms(t *testing.T) {
	pkgs := packages(t)
	known := map[string]bool{}
	for _, p := range pkgs {
		known[p.room()] = true
	}
	for room := range rooms {
		if !known[room] {
			t.Errorf("rooms lists %s, which does not exist", room)
		}
	}
	for _, p := range pkgs {
		room := p.room()
		anyRoom := strings.HasPrefix(room, "cmd/") || strings.HasPrefix(room, "scripts/")
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, p.Module.Path+"/"); ok {
				if !anyRoom && !slices.Contains(rooms[room], own) {
					t.Errorf("%s imports %s: not among the rooms it may enter", room, own)
				}
			}
			for dep, owners := range doors {
				if strings.HasPrefix(imp, dep) && !slices.Contains(owners, room) {
					t.Errorf("%s imports %s: only %v may", room, imp, owners)
				}
			}
		}
	}
}

// TestDocsAndSize checks that each package has a telling name and exactly one
// package comment, and that no file is too long. Generated files are exempt
// from the length.
func TestDocsAndSize(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(attics, p.Name) {
			t.Errorf("%s: name the package after what it provides", p.room())
		}
		docs, total := 0, 0
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			file := filepath.Join(p.Dir, name)
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			test := strings.HasSuffix(name, "_test.go")
			if f.Doc != nil && (!test || len(p.GoFiles) == 0) {
				docs++
			}
			limit := maxLines
			if test {
				limit = maxTestLines
			}
			n := bytes.Count(src, []byte("\n"))
			if n > limit && !ast.IsGenerated(f) {
				t.Errorf("%s: %d lines, limit %d: split it by what it does", path.Join(p.room(), name), n, limit)
			}
			if !test {
				total += n
			}
		}
		if max, ok := budgets[p.room()]; ok && total > max {
			t.Errorf("%s: %d lines in all, budget %d: move the work to the room it belongs to", p.room(), total, max)
		}
		if docs != 1 {
			t.Errorf("%s: %d package comments, want 1", p.room(), docs)
		}
	}
}

// TestLedgerIsDeterministic forbids, by syntax, what could make two validators
// compute different states from the same block: maps (iteration order), floats,
// goroutines, channels, select, and imports that read the world.
func TestLedgerIsDeterministic(t *testing.T) {
	found := 0
	for _, p := range packages(t) {
		if !slices.Contains(ledgerRooms, p.room()) {
			continue
		}
		found++
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, p.Module.Path+"/") && !slices.Contains(ledgerImports, imp) {
				t.Errorf("%s imports %s", p.room(), imp)
			}
		}
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				what := ""
				switch n := n.(type) {
				case *ast.MapType:
					what = "a map type"
				case *ast.GoStmt:
					what = "a go statement"
				case *ast.ChanType:
					what = "a channel type"
				case *ast.SelectStmt:
					what = "a select statement"
				case *ast.Ident:
					if n.Name == "float32" || n.Name == "float64" {
						what = n.Name
					}
				case *ast.BasicLit:
					if n.Kind == token.FLOAT {
						what = "a float literal"
					}
				}
				if what != "" {
					t.Errorf("%s: %s in the ledger", fset.Position(n.Pos()), what)
				}
				return true
			})
		}
	}
	if found != len(ledgerRooms) {
		t.Fatalf("found %d of %v; the law would hold of nothing", found, ledgerRooms)
	}
}
