package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/floe-storage/floe/node/client"
	"github.com/floe-storage/floe/node/httpapi"
	"github.com/floe-storage/floe/shard"
)

// pipes is a listener without a network, so that a server can run in a bubble,
// which proves that nothing of it is left when the test ends.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

// serve runs the API on pipes until the bubble's test ends.
func serve(t *testing.T, cfg httpapi.Config) *pipes {
	t.Helper()
	p := newPipes()
	server := &http.Server{Handler: newAPI(t, cfg)}
	ended := make(chan error)
	go func() { ended <- server.Serve(p) }() // ends with Shutdown
	t.Cleanup(func() {
		if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("shut down: %v", err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return p
}

// receive reads an answer from a connection.
func receive(t *testing.T, c net.Conn) answer {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf(t, res)
}

// TestClientsGoAway lets clients vanish at each stage of a request: nothing of
// it may stay behind, and its place is free again.
func TestClientsGoAway(t *testing.T) {
	t.Parallel()
	blocking := func(began chan<- struct{}) *fake {
		wait := func(ctx context.Context) error {
			began <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}
		return &fake{
			store: func(ctx context.Context, _ []byte, _ client.StoreOptions) (*client.StoreResult, error) {
				return nil, wait(ctx)
			},
			read: func(ctx context.Context, _ shard.BlobID, _ client.ReadOptions) ([]byte, error) { return nil, wait(ctx) },
		}
	}
	const (
		wholeWrite = "PUT /v1/blobs HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\ndata"
		chunked    = "PUT /v1/blobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	)
	wholeRead := "GET " + contentPath + " HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, request := range map[string]string{
		"in the head":      "PUT /v1/blobs HTTP/1.1\r\nHo",
		"in the body":      wholeWrite[:len(wholeWrite)-2],
		"in a chunk":       chunked + "5\r\nha",
		"during the store": wholeWrite,
		"during the read":  wholeRead,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := make(chan struct{}, 1)
				p := serve(t, httpapi.Config{Blobs: blocking(began), MaxWrites: 1, MaxReads: 1})
				leave := func(request string, reaches bool) {
					c := p.dial()
					if _, err := io.WriteString(c, request); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					if reaches {
						<-began
					}
					if err := c.Close(); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				for range 2 { // there is one place
					leave(request, strings.HasPrefix(name, "during"))
				}
				leave(wholeWrite, true)
				leave(wholeRead, true)
			})
		})
	}
}

// TestBodyThatStops lets senders stop in the middle: they lose their place
// after a time in which a slow one gets through.
func TestBodyThatStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := serve(t, httpapi.Config{Blobs: &fake{}, MaxWrites: 1})
		c := p.dial()
		defer c.Close()
		const head = "PUT /v1/blobs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
		if _, err := io.WriteString(c, head+"0"); err != nil {
			t.Fatal(err)
		}
		res := receive(t, c)
		wantProblem(t, res, http.StatusRequestTimeout, "BODY_STALLED")
		if !res.close {
			t.Error("the connection goes on, with the rest of the body to come")
		}

		slow := p.dial()
		defer slow.Close()
		if _, err := io.WriteString(slow, head); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			time.Sleep(20 * time.Second) // of the bubble
			if _, err := fmt.Fprint(slow, i); err != nil {
				t.Fatal(err)
			}
		}
		if res := receive(t, slow); res.code != http.StatusOK {
			t.Errorf("a slow sender: got %d, want 200", res.code)
		}
	})
}

// TestBodyShorterThanAnnounced ends the sending, but not the listening, before
// all is there.
func TestBodyShorterThanAnnounced(t *testing.T) {
	t.Parallel()
	r := httptestServer(t, httpapi.Config{Blobs: &fake{}})
	c, err := net.Dial("tcp", r)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "PUT /v1/blobs HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	e := wantProblem(t, receive(t, c), http.StatusBadRequest, "MALFORMED_REQUEST")
	if !strings.Contains(e.Error.Message, "ended early") {
		t.Errorf("got %q", e.Error.Message)
	}
}
