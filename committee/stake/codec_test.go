package stake

import (
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/floe-storage/floe/shard/bcs"
)

// example has something in every field.
func example() Pool {
	return Pool{
		Activation: 1, Latest: 7,
		Balance: 500, Shares: 400, Scale: 3, Positions: 5, Exited: 2,
		Pending:   Schedule{{8, 1, 10}, {9, 2, 20}},
		Leaving:   Schedule{{8, 1, 100}, {9, 3, 300}},
		PreActive: Schedule{{8, 1, 10}},

		CommissionRate: 1000, NextCommissions: []Commission{{8, 0}, {9, MaxCommission}},
		Commission: 60, Blocked: 50,
	}
}

func encoded(p Pool) []byte {
	var e bcs.Encoder
	p.Encode(&e)
	return e.Data()
}

// The bytes of each value, field by field.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	var rate, exit, staked, leaving bcs.Encoder
	Rate{1, 2, 3}.Encode(&rate)
	Exit{1, 2, 3}.Encode(&exit)
	Position{Principal: 1, Activation: 2}.Encode(&staked)
	Position{Principal: 1, Activation: 2, Withdraw: 3, Fixed: true, Shares: 4, Scale: 5}.Encode(&leaving)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"rate", rate.Data(), "0100000000000000" + "0200000000000000" + "03000000"},
		{"exit", exit.Data(), "0100000000000000" + "0200000000000000" + "0300000000000000"},
		{"staked", staked.Data(), "0100000000000000" + "02000000" + "00000000" + "00"},
		{"leaving", leaving.Data(), "0100000000000000" + "02000000" + "03000000" + "01" + "0400000000000000" + "05000000"},
		{"pool", encoded(example()), "01000000" + "07000000" +
			"f401000000000000" + "9001000000000000" + "03000000" + "0500000000000000" + "0200000000000000" +
			"02" + "08000000" + "0100000000000000" + "0a00000000000000" + "09000000" + "0200000000000000" + "1400000000000000" +
			"02" + "08000000" + "0100000000000000" + "6400000000000000" + "09000000" + "0300000000000000" + "2c01000000000000" +
			"01" + "08000000" + "0100000000000000" + "0a00000000000000" +
			"e803" + "02" + "08000000" + "0000" + "09000000" + "1027" +
			"3c00000000000000" + "3200000000000000"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDecodePool(t *testing.T) {
	t.Parallel()
	d := bcs.NewDecoder(encoded(example()))
	if got := DecodePool(d); d.Finish() != nil || !reflect.DeepEqual(got, example()) {
		t.Errorf("got %+v, %v", got, d.Finish())
	}
	for name, spoil := range map[string]func(*Pool){
		"three entries":       func(p *Pool) { p.Pending = append(p.Pending, Due{10, 1, 1}) },
		"three rates":         func(p *Pool) { p.NextCommissions = append(p.NextCommissions, Commission{10, 1}) },
		"descending":          func(p *Pool) { p.Leaving[0].Epoch = 9 },
		"in the past":         func(p *Pool) { p.PreActive[0].Epoch = 7 },
		"rate in the past":    func(p *Pool) { p.NextCommissions[0].Epoch = 7 },
		"nobody":              func(p *Pool) { p.Pending[0].Positions = 0 },
		"rate too high":       func(p *Pool) { p.CommissionRate++; p.CommissionRate += MaxCommission },
		"next rate too high":  func(p *Pool) { p.NextCommissions[1].Rate++ },
		"too many shares go":  func(p *Pool) { p.Shares-- },
		"too many go":         func(p *Pool) { p.Positions = 3 },
		"too much blocked":    func(p *Pool) { p.Blocked = 61 },
		"too much money":      func(p *Pool) { p.Balance = MaxMoney },
		"money wraps":         func(p *Pool) { p.Pending[0].Amount = 1<<64 - 100 },
		"commission wraps":    func(p *Pool) { p.Commission = 1<<64 - 1 },
		"pre-active too much": func(p *Pool) { p.PreActive[0].Amount = 11 },
		"pre-active nowhere":  func(p *Pool) { p.PreActive[0].Epoch = 10 },
	} {
		p := example()
		spoil(&p)
		d := bcs.NewDecoder(encoded(p))
		if got := DecodePool(d); !errors.Is(d.Finish(), bcs.ErrMalformed) || !reflect.DeepEqual(got, Pool{}) {
			t.Errorf("%s: got %+v, %v", name, got, d.Finish())
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, r := range []Rate{{1, 0, 0}, {0, 1, 0}} {
		var e bcs.Encoder
		r.Encode(&e)
		d := bcs.NewDecoder(e.Data())
		if DecodeRate(d); !errors.Is(d.Err(), bcs.ErrMalformed) {
			t.Errorf("%+v: got %v", r, d.Err())
		}
	}
	d := bcs.NewDecoder(make([]byte, 24))
	if DecodeExit(d); !errors.Is(d.Err(), bcs.ErrMalformed) {
		t.Errorf("empty exit: got %v", d.Err())
	}
}

// Whatever decodes encodes to the same bytes, and a pool that decodes can be
// used: no operation panics or makes money.
func FuzzDecode(f *testing.F) {
	var e bcs.Encoder
	Position{Principal: 1, Activation: 2, Withdraw: 3, Fixed: true, Shares: 4, Scale: 5}.Encode(&e)
	f.Add(encoded(example()), e.Data())
	f.Add(encoded(Pool{}), make([]byte, 24))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		again := func(kind string, in []byte, d *bcs.Decoder, encode func(*bcs.Encoder)) bool {
			if d.Finish() != nil {
				return false
			}
			var e bcs.Encoder
			if encode(&e); string(e.Data()) != string(in) {
				t.Fatalf("%s %x encodes to %x", kind, in, e.Data())
			}
			return true
		}
		d := bcs.NewDecoder(b)
		r := DecodeRate(d)
		again("rate", b, d, r.Encode)
		d = bcs.NewDecoder(b)
		x := DecodeExit(d)
		again("exit", b, d, x.Encode)
		d = bcs.NewDecoder(b)
		s := DecodePosition(d)
		isPosition := again("position", b, d, s.Encode)
		d = bcs.NewDecoder(a)
		p := DecodePool(d)
		if !again("pool", a, d, p.Encode) || !isPosition {
			return
		}
		for i := range 32 {
			m := Moment{
				Epoch: p.Latest + 1, Chosen: i&1 != 0, InCurrent: i&2 != 0, InNext: i&4 != 0, HandedOver: i&8 != 0,
			}
			c, book, s := p.Clone(), newMemory(), s
			if err := c.Advance(book, m.Epoch, uint64(i)); err != nil {
				continue
			}
			var out uint64
			if i&16 != 0 {
				taken, err := c.Lose(book, m, 1, 3)
				if err != nil {
					t.Fatal(err)
				}
				out += taken
			}
			if err := c.RequestWithdraw(book, m, &s); err != nil && !errors.Is(err, ErrInconsistent) {
				continue
			}
			m.Epoch += 2
			if paid, err := c.Withdraw(book, m, s); err == nil {
				out += paid
			}
			if held := c.Money() + book.held() + out; held > p.Money()+uint64(i) {
				t.Fatalf("%d FROST became %d", p.Money()+uint64(i), held)
			}
		}
	})
}
