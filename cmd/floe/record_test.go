package main

import (
	"encoding/json"
	"testing"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/shard"
)

func TestJSONName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"ID": "id", "BlobID": "blobId", "BLSKey": "blsKey", "Epoch": "epoch", "MaxEpochsAhead": "maxEpochsAhead",
		"FeePerByte": "feePerByte", "ChainID": "chainId", "NodeID": "nodeId", "To": "to",
	} {
		if got := jsonName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	type inner struct {
		Key  [2]byte
		List []shard.Index
	}
	type embedded struct{ Epoch committee.Epoch }
	v := struct {
		embedded
		ledger.Profile
		Object committee.ObjectID
		Inner  inner
		Bytes  []byte
		None   *inner
		Owner  ledger.Address
		Yes    bool
		hidden int
	}{
		embedded: embedded{7}, Profile: ledger.Profile{Name: "a b", Image: "x"}, Object: committee.ObjectID{31: 1},
		Inner: inner{[2]byte{1, 255}, []shard.Index{3, 4}}, Bytes: []byte{16}, Yes: true, hidden: 1,
	}
	r := toRecord(v)
	got, err := json.Marshal(r)
	want := `{"name":"a b","image":"x","project":"","description":"","object":"0x0000000000000000000000000000000000000000000000000000000000000001",` +
		`"inner":{"key":"01ff","list":[3,4]},"bytes":"10","none":null,"owner":null,"yes":true}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	line := `name="a b" image=x project="" description="" object=0x0000000000000000000000000000000000000000000000000000000000000001 ` +
		`inner.key=01ff inner.list=[3 4] bytes=10 none=- owner=- yes=true`
	if r.String() != line {
		t.Errorf("got %s, want %s", r, line)
	}
}

// What a node of the network calls itself cannot forge a line.
func TestRecordLine(t *testing.T) {
	t.Parallel()
	r := record{{"name", "x\n9 blob_certified a=\"b\" \x1b[2J"}}
	if got, want := r.String(), `name="x\n9 blob_certified a=\"b\" \x1b[2J"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
