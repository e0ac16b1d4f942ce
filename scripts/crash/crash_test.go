package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleName); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestKills(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	total, err := run(t.Context(), t.TempDir(), 10, seed, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(total)
	if total.rounds != 10 || total.checked == 0 {
		t.Errorf("the test proves nothing: %+v", total)
	}
}
