package ledger_test

import (
	"crypto/ed25519"
	"fmt"
	"log"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

// One transaction buys storage and announces a blob in it: the second message
// takes what the first one makes.
func ExampleTx_Sign() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // ed25519.GenerateKey in earnest
	root, size := shard.Hash{1}, uint64(5_000_000)
	params, err := shard.NewParams(100)
	if err != nil {
		log.Fatal(err)
	}
	encoded, err := params.EncodedSize(size)
	if err != nil {
		log.Fatal(err)
	}
	tx := ledger.Tx{
		ChainID: "floe-devnet", Nonce: 0, Expiry: 100,
		Messages: []ledger.Message{
			ledger.ReserveStorage{Size: encoded, Epochs: 10},
			ledger.RegisterBlob{Storage: ledger.Result(0), BlobID: shard.DeriveBlobID(root, size), Root: root, Size: size},
		},
	}
	network := ledger.Params{FeePerByte: 10, FeePerWork: 1} // ledger.ReadParams in earnest
	tx.Fee = network.Fee(tx)

	signed, err := ledger.ParseTx(tx.Sign(key))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d messages for %d bytes, fee %d, by %v\n", len(signed.Messages), encoded, signed.Fee, signed.Sender())
	// Output: 2 messages for 22822800 bytes, fee 2480, by floe1n24zgcxp79gjt247eg5vgu7d7zqpx4wy0l6jzxzunaqug03g93tstkpvk3
}
