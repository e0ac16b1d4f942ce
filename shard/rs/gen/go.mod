// The generator of the vector code is a module of its own, so that what it
// needs stays out of the main one.
module github.com/floe-storage/floe/shard/rs/gen

go 1.26.0

require github.com/mmcloughlin/avo v0.6.0

require (
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
)
