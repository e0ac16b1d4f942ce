package main

import (
	"encoding/hex"
	"encoding/json"

	"github.com/floe-storage/floe/committee/ledger"
)

// eventReport is an event for people and programs.
type eventReport struct {
	Kind string
	Body record
}

func newEventReport(e ledger.Event) eventReport {
	v, err := e.Parse()
	if err != nil { // of a later version than this program
		return eventReport{e.Kind, record{{"body", hex.EncodeToString(e.Body)}}}
	}
	return eventReport{e.Kind, toRecord(v)}
}

// MarshalJSON implements json.Marshaler: one object with the kind before the
// fields of the event.
func (e eventReport) MarshalJSON() ([]byte, error) {
	return json.Marshal(append(record{{"kind", e.Kind}}, e.Body...))
}

// String returns the event on one line.
func (e eventReport) String() string { return e.Kind + " " + e.Body.String() }
