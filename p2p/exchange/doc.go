// Package exchange asks and answers the calls by which blobs move between peers.
//
// # Words
//
// A call is one stream of protocol blob/1, symbols/2 or shard/1; its bytes are drawn in package wire. A [Client]
// asks. A [Server] admits calls, checks every size against the parameters of the network, and hands
// what it has read to a [Handler], which knows what is stored.
//
// # How it works
//
// Slivers travel one by one: on neither side is more than one of them in memory on account of this
// room. A server that is over its limits answers at once with busy and a time to wait, before it
// reads any body; slots are held by the handler at work, not by the connection.
//
// Every read and write has a deadline that follows from the size of the whole message and a least rate,
// so a peer that sends a byte now and then is cut off just like one that sends none. Waiting for a
// peer's answer, in contrast, may take as long as the context allows.
//
// # Invariants
//
// Nothing is allocated on the word of a peer beyond what the network's parameters allow for the thing
// it is; large bodies are read as they arrive. Shapes are checked here, contents are not: whoever
// receives metadata, slivers or symbols verifies them (package shard).
//
// # Concurrency
//
// Client and Server may be used from any goroutine.
package exchange
