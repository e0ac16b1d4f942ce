package wire

// Names and versions of the protocols, as given to p2p.Host.Open and Handle.
const (
	BlobProtocol    = "blob/1"
	SymbolsProtocol = "symbols/2"
	ShardProtocol   = "shard/1"
)

// Bounds of what one message may name. They bound what a peer can make us read and remember; callers
// with more to ask make several calls.
const (
	// MaxSlivers is the number of slivers one call may ask for.
	MaxSlivers = 4096
	// MaxBlobs is the number of blobs one status call may ask for.
	MaxBlobs = 1024
	// MaxSymbolIndexes is the number of targets, and of sources, one want may name.
	MaxSymbolIndexes = 4096
	// MaxWants is the number of things one symbols call may ask for.
	MaxWants = 512
	// MaxWantsSize is the size of such a request in bytes. The longest want fits.
	MaxWantsSize = 64 << 10
	// MaxTextSize is the size of an error's text in bytes.
	MaxTextSize = 256
	// MaxMessageSize is the size of a signed message in bytes; a confirmation has at most 72.
	MaxMessageSize = 256
)
