package comet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/privval"
)

// ErrSignState means that the record of what was signed last is missing or
// cannot be read while the key exists. Signing without it could contradict an
// earlier signature and lose the stake; restore the file from this machine, or
// take a new key.
var ErrSignState = errors.New("comet: consensus key without its sign state")

func keyPaths(dir string) (key, state string) {
	return filepath.Join(dir, "consensus_key.json"), filepath.Join(dir, "consensus_state.json")
}

// LoadOrCreateConsensusKey returns the public key that the node in dir signs
// blocks with, and makes key and directory if there is none.
func LoadOrCreateConsensusKey(dir string) (pub [32]byte, err error) {
	if err := makeDir(dir); err != nil {
		return pub, fmt.Errorf("make consensus directory: %w", err)
	}
	key, state := keyPaths(dir)
	if _, err := os.Stat(key); errors.Is(err, fs.ErrNotExist) {
		if err := createKey(key, state); err != nil {
			return pub, fmt.Errorf("create consensus key: %w", err)
		}
	}
	signer, err := loadSigner(dir)
	if err != nil {
		return pub, err
	}
	copy(pub[:], signer.Key.PubKey.Bytes())
	return pub, nil
}

// createKey writes the sign state first: if we crash in between, there is no
// key yet and both are made anew.
func createKey(key, state string) (err error) {
	defer func() {
		if r := recover(); r != nil { // CometBFT panics when a file cannot be written
			err = fmt.Errorf("write: %v", r)
		}
	}()
	signer := privval.NewFilePV(ed25519.GenPrivKey(), key, state)
	signer.LastSignState.Save()
	signer.Key.Save()
	return nil
}

// loadSigner reads key and sign state. CometBFT's own loader ends the process
// when a file is missing.
func loadSigner(dir string) (*privval.FilePV, error) {
	keyPath, statePath := keyPaths(dir)
	var key privval.FilePVKey
	if err := readJSON(keyPath, &key); err != nil {
		return nil, fmt.Errorf("load consensus key: %w", err)
	}
	if key.PrivKey == nil || len(key.PrivKey.PubKey().Bytes()) != ed25519.PubKeySize {
		return nil, fmt.Errorf("load consensus key: %s holds no Ed25519 key", keyPath)
	}
	var state privval.FilePVLastSignState
	if err := readJSON(statePath, &state); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignState, err)
	}
	signer := privval.NewFilePV(key.PrivKey, keyPath, statePath)
	last := &signer.LastSignState
	last.Height, last.Round, last.Step = state.Height, state.Round, state.Step
	last.Signature, last.SignBytes = state.Signature, state.SignBytes
	return signer, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := cmtjson.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// KeyFile is where the key that a node in dir signs blocks with is kept.
func KeyFile(dir string) string {
	key, _ := keyPaths(dir)
	return key
}
