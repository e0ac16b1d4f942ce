// Package proof makes and checks a file which proves that a blob is available: that
// a quorum of the storage committee has confirmed to hold it, and until when.
//
// # Words
//
// A proof is such a file. It needs no network to be checked and no trust but in
// a light.Root: the file brings the headers from there, signed by the validators,
// and what the ledger's state says of the blob, proven against the last header.
//
// # How it works
//
// [Export] reads the ledger like any client, and keeps the evidence of all that it
// reads. [Verify] reads the same again from the evidence alone, with the ledger's own
// readers, and so needs no second set of rules: the blob object, what pool it is
// in, that its blob ID is not recorded as invalid, the certificate, and the
// committee that signed it, whose signatures it checks. What is read next follows from
// what was read before; evidence that nobody asks for is refused like evidence
// that is missing.
//
// # File
//
// In canonical bytes (package bcs):
//
//	magic    8 bytes, "FLOEPOA1"
//	object   32 bytes, the ID of the blob object
//	trace    bytes: the headers from a trust root to that of the height after the
//	         state; package light draws it
//	spans    count, then each: bytes; package light draws them. Each proves one key of
//	         the state, or its absence, in this order:
//	         02 the system: the running epoch
//	         07 ‖ object: the blob object
//	         10 ‖ pool: its pool, if it is in one
//	         0f ‖ blob ID: nothing, for the blob is not recorded as invalid
//	         0d ‖ object: the certificate
//	         01 the parameters: the number of shards
//	         04 ‖ epoch, big-endian: the committee that signed, or the epoch since which it holds,
//	         04 ‖ that epoch: and then that one
//
// Package ledger has the forms of the values.
//
// # Invariants
//
// A file has one form. A byte that is changed, left out or added is refused, with
// what is wrong. Checking costs a fixed multiple of the file's size, which is bounded.
//
// # Concurrency
//
// All functions are pure but Export, which does what its Recorder does.
package proof
