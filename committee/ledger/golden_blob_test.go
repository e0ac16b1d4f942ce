package ledger

import (
	"bytes"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// goldenBlobMessages are the golden messages about storage and blobs.
func goldenBlobMessages() []Message {
	object, other := Object(counting[committee.ObjectID](0x10)), Object(counting[committee.ObjectID](0x90))
	id, root := counting[shard.BlobID](0x30), counting[shard.Hash](0x50)
	return []Message{
		BurnFunds{Amount: 0x1122334455667788},
		ReserveStorageFor{Size: 0x0102030405060708, Start: 0x0a0b0c0d, End: 0x1a1b1c1d},
		SplitStorageBySize{Storage: object, Size: 0x0102030405060708},
		SplitStorageByEpoch{Storage: object, Epoch: 0x0a0b0c0d},
		FuseStorage{First: object, Second: other},
		DestroyStorage{Storage: object},
		ExtendBlobWithStorage{Blob: object, Storage: other},
		BurnBlob{Blob: object},
		SetAttributes{Blob: object, Set: []Attribute{{"name", "glacier"}, {"empty", ""}}, Remove: []string{"type"}},
		ShareBlob{Blob: object, Amount: 0x1122334455667788},
		FundBlob{Blob: object, Amount: 0x1122334455667788},
		ExtendSharedBlob{Blob: object, Epochs: 7},
		InvalidateBlob{BlobID: id, Certificate: committee.Certificate{
			Signers: []byte{0x9f, 0x01}, Message: committee.InvalidBlobMessage(5, id),
			Signature: bls.Signature(bytes.Repeat([]byte{0x5a}, bls.SignatureSize)),
		}},
		CreatePool{Storage: object},
		RegisterPooledBlob{Pool: object, BlobID: id, Root: root, Size: 0x0102030405060708, Deletable: true},
		ExtendPool{Pool: object, Epochs: 7},
		GrowPool{Pool: object, Storage: other},
		ShrinkPool{Pool: object, Size: 0x0102030405060708},
		DestroyPool{Pool: object},
	}
}

// goldenBlobEvents are the golden events about storage and blobs.
func goldenBlobEvents() []event {
	object, other := counting[committee.ObjectID](0x10), counting[committee.ObjectID](0x90)
	id, owner, hash := counting[shard.BlobID](0x30), counting[Address](0x50), counting[[32]byte](0xb0)
	return []event{
		StorageSplit{Object: object, Part: other, Owner: owner, Start: 1, End: 2, Size: 3},
		StorageFused{Object: object, Consumed: other, Owner: owner, Start: 1, End: 2, Size: 3},
		StorageDestroyed{Object: object, Owner: owner, Start: 1, End: 2, Size: 3},
		BlobBurned{Epoch: 1, BlobID: id, Object: object, Owner: owner},
		BlobShared{BlobID: id, Object: object, Owner: owner, Funds: 1},
		BlobFunded{BlobID: id, Object: object, From: owner, Amount: 1, Funds: 2},
		FundsReturned{Object: object, To: owner, Amount: 1},
		DepositSettled{Object: object, Owner: owner, Refunded: 1, Kept: 2},
		BlobInvalid{Epoch: 1, BlobID: id, Evidence: hash},
		AttributesSet{BlobID: id, Object: object, Owner: owner, Hash: hash},
		PoolCreated{Epoch: 1, Pool: object, Owner: owner, Start: 2, End: 3, Size: 4},
		PoolExtended{Epoch: 1, Pool: object, Owner: owner, End: 2},
		PoolResized{Epoch: 1, Pool: object, Owner: owner, Size: 2, Storage: other},
		PoolDestroyed{Epoch: 1, Pool: object, Owner: owner, Storage: other},
		PoolExpired{Epoch: 1, Pool: object, Owner: owner},
		FundsBurned{From: owner, Amount: 1},
	}
}

// goldenBlobState are the golden records and keys of storage and blobs.
func goldenBlobState() []entry {
	id, pool := counting[shard.BlobID](0x30), Pool{
		ID: counting[committee.ObjectID](0x10), Owner: counting[Address](0x50), Start: 1, End: 2, Size: 3, Used: 4, Count: 5,
	}
	pooled := Blob{
		ID: counting[committee.ObjectID](0x70), BlobID: id, Size: 1, Encoding: encodingRedStuff, Shared: true, Registered: 2, Storage: Storage{Size: 3},
		Pool: pool.ID, Attributes: counting[[32]byte](0x90), Deposit: 0x0102030405060708, Funds: 0x1112131415161718,
	}.In(pool)
	pairs := []Attribute{{"empty", ""}, {"name", "glacier"}}
	return []entry{
		{"blob in a pool", pooled.bytes()},
		{"key of the index, in a pool", pooled.indexKey()},
		{"pool", pool.bytes()},
		{"key of a pool", pool.key()},
		{"key of a blob in a pool", pooledKey(pool.ID, id)},
		{"key of an owner's object", ownerKey(pool.Owner, KindPool, pool.ID)},
		{"certificate", encode(endorsement{Signers: []byte{1, 2}, Signature: bls.Signature(bytes.Repeat([]byte{0x5a}, bls.SignatureSize))})},
		{"key of a certificate", CertificateKey(pooled.ID)},
		{"attributes", encode(attributes{pairs})},
		{"hash of the attributes", hashOf(AttributesHash(pairs))},
		{"key of attributes", AttributesKey(pooled.ID)},
		{"invalid blob", encode(Invalid{Epoch: 1, Evidence: counting[[32]byte](0x90)})},
		{"key of an invalid blob", InvalidKey(id)},
		{"key of a committee", epochKey(keyCommittee, 0x01020304)},
	}
}
