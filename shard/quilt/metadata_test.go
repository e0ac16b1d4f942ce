package quilt_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/quilt"
	"github.com/floe-storage/floe/shard/shardtest"
)

// metadataOf returns the canonical form of the metadata of a small quilt of 7 shards.
func metadataOf(t testing.TB) (*quilt.Metadata, []byte) {
	t.Helper()
	q, blob := build(t, 7, source("a", []byte("1"), map[string]string{"k": "v"}), quilt.FromBytes("b", []byte("2")))
	md, err := shard.ComputeMetadata(shardtest.MustParams(7), blob)
	if err != nil {
		t.Fatal(err)
	}
	m := &quilt.Metadata{Quilt: md.ID(), Blob: md, Index: *q.Index()}
	b, _ := m.AppendBinary(nil)
	return m, b
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	p := shardtest.MustParams(7)
	want, b := metadataOf(t)
	got, err := quilt.ParseMetadata(p, b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Quilt != want.Quilt || got.Blob.ID() != want.Quilt ||
		!slices.EqualFunc(got.Index.Patches, want.Index.Patches, samePatch) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	head := append([]byte{0}, want.Quilt[:]...)
	blob, _ := want.Blob.AppendBinary(nil)
	if !bytes.HasPrefix(b, append(head, blob...)) || len(b) != 1+32+p.MetadataSize()+len("\x02")+2+2+1+2+2+2+2+1 {
		t.Errorf("got %x", b)
	}

	at := 1 + 32 + p.MetadataSize() // where the index begins
	tests := []struct {
		name    string
		corrupt func([]byte) []byte
		want    error
	}{
		{"empty", func([]byte) []byte { return nil }, quilt.ErrMalformed},
		{"version", func(b []byte) []byte { b[0] = 1; return b }, quilt.ErrMalformed},
		{"blob ID", func(b []byte) []byte { b[1] ^= 1; return b }, shard.ErrMetadata},
		{"hash", func(b []byte) []byte { b[at-1] ^= 1; return b }, shard.ErrMetadata},
		{"cut off in the blob", func(b []byte) []byte { return b[:at-1] }, quilt.ErrMalformed},
		{"no index", func(b []byte) []byte { return b[:at] }, quilt.ErrMalformed},
		{"cut off", func(b []byte) []byte { return b[:len(b)-1] }, quilt.ErrMalformed},
		{"trailing byte", func(b []byte) []byte { return append(b, 0) }, quilt.ErrMalformed},
		{"columns", func(b []byte) []byte { b[at+1] = 0; return b }, quilt.ErrMalformed},
		{"long index", func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, quilt.ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := quilt.ParseMetadata(p, tt.corrupt(slices.Clone(b))); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := quilt.ParseMetadata(shardtest.MustParams(10), b); !errors.Is(err, shard.ErrMetadata) {
		t.Errorf("other network: got %v", err)
	}
	// A blob that is not a quilt, by its size.
	md, err := shard.ComputeMetadata(p, []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := (&quilt.Metadata{Quilt: md.ID(), Blob: md}).AppendBinary(nil)
	if _, err := quilt.ParseMetadata(p, plain); !errors.Is(err, quilt.ErrMalformed) {
		t.Errorf("not a quilt: got %v", err)
	}
}
