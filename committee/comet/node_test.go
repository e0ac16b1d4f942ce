package comet

import (
	"testing"
)

func TestOneNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.startAll()
	first := c.mustSubmit(0, "ann 0 colour blue")
	if first.Fee != 7 || string(first.Data) != "colour" {
		t.Errorf("got result %+v", first)
	}
	if got, height := c.get(0, "key/colour"); got != "blue" || height < first.Height {
		t.Errorf("got %q at height %d, want blue at %d or later", got, height, first.Height)
	}
}

func TestFourNodesAgree(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4)
	c.startAll()
	var last TxResult
	for i := range 8 {
		last = c.mustSubmit(i%4, "ann%d 0 k%d v%d", i, i, i)
	}
	c.sameHash(last.Height, 0, 1, 2, 3)
	for i := range c.members {
		if got, _ := c.get(i, "key/k7"); got != "v7" {
			t.Errorf("node %d: got %q, want v7", i, got)
		}
	}
}
