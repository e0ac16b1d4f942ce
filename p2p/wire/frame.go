package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/floe-storage/floe/shard/bcs"
)

const prefixSize = 4

var (
	// ErrTooLarge means that a frame is longer than its message can be. Nothing was allocated for it.
	ErrTooLarge = errors.New("wire: frame is too large")
	// ErrMalformed means that the bytes of a frame are no message, or that a frame ends early. The peer
	// is wrong: stop using it.
	ErrMalformed = errors.New("wire: malformed frame")
)

// Message is what a frame carries.
type Message interface {
	// MaxSize is the length of the longest such message in bytes.
	MaxSize() int
	EncodeTo(e *bcs.Encoder)
	DecodeFrom(d *bcs.Decoder)
}

// Write writes m as one frame, in one call of w.Write.
func Write(w io.Writer, m Message) error {
	e := bcs.NewEncoder(make([]byte, prefixSize, 64))
	m.EncodeTo(e)
	b := e.Data()
	size := len(b) - prefixSize
	if size > m.MaxSize() {
		return fmt.Errorf("%w: %T of %d bytes, at most %d", ErrTooLarge, m, size, m.MaxSize())
	}
	binary.LittleEndian.PutUint32(b, uint32(size))
	_, err := w.Write(b)
	return err
}

// Read reads one frame into m, overwriting it. It returns io.EOF if there is nothing left to read, and
// keeps nothing of r's bytes outside m.
func Read(r io.Reader, m Message) error {
	var prefix [prefixSize]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: %T: ends within its length", ErrMalformed, m)
		}
		return err
	}
	size := binary.LittleEndian.Uint32(prefix[:])
	if uint64(size) > uint64(m.MaxSize()) {
		return fmt.Errorf("%w: %T of %d bytes, at most %d", ErrTooLarge, m, size, m.MaxSize())
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: %T: ends before its %d bytes", ErrMalformed, m, size)
		}
		return err
	}
	return Decode(b, m)
}

// Decode reads m from the whole of b, without the length before it.
func Decode(b []byte, m Message) error {
	d := bcs.NewDecoder(b)
	m.DecodeFrom(d)
	if err := d.Finish(); err != nil {
		return fmt.Errorf("%w: %T: %w", ErrMalformed, m, err)
	}
	return nil
}

// Encode returns the bytes of m without the length before them.
func Encode(m Message) []byte {
	e := bcs.NewEncoder(nil)
	m.EncodeTo(e)
	return e.Data()
}
