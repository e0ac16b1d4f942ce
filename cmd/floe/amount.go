package main

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/floe-storage/floe/committee/ledger"
)

const (
	walDecimals = 9 // of a WAL down to a FROST
	amountHint  = "write an amount with its unit, such as 1.5WAL or 100FROST"
	sizeHint    = "write a number of bytes, or one of KiB, MiB, GiB or TiB, such as 10MiB"
)

// parseAmount reads an amount of money, which has a unit: 1.5WAL, 100FROST.
func parseAmount(s string) (uint64, error) {
	var number string
	decimals := 0
	switch lower := strings.ToLower(strings.ReplaceAll(s, " ", "")); {
	case strings.HasSuffix(lower, "frost"):
		number = strings.TrimSuffix(lower, "frost")
	case strings.HasSuffix(lower, "wal"):
		number, decimals = strings.TrimSuffix(lower, "wal"), walDecimals
	default:
		return 0, usageError{fmt.Errorf("amount %q has no unit", s), amountHint}
	}
	frost, err := parseDecimal(number, decimals)
	if err != nil {
		return 0, usageError{fmt.Errorf("amount %q %w", s, err), amountHint}
	}
	return frost, nil
}

// parsePayment reads an amount that is not nothing.
func parsePayment(s string) (uint64, error) {
	amount, err := parseAmount(s)
	if err == nil && amount == 0 {
		err = usageError{errors.New("nothing to pay"), amountHint}
	}
	return amount, err
}

// parseSize reads a number of bytes: 1000, 10MiB, 1.5GiB.
func parseSize(s string) (uint64, error) {
	number, unit := strings.TrimSuffix(strings.ToLower(strings.ReplaceAll(s, " ", "")), "b"), uint64(1)
	for i, suffix := range []string{"ki", "mi", "gi", "ti"} {
		if n, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = n, 1<<(10*(i+1))
		}
	}
	const decimals, billion = 9, 1_000_000_000 // a power of ten whose product is exact
	n, err := parseDecimal(number, decimals)
	if err != nil {
		return 0, usageError{fmt.Errorf("size %q %w", s, err), sizeHint}
	}
	high, low := bits.Mul64(n, unit)
	if high >= billion {
		return 0, usageError{fmt.Errorf("size %q is too large", s), sizeHint}
	}
	size, rest := bits.Div64(high, low, billion)
	if rest != 0 {
		return 0, usageError{fmt.Errorf("size %q is no whole number of bytes", s), sizeHint}
	}
	return size, nil
}

// parsePercent reads a percentage, 2.5%, and returns basis points.
func parsePercent(s string) (uint64, error) {
	const hint = "write a percentage with at most two decimals, such as 2.5%"
	number, ok := strings.CutSuffix(s, "%")
	if !ok {
		return 0, usageError{fmt.Errorf("%q is no percentage", s), hint}
	}
	n, err := parseDecimal(number, 2)
	if err != nil {
		return 0, usageError{fmt.Errorf("%q %w", s, err), hint}
	}
	return n, nil
}

// parseRate reads a part of a whole, of at most 100%.
func parseRate(s string) (uint16, error) {
	const whole = 10_000
	n, err := parsePercent(s)
	if err == nil && n > whole {
		err = usageError{fmt.Errorf("%q is more than all", s), "write at most 100%"}
	}
	return uint16(min(n, whole)), err
}

// rate writes basis points for people.
func rate(points uint16) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%02d", points/100, points%100), "0"), ".") + "%"
}

// parseDecimal reads digits with at most one point and returns the number times
// ten to the power of decimals. Its errors go on after what was read.
func parseDecimal(s string, decimals int) (uint64, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" && fraction == "" {
		return 0, errors.New("has no number")
	}
	if strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, errors.New("is no number with a unit")
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > decimals {
		return 0, fmt.Errorf("has more than %d decimals", decimals)
	}
	n, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return 0, errors.New("is too large")
	}
	return n, nil
}

// wal writes an amount of FROST for people.
func wal(frost uint64) string {
	return fmt.Sprintf("%d FROST (%s WAL)", frost, inWAL(frost))
}

// inWAL writes an amount of FROST as one of WAL, to the last FROST.
func inWAL(frost uint64) string {
	s := fmt.Sprintf("%d.%0*d", frost/ledger.FrostPerWAL, walDecimals, frost%ledger.FrostPerWAL)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// size writes a number of bytes for people.
func size(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n), ""
	for _, s := range []string{"KiB", "MiB", "GiB", "TiB"} {
		value, suffix = value/unit, s
		if value < unit {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", value, suffix)
}
