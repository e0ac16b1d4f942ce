package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/committee/comet"
	"github.com/floe-storage/floe/committee/keyfile"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p"
)

// The files and folders of a node's directory.
const (
	identityFile = "identity.pem" // the peer's key
	blsFile      = "bls.key"      // signs confirmations
	nextBLSFile  = "bls.next.key" // signs them instead, in the epochs in which the ledger says so; need not be there
	accountFile  = "account.key"  // receives rewards
	consensusDir = "consensus"    // signs blocks; the chain
	// StoreDir holds slivers and metadata: the part of a node that the others
	// can restore.
	StoreDir = "store"
)

// Keys are what a storage node signs with.
type Keys struct {
	Identity  p2p.Identity
	BLS       *bls.SecretKey
	NextBLS   *bls.SecretKey // to which the node changes, or has changed; nil if there is none
	Consensus [32]byte       // public; the secret stays with consensus, with what it has signed
	Account   ed25519.PrivateKey
}

// LoadOrCreateKeys reads the keys in a node's directory; those that are missing
// it makes, and the directory too.
func LoadOrCreateKeys(dir string) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var k Keys
	var err error
	if k.Identity, err = p2p.LoadOrCreateIdentity(filepath.Join(dir, identityFile)); err != nil {
		return nil, err
	}
	secret, err := keyfile.LoadOrCreate(filepath.Join(dir, blsFile), newBLSKey)
	if err != nil {
		return nil, err
	}
	if k.BLS, err = bls.ParseSecretKey(secret); err != nil {
		return nil, fmt.Errorf("%s: %w", blsFile, err)
	}
	if err := k.loadNextBLS(filepath.Join(dir, nextBLSFile)); err != nil {
		return nil, err
	}
	if k.Account, err = LoadOrCreateAccount(filepath.Join(dir, accountFile)); err != nil {
		return nil, err
	}
	k.Consensus, err = comet.LoadOrCreateConsensusKey(filepath.Join(dir, consensusDir))
	return &k, err
}

// loadNextBLS reads the next BLS key if there is one.
func (k *Keys) loadNextBLS(path string) error {
	secret, err := keyfile.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if k.NextBLS, err = bls.ParseSecretKey(secret); err != nil {
		return fmt.Errorf("%s: %w", nextBLSFile, err)
	}
	return nil
}

// signer returns the secret of the key with which a member was chosen, if
// there is one.
func (k *Keys) signer(chosen bls.PublicKey) *bls.SecretKey {
	if k.NextBLS != nil && k.NextBLS.PublicKey() == chosen {
		return k.NextBLS
	}
	return k.BLS
}

// nodeID returns the node that these are the keys of: on the ledger by either
// of its BLS keys, or else as it will be when it registers.
func (k *Keys) nodeID(r ledger.Reader) committee.NodeID {
	for _, key := range []*bls.SecretKey{k.BLS, k.NextBLS} {
		if key == nil {
			continue
		}
		if id, err := ledger.ReadNodeByKey(r, key.PublicKey()); err == nil {
			return id
		}
	}
	return ledger.NodeIDOf(k.BLS.PublicKey())
}

// KeyFiles lists the files of a node's directory without which it is another
// node.
func KeyFiles(dir string) []string {
	return []string{
		filepath.Join(dir, identityFile), filepath.Join(dir, blsFile), filepath.Join(dir, accountFile),
		comet.KeyFile(filepath.Join(dir, consensusDir)),
	}
}

// AccountFile is where the account of the node in dir is, which controls it and
// receives its rewards.
func AccountFile(dir string) string { return filepath.Join(dir, accountFile) }

// Registration returns the node as a genesis lists it, with the proof that it
// possesses its BLS key. addrs are the multiaddrs to declare.
func (k *Keys) Registration(name string, stake uint64, addrs []string) ledger.Founder {
	account := ledger.AddressOf(k.Account.Public().(ed25519.PublicKey))
	key := k.BLS.PublicKey()
	return ledger.Founder{Stake: stake, Candidate: ledger.Candidate{
		Profile: ledger.Profile{Name: name}, Account: account, BLSKey: key,
		Possession: k.BLS.Sign(committee.PossessionMessage(0, account, key)),
		NetworkKey: k.Identity.ID(), ConsensusKey: k.Consensus, Addrs: addrs,
	}}
}

// LoadOrCreateAccount reads an account's key from a file, or makes one.
func LoadOrCreateAccount(path string) (ed25519.PrivateKey, error) {
	seed, err := keyfile.LoadOrCreate(path, func() ([]byte, error) {
		seed := make([]byte, ed25519.SeedSize)
		_, err := rand.Read(seed)
		return seed, err
	})
	if err != nil {
		return nil, err
	}
	return parseAccount(path, seed)
}

// LoadAccount reads an account's key from a file.
func LoadAccount(path string) (ed25519.PrivateKey, error) {
	seed, err := keyfile.Load(path)
	if err != nil {
		return nil, err
	}
	return parseAccount(path, seed)
}

func parseAccount(path string, seed []byte) (ed25519.PrivateKey, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: %s has a secret of %d bytes, want %d", keyfile.ErrMalformed, path, len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
