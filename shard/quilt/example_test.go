package quilt_test

import (
	"errors"
	"fmt"
	"io"

	"github.com/floe-storage/floe/shard"
	"github.com/floe-storage/floe/shard/quilt"
)

// Small blobs become one, which is then stored like any other.
func ExampleNew() {
	p, err := shard.NewParams(10)
	if err != nil {
		fmt.Println(err)
		return
	}
	photo := quilt.FromBytes("photo.jpg", make([]byte, 1000))
	photo.Tags = map[string]string{"content-type": "image/jpeg"}
	q, err := quilt.New(p, []quilt.Source{
		quilt.FromBytes("notes/today.txt", []byte("the ice holds")),
		photo,
		quilt.FromBytes("empty", nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	blob, err := q.Bytes()
	if err != nil {
		fmt.Println(err)
		return
	}
	md, err := shard.ComputeMetadata(p, blob)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(blob), "bytes")
	for _, patch := range q.Index().Patches {
		fmt.Println(quilt.PatchID{Quilt: md.ID(), Patch: patch.ID}, patch.Identifier)
	}
	// Output:
	// 1848 bytes
	// DFYMGNNbJ-SZ61L8clMslsjzKfZ-CDIE4QEP9EfIITsBAQACAA empty
	// DFYMGNNbJ-SZ61L8clMslsjzKfZ-CDIE4QEP9EfIITsBAgADAA notes/today.txt
	// DFYMGNNbJ-SZ61L8clMslsjzKfZ-CDIE4QEP9EfIITsBAwAHAA photo.jpg
}

// A patch is read from its own columns; the reader says which they are.
func ExampleReader() {
	p, _ := shard.NewParams(10)
	q, _ := quilt.New(p, []quilt.Source{
		quilt.FromBytes("a.txt", []byte("the ice holds")),
		quilt.FromBytes("b.txt", make([]byte, 500)),
	})
	blob, _ := q.Bytes()
	md, pairs, _ := shard.Encode(p, blob)

	r, err := quilt.NewReader(p, md.Size)
	if err != nil {
		fmt.Println(err)
		return
	}
	// fetch gives r what it says is missing; a client asks the network for it and
	// verifies each sliver.
	fetch := func(err error) bool {
		missing, ok := errors.AsType[*quilt.MissingError](err)
		if !ok {
			return false
		}
		for _, c := range missing.Columns {
			fmt.Println("fetch secondary sliver", c)
			if err := r.Add(pairs[p.PairOfSliver(shard.Secondary, c)].Secondary); err != nil {
				return false
			}
		}
		return true
	}
	index, err := r.Index()
	for fetch(err) {
		index, err = r.Index()
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	patch, err := index.Lookup("a.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := r.OpenPatch(patch)
	for fetch(err) {
		content, err = r.OpenPatch(patch)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := io.ReadAll(io.NewSectionReader(content, 4, 3)) // all of it is in the column of the head
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, from column %v\n", text, patch.ID.Needed())
	// Output:
	// fetch secondary sliver 0
	// fetch secondary sliver 1
	// ice, from column [1]
}

// Identifiers come from whoever wrote the quilt. They name files only through SafePath.
func ExampleSafePath() {
	for _, identifier := range []string{"notes/today.txt", "../../.ssh/authorized_keys", `C:\autoexec.bat`} {
		if path, err := quilt.SafePath(identifier); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("write", path)
		}
	}
	// Output:
	// write notes/today.txt
	// quilt: not a safe path: "../../.ssh/authorized_keys" has a part of dots only
	// quilt: not a safe path: "C:\\autoexec.bat" has a backslash or a colon
}
