package p2p

import (
	"net"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

// virtualUDP puts QUIC on sockets that are not the operating system's.
func virtualUDP(listen func(network string, addr *net.UDPAddr) (net.PacketConn, error)) libp2p.Option {
	source := &sourceIP{}
	return libp2p.QUICReuse(
		func(l fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey, opts ...quicreuse.Option) (*quicreuse.ConnManager, error) {
			cm, err := quicreuse.NewConnManager(reset, token, opts...)
			if err != nil {
				return nil, err
			}
			l.Append(fx.StopHook(cm.Close))
			return cm, nil
		},
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source, nil }),
		quicreuse.OverrideListenUDP(func(network string, addr *net.UDPAddr) (net.PacketConn, error) {
			source.ip.Store(&addr.IP)
			return listen(network, addr)
		}))
}

// sourceIP answers with the address last listened on, where the operating system would look at its routes.
type sourceIP struct{ ip atomic.Pointer[net.IP] }

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (s *sourceIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	if ip := s.ip.Load(); ip != nil {
		return *ip, nil
	}
	return net.IPv4zero, nil
}
