package shard

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/floe-storage/floe/shard/rs"
)

func TestParams(t *testing.T) {
	t.Parallel()
	tests := []struct {
		n, f, rows, cols                  int
		maxBlob, maxPrimary, maxSecondary uint64
		metadata                          int
		smallest                          uint64
	}{
		{4, 1, 2, 3, 393_204, 196_602, 131_068, 288, 1_192},
		{5, 1, 3, 4, 12 * 65534, 4 * 65534, 3 * 65534, 352, 5 * (7*2 + 352)},
		{6, 1, 4, 5, 20 * 65534, 5 * 65534, 4 * 65534, 416, 6 * (9*2 + 416)},
		{7, 2, 3, 5, 983_010, 327_670, 196_602, 480, 3_472},
		{10, 3, 4, 7, 1_834_952, 458_738, 262_136, 672, 6_940},
		{100, 33, 34, 67, 149_286_452, 4_390_778, 2_228_156, 6_432, 663_400},
		{301, 100, 101, 201, 1_330_405_734, 13_172_334, 6_618_934, 19_296, 5_989_900},
		{1000, 333, 334, 667, 14_599_533_452, 43_711_178, 21_888_356, 64_032, 66_034_000},
	}
	for _, tt := range tests {
		p, err := NewParams(tt.n)
		if err != nil {
			t.Fatal(err)
		}
		if p.Shards() != tt.n || p.Faulty() != tt.f || p.Rows() != tt.rows || p.Cols() != tt.cols {
			t.Errorf("n=%d: got f %d, %d rows, %d cols", tt.n, p.Faulty(), p.Rows(), p.Cols())
		}
		if got := p.MaxBlobSize(); got != tt.maxBlob {
			t.Errorf("n=%d: largest blob: got %d, want %d", tt.n, got, tt.maxBlob)
		}
		if got := uint64(p.SliverSize(Primary, MaxSymbolSize)); got != tt.maxPrimary {
			t.Errorf("n=%d: largest primary sliver: got %d, want %d", tt.n, got, tt.maxPrimary)
		}
		if got := uint64(p.SliverSize(Secondary, MaxSymbolSize)); got != tt.maxSecondary {
			t.Errorf("n=%d: largest secondary sliver: got %d, want %d", tt.n, got, tt.maxSecondary)
		}
		if got := 64*p.Shards() + 32; got != tt.metadata {
			t.Errorf("n=%d: accounted metadata: got %d, want %d", tt.n, got, tt.metadata)
		}
		for _, size := range []uint64{0, 1} {
			if got, err := p.EncodedSize(size); err != nil || got != tt.smallest {
				t.Errorf("n=%d: encoded size of %d: got %d, %v, want %d", tt.n, size, got, err, tt.smallest)
			}
		}
		if p.SourceSymbols(Primary) != tt.cols || p.SourceSymbols(Secondary) != tt.rows ||
			p.Threshold(Primary) != tt.rows || p.Threshold(Secondary) != tt.cols {
			t.Errorf("n=%d: symbols or thresholds differ", tt.n)
		}
	}
}

func TestMetadataSize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{4, 10, 127, 128, 1000, 16384, MaxShards} {
		md := Metadata{Hashes: make([]PairHashes, n)}
		b, _ := md.AppendBinary(nil)
		if got := (Params{n: n}).MetadataSize(); got != len(b) {
			t.Errorf("n=%d: got %d, want %d", n, got, len(b))
		}
	}
}

func TestEncodedSizes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n          int
		size, want uint64
	}{{10, 2800, 17_720}, {1000, 1, 66_034_000}, {1000, 22_277_800, 164_132_000}} {
		p, _ := NewParams(tt.n)
		if got, err := p.EncodedSize(tt.size); err != nil || got != tt.want {
			t.Errorf("n=%d, %d bytes: got %d, %v, want %d", tt.n, tt.size, got, err, tt.want)
		}
	}
}

