package light_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/floe-storage/floe/committee/ledger"
	"github.com/floe-storage/floe/committee/light"
	"github.com/floe-storage/floe/committee/light/lighttest"
)

func TestRootText(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	for _, s := range []string{"floe@0:" + hash, "a@b:c@9223372036854775807:" + hash} {
		r, err := light.ParseRoot(s)
		if err != nil || r.String() != s || r.IsZero() {
			t.Errorf("%s: got %v, %v", s, r, err)
		}
		b, err := json.Marshal([]light.Root{r, {}})
		var back []light.Root
		if err := errors.Join(err, json.Unmarshal(b, &back)); err != nil || back[0] != r || !back[1].IsZero() {
			t.Errorf("%s: as JSON: got %s, %v, %v", s, b, back, err)
		}
	}
	for name, s := range map[string]string{
		"empty":            "",
		"no parts":         "floe",
		"no chain":         "@1:" + hash,
		"no height":        "floe@:" + hash,
		"leading zero":     "floe@01:" + hash,
		"sign":             "floe@+1:" + hash,
		"negative":         "floe@-1:" + hash,
		"height too large": "floe@9223372036854775808:" + hash,
		"short hash":       "floe@1:" + hash[2:],
		"long hash":        "floe@1:" + hash + "00",
		"upper case":       "floe@1:" + strings.ToUpper(hash),
		"not hexadecimal":  "floe@1:" + strings.Repeat("xx", 32),
		"space":            "fl oe@1:" + hash,
		"newline":          "floe@1:" + hash + "\n",
		"not ASCII":        "flöe@1:" + hash,
		"long chain":       strings.Repeat("a", 51) + "@1:" + hash,
	} {
		if r, err := light.ParseRoot(s); !errors.Is(err, light.ErrRoot) {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
	}
}

func FuzzParseRoot(f *testing.F) {
	f.Add("floe@7:" + strings.Repeat("0a", 32))
	f.Add("@:")
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := light.ParseRoot(s); err == nil && r.String() != s {
			t.Errorf("%q reads as %v", s, r)
		}
	})
}

func TestGenesisRoot(t *testing.T) {
	t.Parallel()
	c := chain([]byte{1, 2, 3}, 1)
	var updates []ledger.ValidatorUpdate
	for _, v := range []byte{3, 1, 2} { // in any order
		updates = append(updates, ledger.ValidatorUpdate{ConsensusKey: lighttest.Key(v), Power: 1})
	}
	got, err := light.GenesisRoot(chainID, updates)
	if err != nil || got != c.Root(0) {
		t.Errorf("got %v, %v, want %v", got, err, c.Root(0))
	}
	if _, err := light.GenesisRoot("", updates); !errors.Is(err, light.ErrRoot) {
		t.Errorf("without a chain ID: %v", err)
	}
	if _, err := light.GenesisRoot(chainID, nil); !errors.Is(err, light.ErrRoot) {
		t.Errorf("without validators: %v", err)
	}
}
