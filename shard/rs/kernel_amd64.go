//go:build !purego

package rs

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd gen && go run . -out ../kernel_gen_amd64.s -stubs ../kernel_gen_amd64.go -pkg rs"

// hasVector says that this machine can run the vector code. It never changes.
var hasVector = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512GFNI
