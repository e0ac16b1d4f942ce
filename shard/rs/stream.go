package rs

import "unsafe"

// StreamCopy copies src to dst, which has its length, past the caches where the
// machine can: for much that is written once and not read soon. Before another
// goroutine may read it StreamFence must be called.
func StreamCopy(dst, src []byte) {
	const little = 4 * blockSize
	if !hasVector || len(src) < little {
		copy(dst, src)
		return
	}
	to := unsafe.SliceData(dst[:len(src)])
	head := int(-uintptr(unsafe.Pointer(to)) & (blockSize - 1))
	lines, tail := (len(src)-head)/blockSize, (len(src)-head)%blockSize
	streamCopy(to, unsafe.SliceData(src), head, lines, 1<<head-1, 1<<tail-1)
}

// StreamFence makes what StreamCopy wrote visible before any later write.
func StreamFence() {
	if hasVector {
		streamFence()
	}
}
