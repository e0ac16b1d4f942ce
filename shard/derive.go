package shard

// DeriveBlobID returns the ID of the blob of size bytes whose metadata has the
// given root. [WE] §4.5
func DeriveBlobID(root Hash, size uint64) BlobID { return newBlobID(size, root) }

// EncodingName is what users call the only encoding: Red Stuff over Reed-Solomon.
const EncodingName = "RS2"
