package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lignum/tests/testkit"
)

// serving runs `lignum serve` on a port of its own and gives its address, and how it is told to stop and what it then says.
func serving(t *testing.T, listenTLS string) (addr string, stop func() error) {
	t.Helper()
	installed(t)
	return servingInstalled(t, listenTLS)
}

// servingInstalled is serving, of the world that was installed.
func servingInstalled(t *testing.T, listenTLS string) (addr string, stop func() error) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"LISTEN": addr, "LISTEN_TLS": listenTLS, "METRICS_LISTEN": "127.0.0.1:0", "DRAIN": "25s",
		"MASTER_KEY": base64.StdEncoding.EncodeToString(testkit.MasterKey)} {
		t.Setenv("LIGNUM_"+name, value)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"serve"}) }()
	for range 200 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return addr, func() error { cancel(); return <-ended }
		}
		select {
		case err := <-ended:
			t.Fatalf("lignum serve ended: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	t.Fatal("lignum serve does not listen")
	return "", nil
}

// whatever takes any certificate, as a load balancer of AWS does.
func whatever(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}
}

func TestServeOverTLS(t *testing.T) {
	addr, stop := serving(t, "self-signed")
	t.Run("answers by TLS", func(t *testing.T) {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: whatever(), ForceAttemptHTTP2: true}, Timeout: 10 * time.Second}
		defer client.CloseIdleConnections()
		res, err := client.Get("https://" + addr + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"ready":true`) {
			t.Errorf("%d %s, %v", res.StatusCode, body, err)
		}
		if res.TLS == nil || res.TLS.Version != tls.VersionTLS13 || res.TLS.NegotiatedProtocol != "http/1.1" || res.ProtoMajor != 1 {
			t.Errorf("%s by %+v", res.Proto, res.TLS)
		}
	})
	t.Run("also by TLS 1.2 and by no older one", func(t *testing.T) {
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
			config := whatever("http/1.1")
			config.MinVersion, config.MaxVersion = version, version
			c, err := tls.Dial("tcp", addr, config)
			if err == nil {
				c.Close()
			}
			if taken := err == nil; taken != (version >= tls.VersionTLS12) {
				t.Errorf("%s: %v", tls.VersionName(version), err)
			}
		}
	})
	t.Run("refuses a protocol that it does not speak", func(t *testing.T) {
		if c, err := tls.Dial("tcp", addr, whatever("h2")); err == nil {
			c.Close()
			t.Error("h2 was agreed on")
		}
	})
	t.Run("refuses plain HTTP", func(t *testing.T) {
		if status, err := ask(t, addr, nil); err == nil {
			t.Errorf("plain HTTP got %s", status)
		}
	})
	t.Run("lets a request under way finish, and does not wait for one who says nothing", func(t *testing.T) {
		silent := dial(t, addr, nil)
		defer silent.Close()
		slow := dial(t, addr, whatever())
		defer slow.Close()
		fmt.Fprint(slow, "GET /livez HTTP/1.1\r\nHost: jamaica.localhost\r\n")
		time.Sleep(300 * time.Millisecond) // it has arrived
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		begin := time.Now()
		time.Sleep(300 * time.Millisecond)
		fmt.Fprint(slow, "\r\n")
		if status, err := answer(slow); err != nil || status != "200 OK" {
			t.Errorf("the request under way got %q, %v", status, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("lignum serve ended with %v", err)
		}
		if took := time.Since(begin); took > 15*time.Second { // handshakeTime, and a slow machine
			t.Errorf("the end took %s", took)
		}
	})
}

// Behind a proxy on the same machine the listener is plain, and stays so unless it is told.
func TestServeWithoutTLS(t *testing.T) {
	addr, stop := serving(t, "off")
	if status, err := ask(t, addr, nil); err != nil || status != "200 OK" {
		t.Errorf("plain HTTP got %q, %v", status, err)
	}
	if status, err := ask(t, addr, whatever()); err == nil {
		t.Errorf("TLS got %q", status)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// dial opens a connection; with a configuration it is told to speak TLS when it is first written to.
func dial(t *testing.T, addr string, config *tls.Config) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if config != nil {
		return tls.Client(c, config)
	}
	return c
}

// ask asks for /livez over a new connection and gives the status.
func ask(t *testing.T, addr string, config *tls.Config) (string, error) {
	t.Helper()
	c := dial(t, addr, config)
	defer c.Close()
	if _, err := fmt.Fprint(c, "GET /livez HTTP/1.1\r\nHost: jamaica.localhost\r\n\r\n"); err != nil {
		return "", err
	}
	return answer(c)
}

func answer(c net.Conn) (string, error) {
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	return res.Status, nil
}
