package repair

import (
	"context"
	"sync"
	"time"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/shard"
)

// metadataTimeout bounds one request for metadata.
const metadataTimeout = 10 * time.Second

// fetches are the metadata on their way: shards that move at the same time come
// past the same blobs.
type fetches struct {
	mu      sync.Mutex // mu guards the field below.
	running map[shard.BlobID]*fetch
}

// fetch is one of them. Its results may be read when done is closed.
type fetch struct {
	done chan struct{}
	md   *shard.Metadata
	err  error
}

// join returns the fetch of a blob's metadata and whether the caller has to
// carry it out and leave it then.
func (f *fetches) join(id shard.BlobID) (*fetch, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.running[id]; one != nil {
		return one, false
	}
	one := &fetch{done: make(chan struct{})}
	f.running[id] = one
	return one, true
}

func (f *fetches) leave(id shard.BlobID, one *fetch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, id)
	close(one.done)
}

// metadata returns the verified metadata of a blob: what is here, or what a
// member sends, first of all the one given. It is stored then.
func (m *Migrator) metadata(ctx context.Context, id shard.BlobID, first committee.Member) (*shard.Metadata, error) {
	for {
		if md, err := m.cfg.Store.Metadata(id); err == nil {
			return md, nil
		}
		one, ours := m.fetches.join(id)
		if ours {
			if one.md, one.err = m.cfg.Store.Metadata(id); one.err != nil { // another may just have stored it
				one.md, one.err = m.fetchMetadata(ctx, id, first)
			}
			m.fetches.leave(id, one)
			return one.md, one.err
		}
		select {
		case <-one.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if one.err == nil {
			return one.md, nil
		} // whoever fetched may have been called off
	}
}

func (m *Migrator) fetchMetadata(ctx context.Context, id shard.BlobID, first committee.Member) (*shard.Metadata, error) {
	order := []committee.Member{first}
	if c := m.cfg.Ledger.Committee(); c != nil {
		members := c.Members()
		for i := range members {
			o := members[(i+int(id[0]))%len(members)] // not always the same
			if o.ID != first.ID && o.ID != m.cfg.Self {
				order = append(order, o)
			}
		}
	}
	fault := ErrAbsent
	for _, from := range order {
		md, err := m.askMetadata(ctx, id, from)
		if err == nil {
			err = m.cfg.Store.PutMetadata(ctx, id, md)
			if err == nil {
				m.counts.restored.Add(uint64(metadataSize(md)))
				return md, nil
			}
			if err := m.unkept(ctx, id, err); err != nil {
				return nil, err
			}
			return nil, ErrAbsent // the blob has ended
		}
		if fault = err; ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, fault
}

func (m *Migrator) askMetadata(ctx context.Context, id shard.BlobID, from committee.Member) (*shard.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	md, err := m.cfg.Holders.Metadata(ctx, from, id)
	if err != nil {
		return nil, err
	}
	m.counts.pulled.Add(uint64(metadataSize(md)))
	return md, md.Verify(m.cfg.Params, id)
}
