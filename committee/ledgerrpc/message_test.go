package ledgerrpc

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/p2p/wire"
)

// golden lists every frame with its bytes.
var golden = []struct {
	name  string
	m     wire.Message
	bytes string
}{
	{"get", &request{call: callGet, minHeight: 0x0102, known: 3, keys: [][]byte{{1}, {2, 3}}}, "00 0201000000000000 0300000000000000 02 01 01 02 0203"},
	{"range", &request{call: callRange, minHeight: 7, start: []byte{8}, end: []byte{9}, limit: 4}, "01 0700000000000000 0000000000000000 01 08 01 09 0400"},
	{"range without end", &request{call: callRange, limit: 0x0100}, "01 0000000000000000 0000000000000000 00 00 0001"},
	{"broadcast", &request{call: callBroadcast, tx: []byte{0xaa, 0xbb}}, "02 02 aabb"},
	{"await", &request{call: callAwait, hash: [32]byte{1, 31: 2}}, "03 01" + strings.Repeat("00", 30) + "02"},
	{"follow", &request{call: callFollow, minHeight: 5}, "04 0500000000000000"},
	{"block wanted", &request{call: callBlock, minHeight: 6}, "05 0600000000000000"},

	{"fault", &answer{fault: wire.Error{Code: wire.CodeBusy, Text: "wait", RetryAfter: busyPause}}, "03 64000000 04 77616974"},
	{
		"values", &answer{call: callGet, height: 3, block: []byte{9}, spans: [][]byte{{5, 6}, {7}}},
		"00 00000000 00 00 0300000000000000 01 09 02 02 0506 01 07",
	},
	{
		"pairs", &answer{call: callRange, height: 3, spans: [][]byte{{1}}},
		"00 00000000 00 01 0300000000000000 00 01 01 01",
	},
	{"light block", &answer{call: callBlock, block: []byte{9, 8}}, "00 00000000 00 05 02 0908"},
	{
		"verdict", &answer{call: callBroadcast, result: ledger.TxResult{Code: 5, Info: "no", Data: []byte{9}, Fee: 2}},
		"00 00000000 00 02 05000000 02 6e6f 01 09 0200000000000000",
	},
	{
		"receipt", &answer{call: callAwait, receipt: ledger.Receipt{Height: 8, Index: 1, Hash: [32]byte{7}, TxResult: ledger.TxResult{Fee: 3}}, proof: []byte{4}, block: []byte{5}, next: []byte{6}},
		"00 00000000 00 03 0800000000000000 01000000 07" + strings.Repeat("00", 31) + "00000000 00 00 0300000000000000 01 04 01 05 01 06",
	},
	{"block", &answer{call: callFollow, events: ledger.BlockEvents{Height: 2, Time: 4, Events: []ledger.TxEvent{
		{Tx: [32]byte{6}, Index: 1, Event: ledger.Event{Kind: "k", Body: []byte{8}}},
	}}}, "00 00000000 00 04 0200000000000000 0400000000000000 00 01 06" + strings.Repeat("00", 31) + "01000000 01 6b 01 08"},
	{
		"part of a block", &answer{call: callFollow, more: true, events: ledger.BlockEvents{Height: 2}},
		"00 00000000 00 04 0200000000000000 0000000000000000 01 00",
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

func blank(m wire.Message) wire.Message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(wire.Message)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range golden {
		want := clean(t, c.bytes)
		if got := wire.Encode(c.m); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, got, want)
		}
		back := blank(c.m)
		if err := wire.Decode(want, back); err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := wire.Encode(back); !bytes.Equal(got, want) {
			t.Errorf("%s: decoded and encoded again: %x", c.name, got)
		}
	}
}

// Whatever is cut off or added makes a frame malformed.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, c := range golden {
		b := clean(t, c.bytes)
		for n := range b {
			if err := wire.Decode(b[:n], blank(c.m)); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("%s: the first %d bytes: got %v", c.name, n, err)
			}
		}
		if err := wire.Decode(append(b, 0), blank(c.m)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: a byte too many: got %v", c.name, err)
		}
	}
	for name, m := range map[string]struct {
		m     wire.Message
		bytes string
	}{
		"unknown call":        {new(request), "06"},
		"call in long form":   {new(request), "8000 0000000000000000 0000000000000000 00"},
		"too many keys":       {new(request), "00 0000000000000000 0000000000000000 41" + strings.Repeat("00", 65)},
		"count without keys":  {new(request), "00 0000000000000000 0000000000000000 40"},
		"key too long":        {new(request), "00 0000000000000000 0000000000000000 01 8102" + strings.Repeat("00", 257)},
		"truth of 2":          {new(answer), "00 00000000 00 04 0200000000000000 0400000000000000 02 00"},
		"too many spans":      {new(answer), "00 00000000 00 00 0300000000000000 00 41" + strings.Repeat("00", 65)},
		"events out of air":   {new(answer), "00 00000000 00 04 0200000000000000 0400000000000000 00 808010"},
		"text is not UTF-8":   {new(answer), "00 00000000 00 02 05000000 01 ff 00 0200000000000000"},
		"results out of size": {new(answer), "00 00000000 00 02 05000000 00 8120" + strings.Repeat("00", 4097) + "0200000000000000"},
	} {
		if err := wire.Decode(clean(t, m.bytes), m.m); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "short", strings.Repeat("x", 2*maxText), strings.Repeat("é", maxText), "x" + strings.Repeat("é", maxText), "x" + strings.Repeat("日", maxText), "\xff"} {
		got := truncate(s)
		if len(got) > maxText || !utf8.ValidString(got) || !strings.HasPrefix(s, got) && s != "\xff" {
			t.Errorf("%.10q: got %d bytes %.10q", s, len(got), got)
		}
		if len(s) > maxText && len(got) < maxText-utf8.UTFMax {
			t.Errorf("%.10q: cut to %d bytes", s, len(got))
		}
	}
}

func fuzz(f *testing.F, want func() wire.Message) {
	seeds := 0
	for _, c := range golden {
		if reflect.TypeOf(c.m) == reflect.TypeOf(want()) {
			f.Add(clean(f, c.bytes))
			seeds++
		}
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := want()
		if err := wire.Decode(b, m); err != nil {
			return
		}
		if got := wire.Encode(m); !bytes.Equal(got, b) {
			t.Errorf("decoded and encoded again:\n got %x\nwant %x", got, b)
		}
		if len(b) > m.MaxSize() {
			t.Errorf("%d bytes were read, at most %d may be sent", len(b), m.MaxSize())
		}
	})
}

func FuzzRequest(f *testing.F) { fuzz(f, func() wire.Message { return new(request) }) }

func FuzzAnswer(f *testing.F) { fuzz(f, func() wire.Message { return new(answer) }) }
