package quilt_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/quilt"
	"github.com/floe-storage/floe/shard/shardtest"
)

func TestParsePatchIDRefuses(t *testing.T) {
	t.Parallel()
	const valid = "uIiEbhP2qgZYygEGxJX1GeB-rQATo2yufC2DCp7B4iABAQANAA"
	internal := func(b ...byte) string {
		return base64.RawURLEncoding.EncodeToString(append(make([]byte, shard.BlobIDSize), b...))
	}
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"blob ID", valid[:43]},
		{"one character less", valid[:49]},
		{"one more", valid + "A"},
		{"padding", valid[:48] + "=="},
		{"last bits set", valid[:49] + "B"},
		{"standard alphabet", "+" + valid[1:]},
		{"line break", valid[:20] + "\n" + valid[21:]},
		{"space", " " + valid[1:]},
		{"version 0", internal(0, 1, 0, 2, 0)},
		{"version 2", internal(2, 1, 0, 2, 0)},
		{"column of the index", internal(1, 0, 0, 2, 0)},
		{"no columns", internal(1, 2, 0, 2, 0)},
		{"end before start", internal(1, 3, 0, 2, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if id, err := quilt.ParsePatchID(tt.text); !errors.Is(err, quilt.ErrPatchID) {
				t.Errorf("got %v, %v, want ErrPatchID", id, err)
			}
		})
	}
	if _, err := quilt.ParsePatchID(internal(1, 1, 0, 2, 0)); err != nil {
		t.Errorf("valid: got %v", err)
	}
}

func TestInternalID(t *testing.T) {
	t.Parallel()
	id := quilt.InternalID{Start: 0x0102, End: 0x0104}
	b, _ := id.AppendBinary(nil)
	if !slices.Equal(b, []byte{1, 2, 1, 4, 1}) {
		t.Errorf("got %x", b)
	}
	if got, err := quilt.ParseInternalID(b); got != id || err != nil {
		t.Errorf("got %v, %v, want %v", got, err, id)
	}
	for _, b := range [][]byte{nil, b[:4], append(b, 0)} {
		if _, err := quilt.ParseInternalID(b); !errors.Is(err, quilt.ErrPatchID) {
			t.Errorf("%x: got %v, want ErrPatchID", b, err)
		}
	}
	if got := id.Needed(); id.Columns() != 2 || !slices.Equal(got, []shard.SliverIndex{0x0102, 0x0103}) {
		t.Errorf("needed: got %v", got)
	}
	if got := (quilt.InternalID{Start: 3, End: 1}); got.Columns() != 0 || len(got.Needed()) != 0 {
		t.Error("an ID without columns needs some")
	}
}

func TestPatchIDInJSON(t *testing.T) {
	t.Parallel()
	id := quilt.PatchID{Quilt: shard.BlobID(shardtest.Blob("id", 32)), Patch: quilt.InternalID{Start: 1, End: 65535}}
	b, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	var got quilt.PatchID
	if err := json.Unmarshal(b, &got); err != nil || got != id {
		t.Errorf("got %v, %v, want %v", got, err, id)
	}
	if err := json.Unmarshal([]byte(`"AAAA"`), &got); !errors.Is(err, quilt.ErrPatchID) {
		t.Errorf("got %v, want ErrPatchID", err)
	}
}
