package exchange

import (
	"context"
	"fmt"
	"iter"

	"github.com/floe-storage/floe/p2p"
	"github.com/floe-storage/floe/p2p/wire"
	"github.com/floe-storage/floe/shard"
)

// Pull fetches many things from one peer, in the order of wants, in as few calls as they fit into. What
// comes has the shape that was asked for and is not verified; the symbols of one want share an array,
// which belongs to the consumer. What the peer refuses or does not have comes as a *wire.Error of its
// own, and the others follow. Any other error is the last.
func (c *Client) Pull(ctx context.Context, from p2p.PeerID, wants []Want) iter.Seq2[Got, error] {
	return func(yield func(Got, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rest := wants
		for i := range rest {
			if err := rest[i].check(c.params); err != nil {
				yield(Got{}, fmt.Errorf("pull from %v: %w", from, err))
				return
			}
		}
		for len(rest) > 0 {
			n := fitting(rest)
			stopped := false
			err := c.call(ctx, from, wire.SymbolsProtocol, func(k *conn) error {
				return c.pull(k, rest[:n], func(g Got, err error) bool {
					if err != nil {
						err = fmt.Errorf("pull from %v: %w", from, err)
					}
					if stopped = !yield(g, err); stopped {
						cancel() // what is still on its way is not wanted
					}
					return !stopped
				})
			})
			if stopped {
				return
			}
			if err != nil {
				yield(Got{}, fmt.Errorf("pull from %v: %w", from, err))
				return
			}
			rest = rest[n:]
		}
	}
}

// fitting returns how many of wants, of which there is one, one call takes.
func fitting(wants []Want) int {
	size, n := 2, 0
	for n < len(wants) && n < wire.MaxWants {
		w := wants[n].wire()
		if size += w.Size(); n > 0 && size > wire.MaxWantsSize {
			break
		}
		n++
	}
	return n
}

// pull makes one call and passes on what comes.
func (c *Client) pull(k *conn, wants []Want, pass func(Got, error) bool) error {
	m := wire.Wants{List: make([]wire.Want, len(wants))}
	for i := range wants {
		m.List[i] = wants[i].wire()
	}
	if err := k.ask(&m); err != nil {
		return err
	}
	for i := range wants {
		g, err := c.got(k, &wants[i])
		if _, own := err.(*wire.Error); err != nil && !own { //nolint:errorlint // made by status, not wrapped
			return err
		}
		if !pass(g, err) {
			return nil
		}
	}
	return nil
}

// got reads what came for one want.
func (c *Client) got(k *conn, w *Want) (Got, error) {
	head, have, err := k.readHead(len(w.Sources))
	if err != nil {
		return Got{}, err
	}
	if head == wire.HeadNone {
		return Got{}, &wire.Error{Code: wire.CodeNotFound}
	}
	if head == wire.HeadRefused {
		if err := k.status(false); err != nil {
			return Got{}, err
		}
		return Got{}, fmt.Errorf("%w: refused without a reason", wire.ErrMalformed)
	}
	if w.Metadata {
		body, err := k.readBody(c.params.MetadataSize())
		if err != nil {
			return Got{}, err
		}
		md, err := shard.ParseMetadata(body)
		return Got{Metadata: md}, err
	}
	var reply SymbolReply
	for i, s := range w.Sources {
		if head == wire.HeadAll || have[i] {
			reply.Sources = append(reply.Sources, s)
		}
	}
	if w.Proofs {
		err = reply.readProven(k, &w.SymbolRequest)
	} else {
		err = reply.readSymbols(k, &w.SymbolRequest)
	}
	return Got{Symbols: reply}, err
}

func (a *SymbolReply) readSymbols(k *conn, r *SymbolRequest) error {
	body, err := k.readBody(len(r.Targets) * len(a.Sources) * r.SymbolSize)
	if err != nil {
		return err
	}
	a.Symbols = make([][][]byte, len(r.Targets))
	for t := range a.Symbols {
		row := make([][]byte, len(a.Sources))
		for i := range row {
			row[i], body = body[:r.SymbolSize:r.SymbolSize], body[r.SymbolSize:]
		}
		a.Symbols[t] = row
	}
	return nil
}

func (a *SymbolReply) readProven(k *conn, r *SymbolRequest) error {
	a.Proven = make([][]shard.RecoverySymbol, len(r.Targets))
	for t := range a.Proven {
		row := make([]shard.RecoverySymbol, len(a.Sources))
		for i := range row {
			var m wire.ProvenSymbol
			if err := k.read(&m); err != nil {
				return err
			}
			row[i] = m.Symbol
		}
		a.Proven[t] = row
	}
	if err := a.check(r); err != nil {
		return fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	return nil
}

func (w *Want) check(p shard.Params) error {
	if w.Metadata {
		return nil
	}
	return w.SymbolRequest.check(p)
}

func (w *Want) wire() wire.Want {
	if w.Metadata {
		return wire.Want{Metadata: true, Blob: w.Blob}
	}
	return wire.Want{
		Blob: w.Blob, SymbolSize: uint16(w.SymbolSize), Axis: w.Axis, Proofs: w.Proofs, Targets: w.Targets, Sources: w.Sources,
	}
}
