package shard_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/floe-storage/floe/shard"
)

// A blob is cut into one pair of slivers per shard; a third of the shards may
// fail, and more, before it is lost.
func ExampleEncode() {
	p, err := shard.NewParams(10)
	if err != nil {
		fmt.Println(err)
		return
	}
	md, pairs, err := shard.Encode(p, []byte("walrus blob id v1 regression test"))
	if err != nil {
		fmt.Println(err)
		return
	}
	id := md.ID()
	fmt.Println("blob", id)
	fmt.Println("pairs", len(pairs))
	fmt.Println("pair 0 goes to shard", p.ShardOf(id, 0))
	fmt.Printf("primary sliver 0: %q\n", pairs[0].Primary.Data)
	// Output:
	// blob RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY
	// pairs 10
	// pair 0 goes to shard 8
	// primary sliver 0: "walrus blob id"
}

// A reader trusts nobody: metadata is checked against the blob ID, each sliver
// against the metadata, and the blob against all of it.
func ExampleDecode() {
	p, _ := shard.NewParams(10)
	md, pairs, _ := shard.Encode(p, []byte("hello from the ice"))
	id := md.ID()

	if err := md.Verify(p, id); err != nil {
		fmt.Println(err)
		return
	}
	got := []shard.Sliver{pairs[9].Primary, pairs[2].Primary, pairs[5].Primary, pairs[7].Primary}
	for i, err := range shard.VerifySlivers(p, md, got) {
		if err != nil {
			fmt.Println(&got[i], err)
			return
		}
	}
	blob, err := shard.Decode(p, md, got, shard.CheckDefault)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", blob)
	// Output: hello from the ice
}

// A lost primary sliver is built again from one symbol each of Cols secondary
// slivers, without the blob.
func ExampleRecoverSliver() {
	p, _ := shard.NewParams(10)
	md, pairs, _ := shard.Encode(p, []byte("hello from the ice"))

	const lost = 3
	var syms []shard.DecodingSymbol
	for _, pair := range pairs[:p.Cols()] { // as their holders would do it
		cells, err := shard.Symbols(p, pair.Secondary, []shard.SliverIndex{lost})
		if err != nil {
			fmt.Println(err)
			return
		}
		syms = append(syms, shard.DecodingSymbol{Source: pair.Secondary.Index, Data: cells[0]})
	}
	sliver, err := shard.RecoverSliver(p, md, shard.Primary, lost, syms)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(&sliver, "is back:", string(sliver.Data) == string(pairs[lost].Primary.Data))
	// Output: primary sliver 3 is back: true
}

// A node or a client that stores many blobs keeps the memory of the slivers.
func ExampleCodec() {
	p, _ := shard.NewParams(10)
	codec, err := shard.NewCodec(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	var pairs []shard.SliverPair
	for _, text := range []string{"hello from the ice", "walrus blob id v1 regression test"} {
		var md *shard.Metadata
		if md, pairs, err = codec.Encode([]byte(text), pairs); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(md.ID(), len(pairs))
	}
	// Output:
	// 21FdJJr78e2UpWDQBe_U_VpILVyJeVh24DzmwZl177s 10
	// RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY 10
}

// A blob that may not fit in memory comes from a reader and goes to a writer.
func ExampleNewEncoder() {
	p, _ := shard.NewParams(10)
	text := "walrus blob id v1 regression test"
	encoder, err := shard.NewEncoder(p, strings.NewReader(text), uint64(len(text)), shard.StreamConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer encoder.Close()
	md := encoder.Metadata()
	fmt.Println(md.ID())

	decoder, err := shard.NewDecoder(p, md, shard.StreamConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer decoder.Close()
	for pair, err := range encoder.Pairs() {
		if err != nil {
			fmt.Println(err)
			return
		}
		// As they would come from the nodes; each is verified first.
		if err := decoder.Add(pair.Primary); err != nil {
			fmt.Println(err)
			return
		}
		if decoder.Ready() {
			break
		}
	}
	var blob bytes.Buffer
	if err := decoder.Decode(&blob, shard.CheckDefault); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(blob.String())
	// Output:
	// RcU82Mwf-CFkv1LaI_2qcpANwpGUuG3TMwnVzZxD2kY
	// walrus blob id v1 regression test
}
