package p2p

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// idPrefix is what libp2p puts before an Ed25519 public key to make a peer ID: an identity multihash
// (00, 36 bytes) of a protobuf key (type 1, 32 bytes).
const idPrefix = "\x00\x24\x08\x01\x12\x20"

// pemType is the type of the block in an identity file: PKCS #8, as openssl writes it.
const pemType = "PRIVATE KEY"

// maxIdentitySize bounds what is read of an identity file; a real one has 119 bytes.
const maxIdentitySize = 4 << 10

// PeerID is a peer's Ed25519 public key. The zero value is no peer.
type PeerID [32]byte

// String returns the text form of libp2p, 12D3Koo….
func (p PeerID) String() string { return p.libp2p().String() }

// IsZero reports whether p is no peer.
func (p PeerID) IsZero() bool { return p == PeerID{} }

// MarshalText returns the text form.
func (p PeerID) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is ParsePeerID.
func (p *PeerID) UnmarshalText(text []byte) error {
	id, err := ParsePeerID(string(text))
	if err == nil {
		*p = id
	}
	return err
}

func (p PeerID) libp2p() peer.ID { return peer.ID(idPrefix + string(p[:])) }

// ParsePeerID reads the text form of a peer ID. Keys other than Ed25519 are refused.
func ParsePeerID(s string) (PeerID, error) {
	id, err := peer.Decode(s)
	if err != nil {
		return PeerID{}, fmt.Errorf("p2p: peer ID %q: %w", s, err)
	}
	p, err := fromLibp2p(id)
	if err != nil {
		return PeerID{}, fmt.Errorf("p2p: peer ID %q: %w", s, err)
	}
	return p, nil
}

func fromLibp2p(id peer.ID) (p PeerID, err error) {
	if len(id) != len(idPrefix)+len(p) || string(id[:len(idPrefix)]) != idPrefix {
		return p, errors.New("not an Ed25519 key")
	}
	copy(p[:], id[len(idPrefix):])
	return p, nil
}

// Identity is a peer's private key. The zero value stands for a fresh key that dies with the host.
type Identity struct {
	key ed25519.PrivateKey
}

// NewIdentity returns the identity of a seed, which must be secret and random except in tests.
func NewIdentity(seed [32]byte) Identity {
	return Identity{key: ed25519.NewKeyFromSeed(seed[:])}
}

// GenerateIdentity returns a fresh identity.
func GenerateIdentity() (Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Identity{}, fmt.Errorf("p2p: generate identity: %w", err)
	}
	return Identity{key: key}, nil
}

// ID returns the public half, or zero for the zero identity.
func (i Identity) ID() (p PeerID) {
	if i.key != nil {
		copy(p[:], i.key.Public().(ed25519.PublicKey))
	}
	return p
}

// Sign returns the Ed25519 signature of message, with which an owner of a storage node proves that the
// network key it declares is its own. The identity must not be zero.
func (i Identity) Sign(message []byte) []byte { return ed25519.Sign(i.key, message) }

func (i Identity) libp2p() (crypto.PrivKey, error) { return crypto.UnmarshalEd25519PrivateKey(i.key) }

// LoadOrCreateIdentity reads the identity file at path, or makes one (PEM, PKCS #8, mode 0600) if there
// is none; the folder must exist. A file that others than the owner may read is refused with
// ErrKeyExposed. Of two processes that race to create the file, both end up with the same identity.
func LoadOrCreateIdentity(path string) (Identity, error) {
	id, err := loadIdentity(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	if id, err = GenerateIdentity(); err != nil {
		return Identity{}, err
	}
	err = createIdentity(path, id)
	if errors.Is(err, fs.ErrExist) {
		return loadIdentity(path)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("p2p: create identity %s: %w", path, err)
	}
	return id, nil
}

func loadIdentity(path string) (Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Identity{}, fmt.Errorf("p2p: read identity: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Identity{}, fmt.Errorf("%w: %s has mode %04o, make it 0600", ErrKeyExposed, path, info.Mode().Perm())
	}
	if info.Size() > maxIdentitySize {
		return Identity{}, fmt.Errorf("p2p: read identity %s: %d bytes are too many", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, fmt.Errorf("p2p: read identity: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return Identity{}, fmt.Errorf("p2p: read identity %s: no PEM block %q", path, pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Identity{}, fmt.Errorf("p2p: read identity %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Identity{}, fmt.Errorf("p2p: read identity %s: not an Ed25519 key", path)
	}
	return Identity{key: key}, nil
}

// createIdentity writes the file under a temporary name and links it into place, so that a crash leaves
// no half-written key and an existing key is never replaced.
func createIdentity(path string, id Identity) error {
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // after the link only a second name is removed
	err = pem.Encode(f, &pem.Block{Type: pemType, Bytes: der})
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
