//go:build !amd64 || purego

package rs

// Without vector code none of the functions below is called.

const hasVector = false

func forward4(_, _ *[4]*byte, _ int, _ *[3]*[4]uint64) {}

func inverse4(_, _ *[4]*byte, _ int, _ *[3]*[4]uint64) {}

func forward2(_, _ *[2]*byte, _ int, _ *[1]*[4]uint64) {}

func inverse2(_, _ *[2]*byte, _ int, _ *[1]*[4]uint64) {}

func streamCopy(_, _ *byte, _, _ int, _, _ uint64) {}

func streamFence() {}
