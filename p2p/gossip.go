package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	// maxMessageSize is the largest message any topic may allow; gossip is for announcements.
	maxMessageSize = 64 << 10
	// rpcSize bounds what gossip reads from a peer at once: a few messages and their signatures.
	rpcSize = 256 << 10
	// topicQueue is how many messages wait for Next; when it is full new ones are dropped.
	topicQueue = 256
	// validateQueue is how many messages wait to be validated; when it is full new ones are dropped.
	validateQueue = 1024
)

// Verdict is what a validator says of a message.
type Verdict uint8

const (
	// Accept hands the message on, to Next and to other peers.
	Accept Verdict = iota
	// Ignore drops it without blame: too old, seen in another form.
	Ignore
	// Reject drops it and blames the peer that sent it.
	Reject
)

// TopicConfig says what may be said on a topic.
type TopicConfig struct {
	// MaxSize is the largest message in bytes. Zero: 64 KiB, which is also the most.
	MaxSize int
	// Validate judges a message of another peer before it is passed on. from is its author, proven by
	// a signature; data is not retained. It is called from several goroutines and must not block for
	// long. Nil: accept.
	Validate func(from PeerID, data []byte) Verdict
}

// Message is one message of another peer.
type Message struct {
	From PeerID // who wrote it
	Data []byte // owned by the receiver
}

// Topic is a joined gossip topic.
type Topic struct {
	h     *Host
	name  string
	limit int
	topic *pubsub.Topic
	sub   *pubsub.Subscription

	closing sync.Once
}

type gossip struct {
	router *pubsub.PubSub
	end    context.CancelFunc
}

func newGossip(life context.Context, h *Host) (*gossip, error) {
	ctx, cancel := context.WithCancel(life)
	id := h.protocol("gossip/1")
	names := make([]string, len(h.cfg.Topics))
	for i, t := range h.cfg.Topics {
		names[i] = h.topic(t)
	}
	router, err := pubsub.NewGossipSub(ctx, h.host,
		pubsub.WithGossipSubProtocols([]protocol.ID{id}, func(f pubsub.GossipSubFeature, p protocol.ID) bool {
			return p == id && (f == pubsub.GossipSubFeatureMesh || f == pubsub.GossipSubFeatureIdontwant)
		}),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(names...)),
		pubsub.WithFloodPublish(true), // our own go to every neighbor: they are few and small
		pubsub.WithMaxMessageSize(rpcSize),
		pubsub.WithValidateQueueSize(validateQueue),
		pubsub.WithValidateWorkers(2),
		pubsub.WithPeerScore(scores(names)))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("p2p: start gossip: %w", err)
	}
	return &gossip{router: router, end: cancel}, nil
}

func (g *gossip) close() { g.end() }

func (h *Host) topic(name string) string { return h.traffic.prefix + name }

// Join joins a topic that Config.Topics lists. A topic can be joined once at a time.
func (h *Host) Join(name string, cfg TopicConfig) (*Topic, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.gossip == nil {
		return nil, fmt.Errorf("p2p: join topic %s: not among Config.Topics", name)
	}
	if cfg.MaxSize == 0 {
		cfg.MaxSize = maxMessageSize
	}
	if cfg.MaxSize < 0 || cfg.MaxSize > maxMessageSize {
		return nil, fmt.Errorf("p2p: join topic %s: size limit %d is not within 0 and %d", name, cfg.MaxSize, maxMessageSize)
	}
	t := &Topic{h: h, name: name, limit: cfg.MaxSize}
	router, full := h.gossip.router, h.topic(name)
	if err := router.RegisterTopicValidator(full, t.validator(cfg)); err != nil {
		return nil, fmt.Errorf("p2p: join topic %s: %w", name, err)
	}
	var err error
	if t.topic, err = router.Join(full); err == nil {
		if t.sub, err = t.topic.Subscribe(pubsub.WithBufferSize(topicQueue)); err != nil {
			err = errors.Join(err, t.topic.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("p2p: join topic %s: %w", name, errors.Join(err, router.UnregisterTopicValidator(full)))
	}
	return t, nil
}

func (t *Topic) validator(cfg TopicConfig) pubsub.ValidatorEx {
	return func(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		from, err := fromLibp2p(m.GetFrom())
		if err != nil || len(m.Data) > cfg.MaxSize {
			return pubsub.ValidationReject
		}
		if cfg.Validate == nil || from == t.h.ID() {
			return pubsub.ValidationAccept
		}
		switch cfg.Validate(from, m.Data) {
		case Accept:
			return pubsub.ValidationAccept
		case Ignore:
			return pubsub.ValidationIgnore
		case Reject:
			return pubsub.ValidationReject
		}
		return pubsub.ValidationReject
	}
}

// Publish signs data and sends it to the peers on the topic; it does not wait until it has reached them.
// data must not be changed afterwards. ErrTooLarge if it exceeds the topic's limit.
func (t *Topic) Publish(ctx context.Context, data []byte) error {
	if err := t.h.check(); err != nil {
		return err
	}
	if len(data) > t.limit {
		return fmt.Errorf("%w: %d bytes on topic %s, at most %d", ErrTooLarge, len(data), t.name, t.limit)
	}
	if err := t.topic.Publish(ctx, data); err != nil {
		return t.fault(ctx, "publish on", err)
	}
	return nil
}

// Next waits for the next message of another peer. ErrClosed after Close.
func (t *Topic) Next(ctx context.Context) (Message, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(t.h.lifetime(), func() { cancel(ErrClosed) }) // the router forgets its subscriptions
	defer stop()
	for {
		m, err := t.sub.Next(ctx)
		if err != nil {
			return Message{}, t.fault(ctx, "read", err)
		}
		from, err := fromLibp2p(m.GetFrom())
		if err == nil && from != t.h.ID() {
			return Message{From: from, Data: m.Data}, nil
		}
	}
}

// Peers returns the connected peers that are on the topic.
func (t *Topic) Peers() []PeerID {
	var out []PeerID
	for _, id := range t.topic.ListPeers() {
		if p, err := fromLibp2p(id); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Close leaves the topic. Next returns ErrClosed from then on.
func (t *Topic) Close() error {
	var err error
	t.closing.Do(func() {
		t.sub.Cancel()
		if t.h.check() == nil {
			err = errors.Join(t.topic.Close(), t.h.gossip.router.UnregisterTopicValidator(t.h.topic(t.name)))
		}
	})
	if err != nil {
		return fmt.Errorf("p2p: leave topic %s: %w", t.name, err)
	}
	return nil
}

func (t *Topic) fault(ctx context.Context, action string, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), ErrClosed):
		return ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, pubsub.ErrSubscriptionCancelled), errors.Is(err, pubsub.ErrTopicClosed), t.h.check() != nil:
		return ErrClosed
	}
	return fmt.Errorf("p2p: %s topic %s: %w", action, t.name, err)
}