func TestSymbolSize(t *testing.T) {
	t.Parallel()
	p, _ := NewParams(10) // 28 symbols
	for _, tt := range []struct {
		size uint64
		want int
	}{{0, 2}, {1, 2}, {56, 2}, {57, 4}, {112, 4}, {113, 6}, {28 * 65532, 65532}, {28*65532 + 1, 65534}, {28 * 65534, 65534}} {
		if got, err := p.SymbolSize(tt.size); err != nil || got != tt.want {
			t.Errorf("%d bytes: got %d, %v, want %d", tt.size, got, err, tt.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	p, _ := NewParams(4)
	for _, tt := range []struct {
		size uint64
		end  string // of the message
	}{
		{393_205, "blob of 393205 bytes is larger than the maximum of 393204 bytes for 4 shards; 5 shards would take it"},
		{14_599_533_452, "393204 bytes for 4 shards; 999 shards would take it"},
		{math.MaxUint64, "393204 bytes for 4 shards"},
	} {
		_, err := p.SymbolSize(tt.size)
		large, ok := errors.AsType[*TooLargeError](err)
		if !ok {
			t.Fatalf("%d bytes: got %v, want a TooLargeError", tt.size, err)
		}
		if large.Size != tt.size || large.Max != 393_204 || large.Shards != 4 {
			t.Errorf("%d bytes: got %+v", tt.size, large)
		}
		if !strings.HasSuffix(err.Error(), tt.end) {
			t.Errorf("got %q, want the end %q", err, tt.end)
		}
		for n := MinShards; n <= MaxShards; n++ {
			if (Params{n: n}).MaxBlobSize() < tt.size {
				continue
			}
			if got, ok := large.Needed(); !ok || got != n {
				t.Errorf("%d bytes: got %d shards, want %d", tt.size, got, n)
			}
			break
		}
		if _, err := p.EncodedSize(tt.size); err == nil {
			t.Errorf("%d bytes: an encoded size", tt.size)
		}
	}
}

// The limits of NewParams are those of the codes.
func TestShardLimits(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 1, 3, MaxShards + 1, 65535, 1 << 20} {
		if _, err := NewParams(n); err == nil {
			t.Errorf("NewParams(%d): no error", n)
		}
	}
	fits := func(n int) bool {
		p := Params{n: n}
		_, err1 := rs.New(p.Cols(), n-p.Cols())
		_, err2 := rs.New(p.Rows(), n-p.Rows())
		return err1 == nil && err2 == nil
	}
	for n := MinShards; n <= MaxShards; n += 1 + n/300 {
		if !fits(n) {
			t.Fatalf("the codes do not fit %d shards", n)
		}
	}
	if !fits(MaxShards) || fits(MaxShards+1) || fits(3) {
		t.Error("the codes have other limits")
	}
}

func TestZeroParams(t *testing.T) {
	t.Parallel()
	var p Params
	if _, err := p.SymbolSize(1); !errors.Is(err, ErrParams) {
		t.Errorf("SymbolSize: got %v, want ErrParams", err)
	}
	if _, err := p.EncodedSize(1); !errors.Is(err, ErrParams) {
		t.Errorf("EncodedSize: got %v, want ErrParams", err)
	}
	if _, _, err := Encode(p, nil); !errors.Is(err, ErrParams) {
		t.Errorf("Encode: got %v, want ErrParams", err)
	}
	if _, err := ComputeMetadata(p, nil); !errors.Is(err, ErrParams) {
		t.Errorf("ComputeMetadata: got %v, want ErrParams", err)
	}
	md := &Metadata{}
	if _, err := Decode(p, md, nil, CheckDefault); !errors.Is(err, ErrParams) {
		t.Errorf("Decode: got %v, want ErrParams", err)
	}
	if err := VerifySliver(p, md, &Sliver{}); !errors.Is(err, ErrParams) {
		t.Errorf("VerifySliver: got %v, want ErrParams", err)
	}
	if _, err := Symbols(p, Sliver{}, nil); !errors.Is(err, ErrParams) {
		t.Errorf("Symbols: got %v, want ErrParams", err)
	}
	if err := VerifySymbol(p, md, Primary, 0, RecoverySymbol{}); !errors.Is(err, ErrParams) {
		t.Errorf("VerifySymbol: got %v, want ErrParams", err)
	}
	if _, err := RecoverSliver(p, md, Primary, 0, nil); !errors.Is(err, ErrParams) {
		t.Errorf("RecoverSliver: got %v, want ErrParams", err)
	}
	if err := new(InconsistencyProof).Verify(p, md); !errors.Is(err, ErrParams) {
		t.Errorf("InconsistencyProof.Verify: got %v, want ErrParams", err)
	}
	if p.MaxBlobSize() != 0 || p.Faulty() != 0 || p.ShardOf(BlobID{}, 3) != 3 || p.PairOf(BlobID{}, 3) != 3 || p.SliverOf(Secondary, 3) != 3 {
		t.Error("the zero Params computes something")
	}
}
