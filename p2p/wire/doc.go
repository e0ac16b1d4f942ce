// Package wire defines the messages that peers exchange, byte by byte.
//
// # Words
//
// A frame is a message with its length before it. A body is a run of raw bytes, slivers or symbols,
// whose length follows from the frames before it. A call is one stream: one request, one answer.
//
// # Layout
//
// All integers are little endian, messages are BCS (package shard/bcs).
//
//	frame       u32 length ‖ message            refused before allocation if above the message's MaxSize
//
// Protocol blob/1. The asker writes a request frame and, for an upload, what follows it:
//
//	request     0 upload    blob 32 ‖ epoch u32 ‖ persistence ‖ size u64 ‖ metadata bool ‖ confirm bool
//	            1 metadata  blob 32
//	            2 slivers   blob 32 ‖ count ‖ count × (axis u8 ‖ index u16)
//	            3 status    count ‖ count × blob 32
//	            4 confirm   blob 32 ‖ persistence
//	persistence bool deletable [‖ object 32 if so]
//
//	upload      request [‖ metadata body, if metadata] ‖ part* ‖ end
//	part        frame (1 ‖ axis u8 ‖ index u16 ‖ length u32) ‖ sliver body of length bytes
//	end         frame (0)
//
// The answer starts with a status; only after code 0 does anything follow:
//
//	status      frame (code u8 ‖ retry-after u32 ms ‖ text, at most 256 bytes)
//	upload      status ‖ frame (stored u32 ‖ option of confirmation)
//	metadata    status ‖ frame (length u32) ‖ metadata body
//	slivers     status ‖ for each sliver asked for, in order: item
//	item        status [‖ frame (axis u8 ‖ index u16 ‖ symbol size u16 ‖ length u32) ‖ sliver body]
//	status      status ‖ frame (count ‖ count × (metadata bool ‖ primary u16 ‖ secondary u16))
//	confirm     status ‖ frame (confirmation)
//	confirmation  message, at most 256 bytes ‖ signature 96
//
// Protocol symbols/2. One call asks for many things, so that small blobs do not pay a stream each:
//
//	request     frame (count ‖ count × want), at most 64 KiB
//	want        0 metadata  blob 32
//	            1 symbols   blob 32 ‖ symbol size u16 ‖ axis u8 ‖ proofs bool ‖ targets ‖ sources   each: count ‖ count × u16
//	answer      status ‖ for each want, in order: got
//	got         head u8, no frame: 0 all of it ‖ body
//	                               1 some of it ‖ ⌈sources/8⌉ bytes, a bit per source from the lowest on ‖ body
//	                               2 none of it
//	                               3 refused ‖ status
//	body        metadata body, or of the sources that are there
//	            without proofs: targets × sources × symbol size bytes, target by target, nothing between
//	            with proofs: targets × sources frames of one recovery symbol each, in the same order
//
// Protocol shard/1:
//
//	request     shard u16 ‖ from blob 32
//	answer      status ‖ (entry [‖ sliver body])* ‖ end or break
//	entry       frame (0 ‖ blob 32 ‖ axis u8 ‖ symbol size u16)          blob by blob, the primary sliver first
//	end         frame (1)                                               nothing of the shard is left out
//	break       frame (2 ‖ blob 32 ‖ pause u32 ms)                      the rest in another call, from that blob on
//
// A sliver body is the sliver's symbols one after the other, a metadata body its BCS form.
//
// # Invariants
//
// What decodes encodes to the same bytes. Decoding allocates no more than the frame's length allows.
// A change of any layout is a new protocol version.
package wire
