package committee_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// messageKinds is all messages whose form is fixed: how to read one and make it
// again, and one with its bytes.
var messageKinds = []struct {
	name  string
	again func(b []byte) ([]byte, error)
	made  []byte
	want  string
}{
	{
		"invalid blob", func(b []byte) ([]byte, error) {
			e, id, err := committee.ParseInvalidBlob(b)
			return committee.InvalidBlobMessage(e, id), err
		},
		committee.InvalidBlobMessage(5, shard.BlobID{0xbc, 0x0a}),
		"02000305000000" + "bc0a" + strings.Repeat("00", 30),
	},
	{
		"deny list update", func(b []byte) ([]byte, error) {
			u, err := committee.ParseDenyListUpdate(b)
			return u.Message(), err
		},
		committee.DenyListUpdate{Epoch: 0x01020304, Node: filled(0xaa), Sequence: 0x1112131415161718, Size: 100, Root: filled(0xbb)}.Message(),
		"04000304030201" + strings.Repeat("aa", 32) + "1817161514131211" + "6400000000000000" + strings.Repeat("bb", 32),
	},
	{
		"deny-listed blob", func(b []byte) ([]byte, error) {
			d, err := committee.ParseDenyListedBlob(b)
			return d.Message(), err
		},
		committee.DenyListedBlob{Epoch: 5, Blob: shard.BlobID{0xbc, 0x0a}}.Message(),
		"05000305000000" + "bc0a" + strings.Repeat("00", 30),
	},
	{
		"protocol version", func(b []byte) ([]byte, error) {
			v, err := committee.ParseProtocolVersion(b)
			return v.Message(), err
		},
		committee.ProtocolVersion{Epoch: 7, Start: 8, Version: 0x0102030405060708}.Message(),
		"06000307000000" + "08000000" + "0807060504030201",
	},
}

// The bytes of [WL] §3.9, and all that is near them.
func TestSystemMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range messageKinds {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := hex.EncodeToString(tt.made); got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			if got, err := tt.again(tt.made); err != nil || !bytes.Equal(got, tt.made) {
				t.Errorf("parse: got %x, %v", got, err)
			}
			for n := range tt.made {
				if _, err := tt.again(tt.made[:n]); !errors.Is(err, committee.ErrMessage) {
					t.Errorf("%d bytes of it: got %v, want ErrMessage", n, err)
				}
			}
			if _, err := tt.again(append(slices.Clone(tt.made), 0)); !errors.Is(err, committee.ErrMessage) {
				t.Errorf("a byte more: got %v, want ErrMessage", err)
			}
			for at := range 3 {
				for v := range 8 {
					bad := slices.Clone(tt.made)
					bad[at] = byte(v)
					if _, err := tt.again(bad); !bytes.Equal(bad, tt.made) && !errors.Is(err, committee.ErrMessage) {
						t.Errorf("byte %d of the header set to %d: got %v, want ErrMessage", at, v, err)
					}
				}
			}
			for _, other := range messageKinds {
				if _, err := tt.again(other.made); other.name != tt.name && !errors.Is(err, committee.ErrMessage) {
					t.Errorf("%s: got %v, want ErrMessage", other.name, err)
				}
			}
		})
	}
}

func TestSystemMessageFields(t *testing.T) {
	t.Parallel()
	update := committee.DenyListUpdate{Epoch: 5, Node: filled(1), Sequence: 2, Size: 3, Root: filled(4)}
	if got, err := committee.ParseDenyListUpdate(update.Message()); err != nil || got != update {
		t.Errorf("got %+v, %v, want %+v", got, err, update)
	}
	deleted := committee.DenyListedBlob{Epoch: 5, Blob: filled(6)}
	if got, err := committee.ParseDenyListedBlob(deleted.Message()); err != nil || got != deleted {
		t.Errorf("got %+v, %v, want %+v", got, err, deleted)
	}
	version := committee.ProtocolVersion{Epoch: 5, Start: 7, Version: 8}
	if got, err := committee.ParseProtocolVersion(version.Message()); err != nil || got != version {
		t.Errorf("got %+v, %v, want %+v", got, err, version)
	}
	e, id, err := committee.ParseInvalidBlob(committee.InvalidBlobMessage(5, filled(6)))
	if err != nil || e != 5 || id != filled(6) {
		t.Errorf("got epoch %d, blob %v, %v", e, id, err)
	}
}

// Walrus's tests of invalid blobs and deny lists certify what ten members with
// the secrets 1 to 10 sign. [WL] §5.6
func TestSystemCertificates(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, slices.Repeat([]int{1}, 10)...)
	seven := []int{0, 1, 2, 3, 4, 7, 8}
	for _, kind := range messageKinds {
		cert := committee.Certificate{Signers: bitmapOf(2, seven...), Message: kind.made, Signature: sumOf(t, kind.made, seven...)}
		if err := c.Verify(cert, committee.Quorum); err != nil {
			t.Errorf("%s: %v", kind.name, err)
		}
		cert.Message = append(slices.Clone(kind.made[:3]), append([]byte{9}, kind.made[4:]...)...) // another epoch
		if err := c.Verify(cert, committee.Quorum); !errors.Is(err, bls.ErrSignature) {
			t.Errorf("%s of another epoch: got %v, want ErrSignature", kind.name, err)
		}
	}
}

func FuzzParseMessages(f *testing.F) {
	for _, kind := range messageKinds {
		f.Add(kind.made)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		accepted := 0
		for _, kind := range messageKinds {
			again, err := kind.again(b)
			if err != nil {
				continue
			}
			accepted++
			if !bytes.Equal(again, b) {
				t.Errorf("%x parses as a message of kind %s, whose bytes are %x", b, kind.name, again)
			}
		}
		if accepted > 1 {
			t.Errorf("%x is %d kinds of message", b, accepted)
		}
	})
}
