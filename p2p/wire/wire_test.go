package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/merkle"
)

// fill returns an array that is easy to recognize in hex.
func fill[T ~[32]byte](b byte) (out T) {
	for i := range out {
		out[i] = b
	}
	return out
}

// rep returns the hex of n bytes b.
func rep(b byte, n int) string { return strings.Repeat(fmt.Sprintf("%02x", b), n) }

// golden lists every message with its bytes, as the package comment draws them.
var golden = []struct {
	name  string
	m     Message
	bytes string
}{
	{"ok", &Error{}, "00 00000000 00"},
	{"busy", &Error{Code: CodeBusy, RetryAfter: 1500 * time.Millisecond, Text: "wait"}, "03 dc050000 04 77616974"},
	{
		"upload", &Request{&Upload{Blob: fill[shard.BlobID](0xbb), Epoch: 7, Size: 0x0102, Metadata: true}},
		"00" + rep(0xbb, 32) + "07000000 00 0201000000000000 01 00",
	},
	{
		"upload deletable", &Request{&Upload{Blob: fill[shard.BlobID](0xbb), Persistence: committee.Persistence{Deletable: true, Object: fill[committee.ObjectID](0x0c)}, Confirm: true}},
		"00" + rep(0xbb, 32) + "00000000 01" + rep(0x0c, 32) + "0000000000000000 00 01",
	},
	{"metadata", &Request{&Metadata{Blob: fill[shard.BlobID](1)}}, "01" + rep(1, 32)},
	{
		"slivers", &Request{&Slivers{Blob: fill[shard.BlobID](2), IDs: []SliverID{{shard.Primary, 3}, {shard.Secondary, 0x0405}}}},
		"02" + rep(2, 32) + "02 00 0300 01 0504",
	},
	{"status", &Request{&Status{Blobs: []shard.BlobID{fill[shard.BlobID](3), fill[shard.BlobID](4)}}}, "03 02" + rep(3, 32) + rep(4, 32)},
	{"confirm", &Request{&Confirm{Blob: fill[shard.BlobID](5)}}, "04" + rep(5, 32) + "00"},
	{"part", &Part{Sliver: SliverID{shard.Secondary, 9}, Length: 0x10000}, "01 01 0900 00000100"},
	{"end", &Part{End: true}, "00"},
	{"confirmation", &Confirmation{Message: []byte{1, 2, 3}}, "03 010203" + rep(0, 96)},
	{"uploaded", &Uploaded{Stored: 4}, "04000000 00"},
	{"uploaded and confirmed", &Uploaded{Stored: 4, Confirmation: &Confirmation{Message: []byte{8}}}, "04000000 01 01 08" + rep(0, 96)},
	{"length", &Length{Bytes: 66}, "42000000"},
	{"sync shard", &SyncShard{Shard: 0x0102, From: fill[shard.BlobID](7)}, "0201" + rep(7, 32)},
	{"entry", &Entry{Kind: EntrySliver, Blob: fill[shard.BlobID](7), Axis: shard.Secondary, SymbolSize: 0x0102}, "00" + rep(7, 32) + "01 0201"},
	{"entry end", &Entry{Kind: EntryEnd}, "01"},
	{"entry break", &Entry{Kind: EntryBreak, Blob: fill[shard.BlobID](8), Pause: 1500 * time.Millisecond}, "02" + rep(8, 32) + "dc050000"},
	{"item", &Item{Sliver: SliverID{shard.Primary, 1}, SymbolSize: 2, Length: 14}, "00 0100 0200 0e000000"},
	{"holdings", &Holdings{Blobs: []Holding{{true, 1, 2}, {}}}, "02 01 0100 0200 00 0000 0000"},
	{
		"wants", &Wants{List: []Want{
			{Blob: fill[shard.BlobID](6), SymbolSize: 0x0100, Axis: shard.Secondary, Proofs: true, Targets: []shard.SliverIndex{1}, Sources: []shard.SliverIndex{2, 3}},
			{Blob: fill[shard.BlobID](7), Metadata: true},
		}},
		"02 01" + rep(6, 32) + "0001 01 01 01 0100 02 0200 0300 00" + rep(7, 32),
	},
	{
		"proven symbol", &ProvenSymbol{shard.RecoverySymbol{Source: 1, Data: []byte{7, 7}, Proof: merkle.Proof{merkle.Digest(fill[merkle.Hash](9))}}},
		"0100 02 0707 01 01" + rep(9, 32),
	},
}

