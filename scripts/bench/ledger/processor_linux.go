package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// processTime is what the process has used of all processors.
func processTime() time.Duration { return used(unix.RUSAGE_SELF) }

// threadTime is what the thread has used of a processor.
func threadTime() time.Duration { return used(unix.RUSAGE_THREAD) }

func used(who int) time.Duration {
	var u unix.Rusage
	check(unix.Getrusage(who, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
