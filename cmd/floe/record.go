package main

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// record is a value of the ledger for people and programs: what is there to be
// read follows from its exported fields, so that nothing is forgotten.
type record []field

type field struct {
	name  string // as in JSON
	value any    // a record, a list, or what JSON has
}

// toRecord returns the exported fields of a struct, those of embedded structs
// among them.
func toRecord(v any) record {
	rv := reflect.ValueOf(v)
	var r record
	for i := range rv.NumField() {
		f := rv.Type().Field(i)
		text := f.Type.Implements(textMarshaler)
		switch {
		case !f.IsExported():
		case f.Anonymous && f.Type.Kind() == reflect.Struct && !text:
			r = append(r, toRecord(rv.Field(i).Interface())...)
		default:
			r = append(r, field{jsonName(f.Name), plain(rv.Field(i))})
		}
	}
	return r
}

var textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()

// plain returns a value as JSON and people understand it: bytes in
// hexadecimal digits, structs as records, nil for an ID or a key that is none.
func plain(v reflect.Value) any {
	if v.Kind() == reflect.Array && v.IsZero() {
		return nil
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	if s, ok := v.Interface().(fmt.Stringer); ok && v.Kind() != reflect.Struct {
		return s.String()
	}
	switch v.Kind() {
	case reflect.Struct:
		return toRecord(v.Interface())
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Array, reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			return hex.EncodeToString(b)
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	default:
		return v.Interface()
	}
}

// jsonName turns a Go name into one of JSON: BlobID is blobId, BLSKey blsKey.
func jsonName(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		begins := i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if !begins {
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// MarshalJSON implements json.Marshaler: one object, its fields in order.
func (r record) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range r {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", f.name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// flat returns the fields with those of records within them as name.name.
func (r record) flat() record {
	var out record
	for _, f := range r {
		inner, ok := f.value.(record)
		if !ok {
			out = append(out, f)
			continue
		}
		for _, g := range inner.flat() {
			out = append(out, field{f.name + "." + g.name, g.value})
		}
	}
	return out
}

// printable returns a value as text that can neither end a line nor command a
// terminal, whoever wrote it.
func printable(v any) string {
	if v == nil {
		return "-"
	}
	text := fmt.Sprint(v)
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// String returns the fields on one line.
func (r record) String() string {
	var words []string
	for _, f := range r.flat() {
		text := printable(f.value)
		if s, ok := f.value.(string); ok && s == text && (s == "" || strings.ContainsAny(s, " \"=")) {
			text = strconv.Quote(s)
		}
		words = append(words, f.name+"="+text)
	}
	return strings.Join(words, " ")
}
