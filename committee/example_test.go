package committee_test

import (
	"fmt"
	"log"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/bls"
	"github.com/floe-storage/floe/shard"
)

// Four nodes hold ten shards. When those with seven of them have confirmed a
// blob, everybody can check with one signature that it is available.
func ExampleCertificate() {
	var keys []*bls.SecretKey
	var members []committee.Member
	next := shard.Index(0)
	for i, weight := range []int{1, 2, 3, 4} {
		key, err := bls.GenerateKey()
		if err != nil {
			log.Fatal(err)
		}
		m := committee.Member{ID: committee.NodeID{byte(i)}, BLSKey: key.PublicKey()}
		for range weight {
			m.Shards = append(m.Shards, next)
			next++
		}
		keys, members = append(keys, key), append(members, m)
	}
	c, err := committee.New(1, 10, members)
	if err != nil {
		log.Fatal(err)
	}

	msg := committee.Confirmation{Epoch: 1, Blob: shard.BlobID{42}}.Message()
	collector := committee.NewCollector(c, msg)
	for i := 3; !collector.Quorum(); i-- {
		signed := committee.SignedConfirmation{Message: msg, Signature: keys[i].Sign(msg)}
		if err := collector.Add(committee.NodeID{byte(i)}, signed); err != nil {
			log.Fatal(err)
		}
	}
	cert, err := collector.Certificate()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("signers %04b weigh %d: %v\n", cert.Signers[0], collector.Weight(), c.Verify(cert, committee.Quorum))
	// Output: signers 1100 weigh 7: <nil>
}