func clean(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func blank(m Message) Message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range golden {
		want := clean(t, c.bytes)
		if got := Encode(c.m); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", c.name, got, want)
			continue
		}
		var buf bytes.Buffer
		if err := Write(&buf, c.m); err != nil {
			t.Errorf("%s: write: %v", c.name, err)
		}
		if got := binary.LittleEndian.Uint32(buf.Bytes()); int(got) != len(want) {
			t.Errorf("%s: length: got %d, want %d", c.name, got, len(want))
		}
		back := blank(c.m)
		if err := Read(&buf, back); err != nil || buf.Len() != 0 {
			t.Errorf("%s: read: %v, %d bytes left", c.name, err, buf.Len())
		}
		if got := Encode(back); !bytes.Equal(got, want) {
			t.Errorf("%s: encoded again: got %x, want %x", c.name, got, want)
		}
		for n := range want {
			if err := Decode(want[:n], blank(c.m)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut to %d bytes: got %v, want %v", c.name, n, err, ErrMalformed)
			}
		}
		if err := Decode(append(want, 0), blank(c.m)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with a byte too many: got %v, want %v", c.name, err, ErrMalformed)
		}
	}
}

// The longest message of each kind fits its MaxSize and the next longer one does not exist.
func TestMaxSize(t *testing.T) {
	t.Parallel()
	long := make([]shard.SliverIndex, MaxSymbolIndexes)
	for _, m := range []Message{
		&Error{Text: strings.Repeat("x", MaxTextSize)},
		&Request{&Status{Blobs: make([]shard.BlobID, MaxBlobs)}},
		&Part{},
		&Confirmation{Message: make([]byte, MaxMessageSize)},
		&Uploaded{Confirmation: &Confirmation{Message: make([]byte, MaxMessageSize)}},
		&Length{},
		&SyncShard{},
		&Entry{Kind: EntryBreak},
		&Item{},
		&Holdings{Blobs: make([]Holding, MaxBlobs)},
		&ProvenSymbol{shard.RecoverySymbol{Data: make([]byte, shard.MaxSymbolSize), Proof: make(merkle.Proof, merkle.MaxDepth)}},
	} {
		b := Encode(m)
		if p, ok := m.(*ProvenSymbol); ok {
			for i := range p.Symbol.Proof {
				p.Symbol.Proof[i] = merkle.Digest(merkle.Hash{})
			}
			b = Encode(m)
		}
		if len(b) > m.MaxSize() || len(b) < m.MaxSize()-2 {
			t.Errorf("%T: longest has %d bytes, MaxSize says %d", m, len(b), m.MaxSize())
		}
		if err := Decode(b, blank(m)); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
	if n := len(Encode(&Request{&Slivers{IDs: make([]SliverID, MaxSlivers)}})); n > (*Request)(nil).MaxSize() {
		t.Errorf("a slivers call can have %d bytes, a request only %d", n, (*Request)(nil).MaxSize())
	}
	if n := len(Encode(&Wants{List: []Want{{Targets: long, Sources: long}}})); n > MaxWantsSize {
		t.Errorf("the longest want has %d bytes, a request takes %d", n, MaxWantsSize)
	}
	if err := Decode(Encode(&Wants{List: make([]Want, MaxWants+1)}), new(Wants)); !errors.Is(err, ErrMalformed) {
		t.Errorf("one want too many: got %v, want %v", err, ErrMalformed)
	}
	if err := Write(io.Discard, &Request{&Status{Blobs: make([]shard.BlobID, MaxBlobs+1)}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("write one blob too many: got %v, want %v", err, ErrTooLarge)
	}
}

// hungry fails the test when anything is read beyond the length of a frame.
type hungry struct {
	t    *testing.T
	left []byte
}

func (h *hungry) Read(b []byte) (int, error) {
	if len(h.left) == 0 {
		h.t.Errorf("asked for %d bytes beyond the length", len(b))
		return 0, io.EOF
	}
	n := copy(b, h.left)
	h.left = h.left[n:]
	return n, nil
}

func TestReadRefusesBeforeAllocation(t *testing.T) {
	t.Parallel()
	prefix := []byte{0xff, 0xff, 0xff, 0xff}
	for _, c := range golden {
		m := blank(c.m)
		if err := Read(&hungry{t, prefix}, m); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got %v, want %v", c.name, err, ErrTooLarge)
		}
	}
}

func TestReadTruncated(t *testing.T) {
	t.Parallel()
	for n, want := range []error{io.EOF, ErrMalformed, ErrMalformed, ErrMalformed, ErrMalformed, ErrMalformed, ErrMalformed, ErrMalformed} {
		if err := Read(bytes.NewReader([]byte{4, 0, 0, 0, 1, 2, 3, 4}[:n]), new(Length)); !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", n, err, want)
		}
	}
	broken := errors.New("cable")
	r := io.MultiReader(bytes.NewReader([]byte{4, 0, 0, 0, 1}), &failing{broken})
	if err := Read(r, new(Length)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		code   Code
		answer Code
	}{
		{nil, CodeOK, CodeOK},
		{&Error{Code: CodeExpired}, CodeExpired, CodeExpired},
		{fmt.Errorf("get: %w", &Error{Code: CodeNotFound}), CodeNotFound, CodeNotFound},
		{&Error{Code: 200}, CodeInternal, 200},
		{&Error{}, CodeOK, CodeInternal},
		{&shard.InvalidError{What: "x", Err: shard.ErrIndex}, CodeInvalid, CodeInvalid},
		{&shard.TooLargeError{Size: 2, Max: 1, Shards: 4}, CodeTooLarge, CodeTooLarge},
		{fmt.Errorf("%w: x", ErrMalformed), CodeInvalid, CodeInvalid},
		{context.Canceled, CodeUnavailable, CodeUnavailable},
		{errors.New("disk /dev/sda1 is on fire"), CodeUnavailable, CodeInternal},
	} {
		if got := CodeOf(c.err); got != c.code {
			t.Errorf("code of %v: got %v, want %v", c.err, got, c.code)
		}
		answer := Answer(c.err)
		if answer.Code != c.answer || strings.Contains(answer.Text, "disk") {
			t.Errorf("answer to %v: got %v, want %v", c.err, answer, c.answer)
		}
	}
	busy := fmt.Errorf("upload: %w", &Error{Code: CodeBusy, RetryAfter: time.Second})
	if after, ok := IsBusy(busy); !ok || after != time.Second || !errors.Is(busy, &Error{Code: CodeBusy}) {
		t.Errorf("got %v, %v, want 1s", after, ok)
	}
	if _, ok := IsBusy(nil); ok || IsNotFound(busy) || !IsNotFound(&Error{Code: CodeNotFound}) {
		t.Error("codes are mixed up")
	}
	for c := range codeCount {
		if s := c.String(); s == "" || strings.HasPrefix(s, "code") {
			t.Errorf("code %d has no name", c)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	var back Error
	long := &Error{Code: CodeInvalid, Text: strings.Repeat("ä", MaxTextSize), RetryAfter: 1<<62 - 1}
	if err := Decode(Encode(long), &back); err != nil || len(back.Text) > MaxTextSize || !strings.HasPrefix(long.Text, back.Text) {
		t.Errorf("got %d bytes of text, %v", len(back.Text), err)
	}
	if err := Decode(Encode(&Error{RetryAfter: 1}), &back); err != nil || back.RetryAfter != time.Millisecond {
		t.Errorf("retry after: got %v, %v, want 1ms", back.RetryAfter, err)
	}
	if s := Errorf(CodeBlocked, "\x1b[2Jgone\n").Error(); strings.ContainsAny(s, "\x1b\n") {
		t.Errorf("%q would move a terminal's cursor", s)
	}
}

// FuzzDecode: the first byte says which message, the rest is its bytes.
func FuzzDecode(f *testing.F) {
	if len(golden) < 15 {
		f.Fatal("the seed corpus is gone")
	}
	for i, c := range golden {
		f.Add(append([]byte{byte(i)}, clean(f, c.bytes)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		m := blank(golden[int(b[0])%len(golden)].m)
		if Decode(b[1:], m) != nil {
			return
		}
		if got := Encode(m); !bytes.Equal(got, b[1:]) {
			t.Errorf("%T: decoded from %x, encodes to %x", m, b[1:], got)
		}
	})
}

// FuzzRead: a stream of frames of one kind never panics and never reads beyond what a frame may be.
func FuzzRead(f *testing.F) {
	for i, c := range golden {
		var buf bytes.Buffer
		buf.WriteByte(byte(i))
		if err := Write(&buf, c.m); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		m, r := blank(golden[int(b[0])%len(golden)].m), bytes.NewReader(b[1:])
		for {
			before := r.Len()
			if Read(r, m) != nil {
				return
			}
			if used := before - r.Len() - prefixSize; used > m.MaxSize() {
				t.Errorf("%T: %d bytes were read", m, used)
			}
		}
	})
}

// Every set of sources has one head, and nothing else is one.
func TestHead(t *testing.T) {
	t.Parallel()
	for n := range 18 {
		for seed := range 64 {
			have := make([]bool, n)
			for i := range have {
				have[i] = seed == 63 || seed*(i+7)*2654435761>>16&1 == 1 && seed > 0
			}
			var buf bytes.Buffer
			if err := WriteHead(&buf, have); err != nil {
				t.Fatal(err)
			}
			h, got, err := ReadHead(&buf, n)
			if err != nil || buf.Len() != 0 {
				t.Fatalf("%v: %v, %d bytes left", have, err, buf.Len())
			}
			count := 0
			for i := range have {
				if have[i] {
					count++
				}
				if h == HeadSome && got[i] != have[i] {
					t.Errorf("%v: got %v", have, got)
				}
			}
			want := HeadSome
			switch count {
			case n:
				want = HeadAll
			case 0:
				want = HeadNone
			}
			if h != want {
				t.Errorf("%v: got head %d, want %d", have, h, want)
			}
		}
	}
	for name, b := range map[string][]byte{
		"unknown": {4}, "no bits set": {1, 0, 0}, "all bits set": {1, 0xff, 0x03}, "beyond the last": {1, 1, 0x04},
	} {
		if _, _, err := ReadHead(bytes.NewReader(b), 10); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want %v", name, err, ErrMalformed)
		}
	}
	if _, _, err := ReadHead(bytes.NewReader([]byte{1, 1}), 10); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: got %v", err)
	}
}
