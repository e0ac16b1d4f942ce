package comet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/cosmos/iavl"
)

// A tree as bytes: its nodes in post-order, children before their parent, the
// left ones first.
//
//	node:  height u8 ‖ version uvarint ‖ if the height is 0: string key ‖ string value
//	string: length uvarint ‖ bytes
//
// An inner node's key is not written. IAVL does not hash it, so that it could be
// forged; it is the smallest key of the right child.
const (
	exportedNodes = 1_000    // in memory
	maxExported   = 16 << 20 // bytes of a key or value
	maxTreeHeight = 100      // a balanced tree of all atoms is not as high
)

var errExport = errors.New("comet: malformed snapshot")

// exportTree writes a version of the tree, which somebody must hold, until stop is closed.
func exportTree(w io.Writer, db *database, version int64, stop <-chan struct{}) error {
	soft := newTreeDB(db)
	soft.fault = new(atomic.Pointer[error])
	state, err := newIAVL(soft, exportedNodes).GetImmutable(version)
	if err != nil {
		return err
	}
	if state.Size() == 0 {
		return fmt.Errorf("%w: the state is empty", errExport)
	}
	exporter, err := state.Export()
	if err != nil {
		return err
	}
	defer exporter.Close()
	out := bufio.NewWriter(w)
	var b []byte
	for {
		select {
		case <-stop:
			return ErrClosed
		default:
		}
		node, err := exporter.Next()
		if errors.Is(err, iavl.ErrorExportDone) {
			break
		}
		if err != nil {
			return err
		}
		b = binary.AppendUvarint(append(b[:0], byte(node.Height)), uint64(node.Version))
		if node.Height == 0 {
			b = append(binary.AppendUvarint(b, uint64(len(node.Key))), node.Key...)
			b = append(binary.AppendUvarint(b, uint64(len(node.Value))), node.Value...)
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	if err := soft.fault.Load(); err != nil { // IAVL ends early on a fault and does not tell
		return *err
	}
	return out.Flush()
}

// importTree builds a version of the tree in a database that has none, and
// returns its hash. What it reads is hostile: only the hash tells whether it is
// what was wanted.
func importTree(db *database, version int64, r io.Reader) (hash []byte, err error) {
	defer catchPanic(&err) // IAVL is not made for hostile nodes
	t := newIAVL(newTreeDB(db), exportedNodes)
	if _, err := t.Load(); err != nil {
		return nil, err
	}
	importer, err := t.Import(version)
	if err != nil {
		return nil, err
	}
	defer importer.Close()
	in := treeReader{r: bufio.NewReaderSize(r, 64<<10), version: version}
	for {
		node, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := importer.Add(node); err != nil {
			return nil, fmt.Errorf("%w: %w", errExport, err)
		}
	}
	if len(in.stack) > 1 {
		return nil, fmt.Errorf("%w: %d roots", errExport, len(in.stack))
	}
	if err := importer.Commit(); err != nil {
		return nil, fmt.Errorf("%w: %w", errExport, err)
	}
	if len(in.stack) == 1 && in.stack[0].version < version {
		if err := moveRoot(db, in.stack[0].version); err != nil {
			return nil, err
		}
	}
	return t.Hash(), nil
}

// moveRoot puts a root that is older than the imported version where IAVL's
// pruning would have put it. Where the importer leaves it, its version would
// seem to exist, and pruning would look for the versions between in vain.
func moveRoot(db *database, version int64) error {
	at := func(nonce uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte("a/s"), uint64(version)), nonce)
	}
	root, err := db.Get(at(1))
	if err != nil {
		return err
	}
	b := db.NewBatch()
	defer func() { _ = b.Close() }() // frees memory, no more
	if err := errors.Join(b.Set(at(0), root), b.Delete(at(1))); err != nil {
		return err
	}
	return b.WriteSync()
}

// treeReader reads the nodes of a tree and checks that they make one.
type treeReader struct {
	r       *bufio.Reader
	version int64
	stack   []subtree
}

// subtree is one that was read and has no parent yet.
type subtree struct {
	height      byte
	version     int64
	first, last []byte // key
}

// next returns io.EOF after the last whole node.
func (t *treeReader) next() (*iavl.ExportNode, error) {
	height, err := t.r.ReadByte()
	if err != nil {
		return nil, err
	}
	version, err := binary.ReadUvarint(t.r)
	if err != nil || version == 0 || version > uint64(t.version) || height > maxTreeHeight {
		return nil, fmt.Errorf("%w: node of height %d and version %d", errExport, height, version)
	}
	node := &iavl.ExportNode{Version: int64(version), Height: int8(height)}
	if height == 0 {
		if node.Key, err = t.bytes(); err != nil {
			return nil, err
		}
		if node.Value, err = t.bytes(); err != nil {
			return nil, err
		}
		t.stack = append(t.stack, subtree{0, node.Version, node.Key, node.Key})
		return node, nil
	}
	n := len(t.stack)
	if n < 2 {
		return nil, fmt.Errorf("%w: a parent without children", errExport)
	}
	l, r := t.stack[n-2], t.stack[n-1]
	balanced := l.height+1 >= r.height && r.height+1 >= l.height && height == max(l.height, r.height)+1
	if !balanced || bytes.Compare(l.last, r.first) >= 0 {
		return nil, fmt.Errorf("%w: children that do not fit their parent", errExport)
	}
	node.Key = r.first
	t.stack = append(t.stack[:n-2], subtree{height, node.Version, l.first, r.last})
	return node, nil
}

// bytes reads a string; what it claims to be long is not believed before it is there.
func (t *treeReader) bytes() ([]byte, error) {
	size, err := binary.ReadUvarint(t.r)
	if err != nil || size > maxExported {
		return nil, fmt.Errorf("%w: a string of %d bytes", errExport, size)
	}
	b := bytes.NewBuffer(make([]byte, 0, min(size, 4<<10)))
	if _, err := io.CopyN(b, t.r, int64(size)); err != nil {
		return nil, fmt.Errorf("%w: it ends early", errExport)
	}
	return b.Bytes(), nil
}
