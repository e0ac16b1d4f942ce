//go:build !linux

package main

import "time"

// processTime and threadTime are known on Linux only.
func processTime() time.Duration { return 0 }

func threadTime() time.Duration { return 0 }
