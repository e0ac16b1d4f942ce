package wire

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/bcs"
)

// Code says what the asker should do. Codes are never renumbered.
type Code uint8

// The codes, by what the asker should do.
const (
	CodeOK            Code = iota
	CodeNotFound           // not here: ask another
	CodeNotRegistered      // the ledger does not know the blob yet, as far as this node has followed it: try again soon
	CodeBusy               // over a limit: try again after RetryAfter, or ask another
	CodeInvalid            // the request, or what came with it, is wrong: do not repeat it
	CodeWrongShard         // another node is responsible: look at the committee again
	CodeExpired            // the blob's time is over
	CodeBlocked            // the node does not serve this blob
	CodeTooLarge           // more than the protocol, or this node, allows: ask for less
	CodeInternal           // the node failed: ask another
	CodeUnavailable        // no answer came: the peer or the way to it is gone, or time is up

	codeCount // the codes there are
)

var codeNames = [codeCount]string{
	"ok", "not found", "not registered", "busy", "invalid", "wrong shard", "expired", "blocked", "too large",
	"internal error", "unavailable",
}

// String returns the code in words.
func (c Code) String() string {
	if c < codeCount {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Error is what a peer answered instead of what was asked for. A server returns one to choose what the
// peer is told; any other error it tells the peer as CodeInternal without text.
type Error struct {
	Code       Code
	Text       string        // for people, at most MaxTextSize bytes are sent
	RetryAfter time.Duration // zero when it makes no sense; sent in whole milliseconds, rounded up
}

// Errorf returns an error with a text.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	s := "peer answers " + e.Code.String()
	if e.Text != "" {
		s += ": " + strings.Map(printable, e.Text) // it comes from outside and may end on a terminal
	}
	if e.RetryAfter > 0 {
		s += fmt.Sprintf(" (retry after %v)", e.RetryAfter)
	}
	return s
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

// Is makes errors.Is compare codes: errors.Is(err, &Error{Code: CodeBusy}).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// MaxSize implements Message.
func (e *Error) MaxSize() int { return 1 + 4 + 2 + MaxTextSize }

// EncodeTo implements Message. It cuts the text and the time to what can be sent.
func (e *Error) EncodeTo(enc *bcs.Encoder) {
	enc.U8(uint8(e.Code))
	ms := (max(e.RetryAfter, 0) + time.Millisecond - 1) / time.Millisecond
	enc.U32(uint32(min(ms, math.MaxUint32)))
	enc.String(strings.ToValidUTF8(e.Text[:min(len(e.Text), MaxTextSize)], ""))
}

// DecodeFrom implements Message. Codes of a later version are kept as they are.
func (e *Error) DecodeFrom(d *bcs.Decoder) {
	e.Code = Code(d.U8())
	e.RetryAfter = time.Duration(d.U32()) * time.Millisecond
	e.Text = d.String(MaxTextSize)
}

// CodeOf returns the code of any error: CodeOK for nil, the code of an *Error, CodeInvalid for what
// proves the other side wrong, and CodeUnavailable for everything else, which means that the call did
// not get an answer.
func CodeOf(err error) Code {
	var (
		own      *Error
		invalid  *shard.InvalidError
		tooLarge *shard.TooLargeError
	)
	switch {
	case err == nil:
		return CodeOK
	case errors.As(err, &own):
		if own.Code >= codeCount {
			return CodeInternal
		}
		return own.Code
	case errors.As(err, &tooLarge):
		return CodeTooLarge
	case errors.As(err, &invalid), errors.Is(err, ErrMalformed), errors.Is(err, ErrTooLarge):
		return CodeInvalid
	}
	return CodeUnavailable
}

// Answer returns what a server tells of err, never its inner text: an *Error as it is, what is wrong
// with the peer's bytes as CodeInvalid or CodeTooLarge, an ended context as CodeUnavailable, the rest
// as CodeInternal. Nil gives CodeOK.
func Answer(err error) *Error {
	if err == nil {
		return &Error{}
	}
	if own, ok := errors.AsType[*Error](err); ok && own.Code != CodeOK {
		return own
	}
	switch code := CodeOf(err); {
	case code == CodeInvalid, code == CodeTooLarge:
		return &Error{Code: code, Text: err.Error()} // about the peer's own bytes
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: CodeUnavailable}
	}
	return &Error{Code: CodeInternal}
}

// IsNotFound reports whether the peer does not have what was asked for: ask another.
func IsNotFound(err error) bool { return CodeOf(err) == CodeNotFound }

// IsNotRegistered reports whether the peer has not yet seen the blob on the ledger: try again soon.
func IsNotRegistered(err error) bool { return CodeOf(err) == CodeNotRegistered }

// IsBusy reports whether the peer is over a limit, and how long it asks to wait.
func IsBusy(err error) (retryAfter time.Duration, busy bool) {
	own, ok := errors.AsType[*Error](err)
	if !ok || own.Code != CodeBusy {
		return 0, false
	}
	return own.RetryAfter, true
}
