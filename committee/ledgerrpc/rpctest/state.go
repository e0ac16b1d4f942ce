package rpctest

import (
	"slices"
	"strings"

	"github.com/floe-storage/floe/committee/ledger"
)

// state is a ledger.Store.
type state struct{ values map[string][]byte }

func newState(from *state) *state {
	s := &state{values: map[string][]byte{}}
	if from != nil {
		for k, v := range from.values {
			s.values[k] = v
		}
	}
	return s
}

// Get implements ledger.Reader.
func (s *state) Get(key []byte) []byte { return s.values[string(key)] }

// Ascend implements ledger.Reader.
func (s *state) Ascend(start, end []byte, visit func(key, value []byte) bool) {
	var keys []string
	for k := range s.values {
		if k >= string(start) && (end == nil || k < string(end)) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, strings.Compare)
	for _, k := range keys {
		if !visit([]byte(k), s.values[k]) {
			return
		}
	}
}

// Set implements ledger.Store.
func (s *state) Set(key, value []byte) { s.values[string(key)] = append([]byte{}, value...) }

// Delete implements ledger.Store.
func (s *state) Delete(key []byte) { delete(s.values, string(key)) }

// recorder is a state that remembers what is written to it.
type recorder struct {
	*state
	writes []func(s ledger.Store)
}

// Set implements ledger.Store.
func (r *recorder) Set(key, value []byte) {
	r.state.Set(key, value)
	r.writes = append(r.writes, func(s ledger.Store) { s.Set(key, value) })
}

// Delete implements ledger.Store.
func (r *recorder) Delete(key []byte) {
	r.state.Delete(key)
	r.writes = append(r.writes, func(s ledger.Store) { s.Delete(key) })
}

// replay makes the same writes on another store.
func (r *recorder) replay(s ledger.Store) {
	for _, write := range r.writes {
		write(s)
	}
}
