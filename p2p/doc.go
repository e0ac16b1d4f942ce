// Package p2p connects peers: it dials, listens, finds addresses, opens streams and gossips.
//
// It moves bytes between peers and knows nothing of what they mean. It is the only room that
// owns a libp2p host; everything above speaks of [PeerID], [Stream] and [Topic].
//
// # Words
//
// A peer is known by its Ed25519 public key, the [PeerID]. A network is one ledger; its name is part
// of every protocol identifier and topic, so that peers of two networks never understand each other:
//
//	/floe/<network>/<protocol>      a stream protocol, for instance /floe/devnet/blob/1
//	/floe/<network>/kad/1.0.0       the address book (Kademlia)
//	/floe/<network>/gossip/1        the gossip router
//	/floe/<network>/peer/1          the marker by which [Networks] recognizes a peer
//	/floe/<network>/<topic>         a gossip topic
//
// An address is a multiaddr with the peer at its end: /ip4/192.0.2.1/udp/7400/quic-v1/p2p/12D3Koo….
//
// # How it works
//
// A [Host] listens on QUIC v1 and on TCP (TLS before Noise, yamux). [Host.Open] uses the connection
// there is, dials the addresses it knows, and only when none answers asks the address book. The address
// book is never asked who holds what: a hostile one can delay a first dial and nothing else, because a
// connection proves the key of the peer at its other end.
//
// # Invariants
//
// A stream lives no longer than the context it was opened or handled under: its deadline is the
// context's, and it is reset when the context ends. [Host.Close] waits for every handler; afterwards
// nothing of the host is left running. Every peer has an Ed25519 key; others are refused at the door.
//
// # Concurrency
//
// All methods of [Host] and [Topic] may be called from any goroutine. A [Stream] allows one reader and
// one writer at a time; Close, Reset and the counters may be used from anywhere.
package p2p
