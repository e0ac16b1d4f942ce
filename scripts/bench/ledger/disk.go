package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// disk is a ledger.Store in goleveldb. What is set shows after commit.
//
// What is deleted leaves a mark behind, over which the next visit of the range
// has to step. The tree that a validator keeps has no such marks, so they are
// swept now and then, between blocks.
type disk struct {
	db      *leveldb.DB
	pending leveldb.Batch
	deleted int    // since the last sweep, under keys of objects that end
	last    []byte // the last of those keys
}

const (
	endingKeys = 0x09 // where keys of objects that end begin
	maxDeleted = 10_000
)

const (
	mib       = 1 << 20
	maxWrites = 20_000 // of a batch when much is written
)

func open(dir string) (*disk, error) {
	db, err := leveldb.OpenFile(dir, &opt.Options{
		BlockCacheCapacity: 256 * mib, WriteBuffer: 64 * mib, CompactionTableSize: 16 * mib, CompactionTotalSize: 160 * mib,
		Filter: filter.NewBloomFilter(10), NoSync: true, OpenFilesCacheCapacity: 2000,
	})
	if err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir, err)
	}
	return &disk{db: db}, nil
}

func (d *disk) Close() error { return d.db.Close() }

// Get implements [ledger.Reader].
func (d *disk) Get(key []byte) []byte {
	value, err := d.db.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil
	}
	check(err)
	return value
}

// Ascend implements [ledger.Reader].
func (d *disk) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	it := d.db.NewIterator(&util.Range{Start: start, Limit: end}, nil)
	defer it.Release()
	for it.Next() && visit(it.Key(), it.Value()) {
	}
	check(it.Error())
}

// Set implements [ledger.Store].
func (d *disk) Set(key, value []byte) { d.pending.Put(key, value) }

// Delete implements [ledger.Store].
func (d *disk) Delete(key []byte) {
	d.pending.Delete(key)
	if key[0] == endingKeys {
		d.deleted++
		d.last = bytes.Clone(key)
	}
}

// sweep removes the marks of what was deleted, if they are many.
func (d *disk) sweep() {
	if d.deleted < maxDeleted {
		return
	}
	check(d.db.CompactRange(util.Range{Start: []byte{endingKeys}, Limit: append(d.last, 0)}))
	d.deleted = 0
}

// commit writes what was set and deleted.
func (d *disk) commit() {
	check(d.db.Write(&d.pending, nil))
	d.pending.Reset()
}

// commitMany commits if much is pending.
func (d *disk) commitMany() {
	if d.pending.Len() >= maxWrites {
		d.commit()
	}
}

// check stops the measurement when the disk fails: a ledger.Store cannot say so.
func check(err error) {
	if err != nil {
		panic(err) // nothing is to be measured any more
	}
}
