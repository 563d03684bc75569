package e2e

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// wire is the network between a browser and the platform: a forwarder that can be cut, as a storm cuts it. What a browser
// emulates of being offline does not reach connections that it holds already.
type wire struct {
	ln    net.Listener
	to    string
	mu    sync.Mutex
	isCut bool
	open  map[net.Conn]bool
}

func newWire(t *testing.T, port int) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{ln: ln, to: fmt.Sprintf("127.0.0.1:%d", port), open: map[net.Conn]bool{}}
	go w.run()
	t.Cleanup(func() { w.cut(true); ln.Close() })
	return w
}

func (w *wire) port() int { return w.ln.Addr().(*net.TCPAddr).Port }

func (w *wire) run() {
	for {
		conn, err := w.ln.Accept()
		if err != nil {
			return
		}
		go w.carry(conn)
	}
}

func (w *wire) carry(from net.Conn) {
	to, err := net.Dial("tcp", w.to)
	if err != nil || !w.hold(from, to) {
		from.Close()
		if to != nil {
			to.Close()
		}
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // until the wire is cut
			from.Close()
			to.Close()
		})
	}
	both.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, from)
	delete(w.open, to)
}

func (w *wire) hold(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		return false
	}
	for _, c := range conns {
		w.open[c] = true
	}
	return true
}

// cut ends every connection and lets no new one through, or mends the wire.
func (w *wire) cut(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = yes
	if yes {
		for c := range w.open {
			c.Close()
		}
	}
}
