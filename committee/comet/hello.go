package comet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	cmttypes "github.com/cometbft/cometbft/types"
)

// protocol is the name under which consensus streams are opened.
const protocol = "consensus/1"

// helloTimeout bounds the exchange that opens a stream.
const helloTimeout = 10 * time.Second

const helloMagic = "FLC1"

// hello is what both ends of a new stream tell each other.
type hello struct {
	session uint64 // random, new each time a node starts
	chainID string
	genesis [32]byte // Config.chainHash
}

func (h hello) sameChain(o hello) bool { return h.chainID == o.chainID && h.genesis == o.genesis }

func (h hello) append(b []byte) []byte {
	b = append(b, helloMagic...)
	b = binary.LittleEndian.AppendUint64(b, h.session)
	b = append(b, byte(len(h.chainID)))
	b = append(b, h.chainID...)
	return append(b, h.genesis[:]...)
}

var errHello = errors.New("comet: malformed hello")

func readHello(r io.Reader) (h hello, err error) {
	var head [len(helloMagic) + 8 + 1]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return h, err
	}
	if !bytes.HasPrefix(head[:], []byte(helloMagic)) {
		return h, fmt.Errorf("%w: magic %x", errHello, head[:len(helloMagic)])
	}
	h.session = binary.LittleEndian.Uint64(head[len(helloMagic):])
	n := int(head[len(head)-1])
	if n == 0 || n > cmttypes.MaxChainIDLen {
		return h, fmt.Errorf("%w: chain ID of %d bytes", errHello, n)
	}
	rest := make([]byte, n+len(h.genesis))
	if _, err := io.ReadFull(r, rest); err != nil {
		return h, err
	}
	h.chainID = string(rest[:n])
	copy(h.genesis[:], rest[n:])
	return h, nil
}

// verdict is the answer to a hello.
type verdict byte

const (
	accepted   verdict = 0
	otherChain verdict = 1 // try again when the operator has looked
	full       verdict = 2 // too many peers
	banned     verdict = 3 // misbehaved a short while ago
	duplicate  verdict = 4 // another stream between us won
	leaving    verdict = 5 // the node is stopping
)

func (v verdict) String() string {
	names := [...]string{"accepted", "other chain", "full", "banned", "duplicate stream", "leaving"}
	if int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("verdict %d", byte(v))
}

// refusedError is a verdict that the other end gave.
type refusedError struct{ verdict verdict }

func (e *refusedError) Error() string { return "comet: peer refused the stream: " + e.verdict.String() }
