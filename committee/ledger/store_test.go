package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// dump lists what a reader holds between two keys.
func dump(r Reader, start, end []byte, limit int) []string {
	var out []string
	r.Ascend(start, end, func(key, value []byte) bool {
		out = append(out, fmt.Sprintf("%q=%q", key, value))
		return len(out) < limit
	})
	return out
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	base := newMemory()
	for _, k := range []string{"a", "c", "e", "g"} {
		base.Set([]byte(k), []byte("base"))
	}
	base.writes = 0
	o := NewOverlay(base)
	o.Set([]byte("b"), []byte("new"))
	o.Set([]byte("c"), []byte("changed"))
	o.Delete([]byte("e"))
	o.Delete([]byte("nothing"))
	o.Set([]byte("h"), nil)
	if got, want := o.Len(), 5; got != want {
		t.Errorf("writes: got %d, want %d", got, want)
	}
	for key, want := range map[string][]byte{"a": []byte("base"), "b": []byte("new"), "c": []byte("changed"), "e": nil, "h": {}, "z": nil} {
		if got := o.Get([]byte(key)); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	all := []string{`"a"="base"`, `"b"="new"`, `"c"="changed"`, `"g"="base"`, `"h"=""`}
	for _, tt := range []struct {
		name       string
		start, end []byte
		limit      int
		want       []string
	}{
		{"all", nil, nil, 99, all},
		{"from b", []byte("b"), nil, 99, all[1:]},
		{"to g", nil, []byte("g"), 99, all[:3]},
		{"one", nil, nil, 1, all[:1]},
		{"two", nil, nil, 2, all[:2]},
		{"up to the base's last", nil, nil, 4, all[:4]},
		{"only a deleted one", []byte("d"), []byte("f"), 99, nil},
		{"nothing", []byte("c"), []byte("c"), 99, nil},
		{"backwards", []byte("g"), []byte("a"), 99, nil},
	} {
		if got := dump(o, tt.start, tt.end, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if base.writes != 0 {
		t.Errorf("%d writes to the base before the flush", base.writes)
	}
	o.Flush(base)
	if got := dump(base, nil, nil, 99); !slices.Equal(got, all) || base.writes != 5 || o.Len() != 0 {
		t.Errorf("flushed: got %v in %d writes, %d waiting, want %v", got, base.writes, o.Len(), all)
	}
	o.Set([]byte("a"), []byte("forgotten"))
	o.Reset()
	if got := dump(o, nil, nil, 99); !slices.Equal(got, all) {
		t.Errorf("reset: got %v, want %v", got, all)
	}
}

// FuzzOverlay runs a program on three overlays above a base and on a map each,
// and compares all that can be seen.
func FuzzOverlay(f *testing.F) {
	f.Add([]byte("\x00a1\x00b2\x01a0\x020\x00c3\x03ac\x010a\x05"))
	f.Add([]byte("\x00a1\x02\x00\x00\x01a0\x02\x00\x00\x00a2\x04\x00\x00\x03\x00\xff"))
	f.Add(bytes.Repeat([]byte{0, 'k', 1, 1, 'l', 2, 2, 0, 0, 0, 'l', 4, 4, 0, 0}, 9))
	f.Fuzz(func(t *testing.T, program []byte) {
		const depth = 3
		base := newMemory()
		for k := byte('a'); k < 'k'; k += 2 {
			base.Set([]byte{k}, []byte{k})
		}
		stores := []Store{base}
		twins := []*memory{base.clone()} // what each store shows
		for len(program) >= 3 {
			op, a, b := program[0], program[1], program[2]
			program = program[3:]
			top := len(stores) - 1
			switch op % 6 {
			case 0:
				stores[top].Set([]byte{a}, []byte{b})
				twins[top].Set([]byte{a}, []byte{b})
			case 1:
				stores[top].Delete([]byte{a})
				twins[top].Delete([]byte{a})
			case 2:
				if top < depth {
					stores, twins = append(stores, NewOverlay(stores[top])), append(twins, twins[top].clone())
				}
			case 3:
				if top > 0 {
					stores[top].(*Overlay).Flush(stores[top-1])
					twins[top-1] = twins[top].clone()
				}
			case 4:
				if top > 0 { // drops the topmost without a flush
					stores, twins = stores[:top], twins[:top]
				}
			case 5:
				if top > 0 {
					stores[top].(*Overlay).Reset()
					twins[top] = twins[top-1].clone()
				}
			}
			for i := range stores {
				for _, key := range []byte{a, b} {
					got, want := stores[i].Get([]byte{key}), twins[i].Get([]byte{key})
					if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
						t.Fatalf("layer %d, get %q: got %q, want %q", i, key, got, want)
					}
				}
				start, end := []byte{min(a, b)}, []byte{max(a, b)}
				if b == 0 {
					start, end = nil, nil
				}
				limit := 1 + int(a%16)
				if got, want := dump(stores[i], start, end, limit), dump(twins[i], start, end, limit); !slices.Equal(got, want) {
					t.Fatalf("layer %d, from %q to %q: got %v, want %v", i, start, end, got, want)
				}
			}
		}
	})
}
