package main

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestParseAmount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text  string
		want  uint64
		fault string // a part of it; "" for none
	}{
		{"1WAL", 1_000_000_000, ""},
		{"1.5WAL", 1_500_000_000, ""},
		{"1.5 wal", 1_500_000_000, ""},
		{".5WAL", 500_000_000, ""},
		{"5.WAL", 5_000_000_000, ""},
		{"0.000000001WAL", 1, ""},
		{"1.10000000000000WAL", 1_100_000_000, ""},
		{"100FROST", 100, ""},
		{"100.0frost", 100, ""},
		{"007FROST", 7, ""},
		{"0WAL", 0, ""},
		{"18446744073709551615FROST", math.MaxUint64, ""},
		{"18446744073.709551615WAL", math.MaxUint64, ""},
		{"18446744073709551616FROST", 0, "too large"},
		{"18446744073.709551616WAL", 0, "too large"},
		{"99999999999999999999999999WAL", 0, "too large"},
		{"0.0000000001WAL", 0, "more than 9 decimals"},
		{"0.5FROST", 0, "more than 0 decimals"},
		{"", 0, "no unit"},
		{"5", 0, "no unit"},
		{"1.5", 0, "no unit"},
		{"WAL", 0, "no number"},
		{".WAL", 0, "no number"},
		{"1.2.3WAL", 0, "no number with a unit"},
		{"-1WAL", 0, "no number with a unit"},
		{"+1WAL", 0, "no number with a unit"},
		{"1e3WAL", 0, "no number with a unit"},
		{"1,5WAL", 0, "no number with a unit"},
		{"0x10FROST", 0, "no number with a unit"},
		{"5 USD", 0, "no unit"},
	}
	for _, tt := range tests {
		got, err := parseAmount(tt.text)
		checkParsed(t, tt.text, got, err, tt.want, tt.fault)
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text  string
		want  uint64
		fault string
	}{
		{"0", 0, ""},
		{"1000", 1000, ""},
		{"1000B", 1000, ""},
		{"10KiB", 10 << 10, ""},
		{"10 MiB", 10 << 20, ""},
		{"10mi", 10 << 20, ""},
		{"1.5GiB", 3 << 29, ""},
		{"2TiB", 2 << 40, ""},
		{"0.25KiB", 256, ""},
		{"16777215TiB", 16777215 << 40, ""},
		{"16777216TiB", 0, "too large"},
		{"18446744073709551616", 0, "too large"},
		{"0.3KiB", 0, "no whole number of bytes"},
		{"1.5", 0, "no whole number of bytes"},
		{"10MB", 0, "no number with a unit"},
		{"-1", 0, "no number with a unit"},
		{"", 0, "no number"},
		{"MiB", 0, "no number"},
	}
	for _, tt := range tests {
		got, err := parseSize(tt.text)
		checkParsed(t, tt.text, got, err, tt.want, tt.fault)
	}
}

// checkParsed checks a number, or the usage error with its hint.
func checkParsed(t *testing.T, text string, got uint64, err error, want uint64, fault string) {
	t.Helper()
	if fault == "" {
		if err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
		return
	}
	usage, ok := errors.AsType[usageError](err)
	if !ok || !strings.Contains(err.Error(), fault) || usage.hint == "" {
		t.Errorf("%q: got %d, %v; want a usage error that says %q, and a hint", text, got, err, fault)
	}
}

// What is printed as WAL is read back as the same amount.
func FuzzAmount(f *testing.F) {
	for _, n := range []uint64{0, 1, 999_999_999, 1_000_000_000, 1_500_000_000, math.MaxUint64} {
		f.Add(n, "")
	}
	f.Add(uint64(5), "1.5WAL")
	f.Fuzz(func(t *testing.T, n uint64, text string) {
		if got, err := parseAmount(inWAL(n) + "WAL"); err != nil || got != n {
			t.Errorf("%d is written as %s WAL and read as %d, %v", n, inWAL(n), got, err)
		}
		_, _ = parseAmount(text) // must not panic
		_, _ = parseSize(text)
	})
}
