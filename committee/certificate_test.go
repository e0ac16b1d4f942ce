package committee_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

const goldenSignature = "99c43ae152f3a090e35298c95afd2e686517a17dc4bbee35d3ab6e0aa0872624c1707e15ca534cf9413d61a89218e92208807c67b27230c8ae4fd4660d0feab4d56514a320a0c81e929c09a94e973eced440a1dcd4c5c6efcf2bc61e9fd44324"

var goldenConfirmation = committee.Confirmation{Epoch: 5, Blob: shard.BlobID{0xbc, 0x0a}}

func newCommittee(t testing.TB, weights ...int) *committee.Committee {
	t.Helper()
	n := 0
	for _, w := range weights {
		n += w
	}
	c, err := committee.New(5, n, members(t, weights...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sumOf signs msg with all the keys 1, 2, … at the given positions at once: the
// signature by the sum of the secrets is the sum of the signatures.
func sumOf(t testing.TB, msg []byte, positions ...int) bls.Signature {
	t.Helper()
	sum := 0
	for _, p := range positions {
		sum += p + 1
	}
	return secret(t, sum).Sign(msg)
}

func bitmapOf(size int, positions ...int) []byte {
	b := make([]byte, size)
	for _, p := range positions {
		b[p/8] |= 1 << (p % 8)
	}
	return b
}

// TestGoldenCertificate is the certificate of [WL] §3.9: ten members with the
// secrets 1 to 10, of which seven sign.
func TestGoldenCertificate(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, slices.Repeat([]int{1}, 10)...)
	k := committee.NewCollector(c, goldenConfirmation.Message())
	for i, position := range []int{8, 0, 1, 2, 7, 3, 4} { // in any order
		if k.Quorum() {
			t.Fatalf("a quorum after %d signatures", i)
		}
		if _, err := k.Certificate(); !errors.Is(err, committee.ErrNoQuorum) {
			t.Fatalf("a certificate after %d signatures: got %v, want ErrNoQuorum", i, err)
		}
		msg := goldenConfirmation.Message()
		s := committee.SignedConfirmation{Message: msg, Signature: secret(t, position+1).Sign(msg)}
		for range 2 { // the second time changes nothing
			if err := k.Add(c.Members()[position].ID, s); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := k.Weight(), committee.Weight(i+1); got != want {
			t.Fatalf("weight: got %d, want %d", got, want)
		}
	}
	cert, err := k.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(cert.Signers); got != "9f01" {
		t.Errorf("signers: got %s, want 9f01", got)
	}
	if got := hex.EncodeToString(cert.Signature[:]); got != goldenSignature {
		t.Errorf("signature: got %s, want %s", got, goldenSignature)
	}
	if err := c.Verify(cert, committee.Quorum); err != nil {
		t.Error(err)
	}
	// A certificate stays what it is when more signatures come in.
	msg := goldenConfirmation.Message()
	if err := k.Add(c.Members()[5].ID, committee.SignedConfirmation{Message: msg, Signature: secret(t, 6).Sign(msg)}); err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(cert, committee.Quorum); err != nil {
		t.Errorf("after one more signature: %v", err)
	}
	larger, err := k.Certificate()
	if err != nil || c.Verify(larger, committee.Quorum) != nil {
		t.Errorf("a certificate of eight: %v", err)
	}
}

func TestCollectorRefuses(t *testing.T) {
	t.Parallel()
	c := newCommittee(t, 1, 1, 1, 1)
	msg := goldenConfirmation.Message()
	other := committee.Confirmation{Epoch: 6, Blob: goldenConfirmation.Blob}.Message()
	k := committee.NewCollector(c, msg)
	for _, tt := range []struct {
		name string
		id   committee.NodeID
		s    committee.SignedConfirmation
		want error
	}{
		{"nobody of the committee", committee.NodeID{31: 9}, committee.SignedConfirmation{Message: msg, Signature: secret(t, 9).Sign(msg)}, committee.ErrNotMember},
		{"another message", c.Members()[0].ID, committee.SignedConfirmation{Message: other, Signature: secret(t, 1).Sign(other)}, committee.ErrMessage},
		{"a signature of another message", c.Members()[0].ID, committee.SignedConfirmation{Message: msg, Signature: secret(t, 1).Sign(other)}, bls.ErrSignature},
		{"a signature of another member", c.Members()[0].ID, committee.SignedConfirmation{Message: msg, Signature: secret(t, 2).Sign(msg)}, bls.ErrSignature},
		{"no signature", c.Members()[0].ID, committee.SignedConfirmation{Message: msg}, bls.ErrSignature},
	} {
		if err := k.Add(tt.id, tt.s); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if k.Weight() != 0 {
			t.Fatalf("%s: it weighs %d", tt.name, k.Weight())
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	ten := newCommittee(t, slices.Repeat([]int{1}, 10)...)
	eleven := newCommittee(t, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2)
	sixteen := newCommittee(t, slices.Repeat([]int{1}, 16)...)
	msg := goldenConfirmation.Message()
	seven := []int{0, 1, 2, 3, 4, 7, 8}
	signature := sumOf(t, msg, seven...)
	valid := committee.Certificate{Signers: []byte{0x9f, 0x01}, Message: msg, Signature: signature}
	with := func(change func(*committee.Certificate)) committee.Certificate {
		c := committee.Certificate{Signers: bytes.Clone(valid.Signers), Message: bytes.Clone(valid.Message), Signature: valid.Signature}
		change(&c)
		return c
	}
	type cert = committee.Certificate
	infinity := bls.Signature{0: 0xc0}
	for _, tt := range []struct {
		name   string
		c      *committee.Committee
		cert   cert
		enough func(committee.Weight, int) bool
		want   error
	}{
		{"the valid one", ten, valid, committee.Quorum, nil},
		{"a bitmap of one byte", ten, with(func(c *cert) {
			c.Signers, c.Signature = []byte{0x7f}, sumOf(t, msg, 0, 1, 2, 3, 4, 5, 6)
		}), committee.Quorum, nil},
		{"everybody", sixteen, with(func(c *cert) {
			c.Signers, c.Signature = []byte{0xff, 0xff}, sumOf(t, msg, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
		}), committee.Quorum, nil},
		{"validity", ten, with(func(c *cert) { c.Signers, c.Signature = []byte{0x0f}, sumOf(t, msg, 0, 1, 2, 3) }), committee.Validity, nil},
		{"validity is no quorum", ten, with(func(c *cert) { c.Signers, c.Signature = []byte{0x0f}, sumOf(t, msg, 0, 1, 2, 3) }), committee.Quorum, committee.ErrNoQuorum},
		{"one short of validity", ten, with(func(c *cert) { c.Signers, c.Signature = []byte{0x07}, sumOf(t, msg, 0, 1, 2) }), committee.Validity, committee.ErrNoQuorum},
		{"weights 1 to 9 times, and 2", eleven, valid, committee.Quorum, committee.ErrNoQuorum}, // [WE] §8.1
		{"one signer short", ten, with(func(c *cert) { c.Signers, c.Signature = []byte{0x1f, 0x01}, sumOf(t, msg, 0, 1, 2, 3, 4, 8) }), committee.Quorum, committee.ErrNoQuorum},
		{"one signature short of the bitmap", ten, with(func(c *cert) { c.Signature = sumOf(t, msg, seven[1:]...) }), committee.Quorum, bls.ErrSignature},
		{"one signer too many in the bitmap", ten, with(func(c *cert) { c.Signers[0] |= 1 << 5 }), committee.Quorum, bls.ErrSignature},
		{"another signer in the bitmap", ten, with(func(c *cert) { c.Signers = bitmapOf(2, 0, 1, 2, 3, 4, 7, 9) }), committee.Quorum, bls.ErrSignature},
		{"a bitmap too long", ten, with(func(c *cert) { c.Signers = append(c.Signers, 0) }), committee.Quorum, committee.ErrBitmap},
		{"a bit beyond the members", ten, with(func(c *cert) { c.Signers[1] |= 1 << 2 }), committee.Quorum, committee.ErrBitmap},
		{"the last bit", ten, with(func(c *cert) { c.Signers[1] |= 1 << 7 }), committee.Quorum, committee.ErrBitmap},
		{"no bitmap", ten, with(func(c *cert) { c.Signers = nil }), committee.Quorum, committee.ErrNoQuorum},
		{"another message", ten, with(func(c *cert) { c.Message[3]++ }), committee.Quorum, bls.ErrSignature},
		{"a longer message", ten, with(func(c *cert) { c.Message = append(c.Message, 0) }), committee.Quorum, bls.ErrSignature},
		{"no signature", ten, with(func(c *cert) { c.Signature = bls.Signature{} }), committee.Quorum, bls.ErrSignature},
		{"the signature at infinity", ten, with(func(c *cert) { c.Signature = infinity }), committee.Quorum, bls.ErrSignature},
		{"a signature backwards", ten, with(func(c *cert) { slices.Reverse(c.Signature[:]) }), committee.Quorum, bls.ErrSignature},
		{"nobody, and whatever is enough", ten, with(func(c *cert) { c.Signers, c.Signature = nil, infinity }), func(committee.Weight, int) bool { return true }, bls.ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.c.Verify(tt.cert, tt.enough); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
