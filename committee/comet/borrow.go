package comet

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/floe-storage/floe/p2p"
)

// How long we wait for peers that lend.
const (
	questionTimeout = 15 * time.Second
	maxListed       = 16      // snapshots of one peer
	maxLightBlock   = 1 << 20 // bytes; a thousand validators take a fifth
)

var (
	errNotLent  = errors.New("comet: the peer does not have it")
	errLentBusy = errors.New("comet: the peer is busy")
	errLent     = errors.New("comet: malformed answer")
)

// source is a peer that may have snapshots. It is a light.Source.
type source struct {
	host  *p2p.Host
	id    p2p.PeerID
	chain [32]byte
}

// String names the peer.
func (s source) String() string { return s.id.String() }

// ask returns an answer of at most limit bytes.
func (s source) ask(ctx context.Context, q question, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	st, err := s.host.Open(ctx, s.id, snapshotProtocol)
	if err != nil {
		return nil, err
	}
	defer st.Reset()
	q.chain = s.chain
	if _, err := st.Write(q.append(nil)); err != nil {
		return nil, err
	}
	var head [answerHead]byte
	if _, err := io.ReadFull(st, head[:]); err != nil {
		return nil, err
	}
	switch lendStatus(head[0]) {
	case lent:
	case lentNone:
		return nil, errNotLent
	case lentBusy:
		return nil, errLentBusy
	case lentOther:
		return nil, ErrWrongChain
	default:
		return nil, fmt.Errorf("%w: status %d", errLent, head[0])
	}
	size := binary.LittleEndian.Uint32(head[1:])
	if uint64(size) > uint64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, want at most %d", errLent, size, limit)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(st, body); err != nil {
		return nil, err
	}
	return body, nil
}

// LightBlock implements [light.Source].
func (s source) LightBlock(ctx context.Context, height uint64) ([]byte, error) {
	return s.ask(ctx, question{what: askLightBlock, height: height}, maxLightBlock)
}

// offer is a snapshot that a peer says it has.
type offer struct {
	height uint64
	id     [32]byte // of the manifest
}

func (s source) snapshots(ctx context.Context) ([]offer, error) {
	const size = 8 + sha256.Size
	b, err := s.ask(ctx, question{what: askSnapshots}, 1+maxListed*size)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || len(b) != 1+int(b[0])*size {
		return nil, fmt.Errorf("%w: list of %d bytes", errLent, len(b))
	}
	var out []offer
	for b = b[1:]; len(b) > 0; b = b[size:] {
		out = append(out, offer{binary.LittleEndian.Uint64(b), [32]byte(b[8:])})
	}
	return out, nil
}

// manifest returns the manifest that an offer names. errLent and errManifest
// mean that the peer lied.
func (s source) manifest(ctx context.Context, o offer) (manifest, error) {
	b, err := s.ask(ctx, question{what: askManifest, height: o.height}, maxManifestSize)
	if err != nil {
		return manifest{}, err
	}
	m, err := parseManifest(b)
	if err == nil && (m.height != o.height || m.id() != o.id) {
		err = fmt.Errorf("%w: it is not the one that was offered", errManifest)
	}
	return m, err
}

// chunk returns a chunk of a snapshot. errLent means that the peer lied.
func (s source) chunk(ctx context.Context, m *manifest, i int) ([]byte, error) {
	b, err := s.ask(ctx, question{what: askChunk, height: m.height, index: uint32(i)}, m.chunkLen(i))
	if err == nil && sha256.Sum256(b) != m.chunks[i] {
		err = fmt.Errorf("%w: chunk %d has another hash", errLent, i)
	}
	return b, err
}

// lied tells an answer that no honest peer gives from one that did not come.
func lied(err error) bool { return errors.Is(err, errLent) || errors.Is(err, errManifest) }
