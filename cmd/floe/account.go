package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/node"
)

const (
	accountSuffix = ".key"
	maxName       = 64 // bytes of an account's name
	nameLetters   = "abcdefghijklmnopqrstuvwxyz0123456789-_"
)

// accounts are the keys in one directory, each in a file called by its name.
type accounts struct{ dir string }

func (s *accounts) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.dir, "dir", "", "directory of the accounts' keys (default accounts in floe's directory of your configuration)")
}

// fill finds the directory unless one was named.
func (s *accounts) fill(a *app) error {
	if s.dir != "" {
		return nil
	}
	dir, err := a.configDir()
	if err != nil {
		return err
	}
	s.dir = filepath.Join(dir, "accounts")
	return nil
}

func (s *accounts) file(name string) string { return filepath.Join(s.dir, name+accountSuffix) }

// names returns the accounts that there are, in order.
func (s *accounts) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), accountSuffix); ok && isAccountName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, err
}

func (s *accounts) load(name string) (ed25519.PrivateKey, error) {
	key, err := node.LoadAccount(s.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = hinted{fmt.Errorf("account %s: %w", name, err), "floe account list shows the accounts that there are"}
	}
	return key, err
}

// errExists says that something cannot be made because it is there.
var errExists = errors.New("is there already")

// create makes the key of an account that is not there yet.
func (s *accounts) create(name string) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, err
	}
	found, err := keyfile.LoadOrCreate(s.file(name), func() ([]byte, error) { return seed, nil })
	switch {
	case err == nil && bytes.Equal(found, seed):
		return ed25519.NewKeyFromSeed(seed), nil
	case err == nil, errors.Is(err, keyfile.ErrMalformed), errors.Is(err, keyfile.ErrExposed):
		err = hinted{fmt.Errorf("%s %w", s.file(name), errExists), "choose another name; no key is ever overwritten"}
	}
	return nil, err
}

// isAccountName tells names from paths and addresses.
func isAccountName(s string) bool {
	return s != "" && len(s) <= maxName && strings.Trim(s, nameLetters) == "" && !strings.HasPrefix(s, "-") && !isAddress(s)
}

// isAddress tells what is an address, or was meant to be one.
func isAddress(s string) bool { return strings.HasPrefix(s, "floe1") }

func parseAccountName(s string) (string, error) {
	if !isAccountName(s) {
		return "", usageError{fmt.Errorf("%q is no name of an account", s), fmt.Sprintf("a name has 1 to %d of a-z, 0-9, - and _, and does not begin as addresses do, with floe1", maxName)}
	}
	return s, nil
}

// address returns the address that is meant by an address or the name of an account.
func (s *accounts) address(a *app, text string) (ledger.Address, error) {
	if addr, err := ledger.ParseAddress(text); err == nil || !isAccountName(text) {
		if err != nil {
			err = usageError{err, "an address has 63 characters and begins with floe1; the name of one of your accounts will do, too"}
		}
		return addr, err
	}
	if err := s.fill(a); err != nil {
		return ledger.Address{}, err
	}
	key, err := s.load(text)
	if err != nil {
		return ledger.Address{}, err
	}
	return addressOf(key), nil
}

func addressOf(key ed25519.PrivateKey) ledger.Address {
	return ledger.AddressOf(key.Public().(ed25519.PublicKey))
}

func (a *app) accountCommand() *cobra.Command {
	return a.group("account", "make and use accounts, which pay for everything", `An account is a key in a file that only you can read, and a balance on each
network. Commands that pay take the account by its name, or by the file of its
key, from --account or FLOE_ACCOUNT.`,
		a.accountCreateCommand(), a.accountListCommand(), a.accountExportCommand(), a.accountBalanceCommand(), a.accountSendCommand(), a.accountBurnCommand())
}

// accountReport is what --json prints of an account; the list has these.
type accountReport struct {
	Name    string         `json:"name"`
	Address ledger.Address `json:"address"`
	File    string         `json:"file"`
}
