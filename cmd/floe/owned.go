package main

import (
	"io"

	"github.com/floe-storage/floe/committee"
	"github.com/floe-storage/floe/committee/ledger"
)

// ownedBy reads the objects of one kind that an address has and that have not
// ended as far as the ledger has collected them.
func ownedBy[T any](r ledger.Reader, owner ledger.Address, kind ledger.ObjectKind, read func(ledger.Reader, committee.ObjectID) (T, error)) ([]T, error) {
	var ids []committee.ObjectID
	ledger.AscendOwned(r, owner, kind, committee.ObjectID{}, func(k ledger.ObjectKind, id committee.ObjectID) bool {
		if k == kind {
			ids = append(ids, id)
		}
		return k == kind
	})
	var found []T
	for _, id := range ids {
		v, err := read(r, id)
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, nil
}

// listing is an answer that is a list: one object with one field in JSON.
func listing[T any](name string, found []T, text func(io.Writer)) answer {
	list := []any{}
	for _, v := range found {
		list = append(list, toRecord(v))
	}
	return answer{record{{name, list}}, text}
}
