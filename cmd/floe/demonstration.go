package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/devnet"
)

const (
	demonstrationEpochs = 5
	repairTimeout       = 2 * time.Minute
)

// demonstration shows on a file that a network keeps what it promises.
type demonstration struct {
	*app
	net   *devnet.Net
	name  string
	data  []byte
	began time.Time

	result *client.StoreResult
}

func (d *demonstration) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.storeFile, d.readWithout, d.wipeOne} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demonstration) storeFile(ctx context.Context) error {
	d.say("")
	d.say("store %s (%s)", d.name, size(uint64(len(d.data))))
	r, err := d.net.Client().Store(ctx, d.data, client.StoreOptions{Epochs: demonstrationEpochs})
	if err != nil {
		return err
	}
	d.result = r
	d.say("  blob ID    %s", r.BlobID)
	if r.AlreadyCertified {
		d.say("  was certified already at height %d: nothing to do or to pay", r.Blob.Point.Height)
		return nil
	}
	t := r.Times
	d.say("  encoded    %s of slivers and metadata in %s", size(r.Encoded), duration(t.Encode))
	d.say("  registered in %s, cost %s in all", duration(t.Register), wal(r.Cost))
	d.say("  uploaded   in %s, a quorum of the nodes confirmed", duration(t.Upload))
	d.say("  certified  in %s, at height %d: its point of availability", duration(t.Certify), r.Blob.Point.Height)
	d.say("  %s after the start", duration(time.Since(d.began)))
	return d.net.Client().Flush(ctx)
}

// readWithout reads the file while as many nodes are stopped as may fail.
func (d *demonstration) readWithout(ctx context.Context) error {
	faulty := d.net.Faulty()
	shards := 0
	for _, i := range faulty {
		n := d.net.Node(i)
		shards += len(n.Committee().Member(n.ID()).Shards)
		if err := d.net.Stop(i); err != nil {
			return err
		}
	}
	d.say("")
	d.say("stop %d of %d nodes, with %d of %d shards", len(faulty), d.net.Card().Nodes, shards, d.net.Card().Shards)
	if err := d.compare(ctx); err != nil {
		return err
	}
	for _, i := range faulty {
		if err := d.net.Start(ctx, i); err != nil {
			return err
		}
	}
	d.say("  started them again")
	return nil
}

func (d *demonstration) compare(ctx context.Context) error {
	began := time.Now()
	data, err := d.net.Client().Read(ctx, d.result.BlobID, client.ReadOptions{})
	if err != nil {
		return err
	}
	if !bytes.Equal(data, d.data) {
		return fmt.Errorf("%s: what was read differs from what was stored", d.name)
	}
	d.say("  read back in %s, every byte the same", duration(time.Since(began)))
	return nil
}

// wipeOne deletes what a node holds and waits until it has restored it.
func (d *demonstration) wipeOne(ctx context.Context) error {
	if d.net.Card().Nodes == 1 {
		d.say("")
		d.say("a network of one node has nobody to repair from; --nodes 4 has")
		return nil
	}
	const victim = 0
	before, err := d.net.Node(victim).Stored()
	if err != nil {
		return err
	}
	d.say("")
	d.say("wipe node-%02d, which holds %d slivers, %s", victim, before.Slivers, size(before.SliverBytes))
	began := time.Now()
	if err := d.net.Wipe(ctx, victim); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, repairTimeout)
	defer cancel()
	if err := d.net.Node(victim).Repaired(wait); err != nil {
		return fmt.Errorf("node-%02d has not repaired itself: %w", victim, err)
	}
	elapsed := time.Since(began)
	after, err := d.net.Node(victim).Stored()
	if err != nil {
		return err
	}
	if after.Slivers < before.Slivers {
		return errors.New("the node has restored fewer slivers than it had")
	}
	s, err := d.net.Repairs(victim)
	if err != nil {
		return err
	}
	d.say("  restored %d slivers and the metadata in %s", after.Slivers, duration(elapsed))
	if s.BytesRestored > 0 {
		d.say("  pulled %d bytes for %d restored: %.3f bytes per byte", s.BytesPulled, s.BytesRestored, float64(s.BytesPulled)/float64(s.BytesRestored))
	}
	return d.compare(ctx)
}
