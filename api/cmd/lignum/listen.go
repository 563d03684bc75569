package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"time"

	"lignum/infra/config"
)

// listen opens the address of the API and the pages, with TLS when the settings say so.
//
// The certificate is the process's own, made at its start and kept in memory alone: a load balancer of AWS does not verify
// what its targets show, so one from an authority would add a secret to store, to renew and to lose, and prove nothing. It
// keeps requests from being read on the way; that nobody else answers in the program's place is the network's part (security
// groups). Where the proxy stands on the same machine, as on a single server, nothing is on the way, and TLS is off.
func listen(cfg *config.Config) (net.Listener, error) {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil || cfg.ListenTLS != "self-signed" {
		return ln, err
	}
	certificate, err := selfSigned(time.Now())
	if err != nil {
		ln.Close()
		return nil, err
	}
	return tlsListener{ln, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}}, nil
}

// certificateLife is far above that of a process, which security updates replace within weeks.
const certificateLife = 10 * 365 * 24 * time.Hour

// selfSigned makes a certificate that names no host, since nobody looks at it. It begins a day ago, for clocks that differ.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "lignum"}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// tlsListener is tls.NewListener, but for its connections.
type tlsListener struct {
	net.Listener
	config *tls.Config
}

func (l tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tlsConn{tls.Server(c, l.config)}, nil
}

// handshakeTime is what a client has to agree on TLS.
const handshakeTime = 5 * time.Second

// tlsConn gives up a client that opens a connection and says nothing. fasthttp would wait for its ReadTimeout, and since it
// does not count such a connection as idle, the end of the process would wait for it too.
type tlsConn struct{ *tls.Conn }

func (c tlsConn) Handshake() error {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	return c.HandshakeContext(ctx)
}
