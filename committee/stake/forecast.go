package stake

import (
	"slices"

	"github.com/floe-storage/floe/committee"
)

// forecast is a [Book] for looking ahead: it reads from another, which may be
// nil, and keeps what is set to itself. Epochs are set in ascending order.
type forecast struct {
	book  Book
	rates []datedRate
	exits []datedExit
}

type datedRate struct {
	epoch committee.Epoch
	rate  Rate
}

type datedExit struct {
	epoch committee.Epoch
	exit  Exit
}

// Rate implements [Book].
func (f *forecast) Rate(e committee.Epoch) (Rate, bool) {
	for _, r := range slices.Backward(f.rates) {
		if r.epoch <= e {
			return r.rate, true
		}
	}
	if f.book == nil {
		return Rate{}, false
	}
	return f.book.Rate(e)
}

// SetRate implements [Book].
func (f *forecast) SetRate(e committee.Epoch, r Rate) {
	f.rates = append(f.rates, datedRate{e, r})
}

// Exit implements [Book].
func (f *forecast) Exit(e committee.Epoch) Exit {
	for _, x := range slices.Backward(f.exits) {
		if x.epoch == e {
			return x.exit
		}
	}
	if f.book == nil {
		return Exit{}
	}
	return f.book.Exit(e)
}

// SetExit implements [Book].
func (f *forecast) SetExit(e committee.Epoch, x Exit) {
	f.exits = append(f.exits, datedExit{e, x})
}
