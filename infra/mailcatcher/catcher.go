// Package mailcatcher takes mail and delivers none of it: a server of SMTP (RFC 5321) on this machine alone, which keeps the last letters and shows them on a page. It is what a
// local installation and the tests send to.
package mailcatcher

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// kept is how many letters are kept.
const kept = 500

// Letter is one that came.
type Letter struct {
	ID      int // from 1, in the order in which they came
	At      time.Time
	From    string // of the envelope
	To      []string
	Head    mail.Header
	Subject string
	Text    string
	HTML    string
	Files   []File // what is attached
	Raw     []byte
}

// File is something that is attached to a letter.
type File struct {
	Name, Type string
	Body       []byte
}

// Options are how a Catcher differs from one that takes everything. All may be left out.
type Options struct {
	TLS    *tls.Config                  // it offers STARTTLS, and takes nothing without
	SignIn func(user, pass string) bool // it takes nothing from who does not sign in
	Mail   func(from string) error      // asked about each sender; an *smtp.SMTPError is answered as it is
	Rcpt   func(to string) error        // and about each recipient
	Data   func() error                 // and when a letter has come whole, before the answer: it may take its time
	Listen string                       // an address of this machine; "": any free port
}

// Catcher takes mail. It is safe for concurrent use.
type Catcher struct {
	Options
	server  *smtp.Server
	address string
	ln      net.Listener

	mu      sync.Mutex
	letters []Letter
	count   int
}

// Start begins to take mail.
func Start(o Options) (*Catcher, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		ln.Close()
		return nil, errors.New("mail is caught on this machine alone")
	}
	c := &Catcher{Options: o, address: ln.Addr().String(), ln: ln}
	c.server = smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) { return &session{catcher: c, conn: conn}, nil }))
	c.server.Domain, c.server.TLSConfig, c.server.MaxMessageBytes, c.server.MaxRecipients = "localhost", o.TLS, 4<<20, 50
	c.server.ReadTimeout, c.server.WriteTimeout, c.server.ErrorLog = 5*time.Minute, time.Minute, log.New(io.Discard, "", 0)
	go func() { _ = c.server.Serve(ln) }() // until Close
	return c, nil
}

// Address is where it listens, host:port.
func (c *Catcher) Address() string { return c.address }

// Close ends it, with all connections.
func (c *Catcher) Close() {
	_ = c.server.Close()
	_ = c.ln.Close() // which the server may not have known yet
}

// Letters are those that are kept, in the order in which they came.
func (c *Catcher) Letters() []Letter {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.letters)
}

func (c *Catcher) keep(l Letter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	l.ID = c.count
	c.letters = append(c.letters, l)
	if len(c.letters) > kept {
		c.letters = slices.Delete(c.letters, 0, len(c.letters)-kept)
	}
}

// session is one connection.
type session struct {
	catcher *Catcher
	conn    *smtp.Conn
	known   bool
	from    string
	to      []string
}

// AuthMechanisms is smtp.AuthSession's.
func (s *session) AuthMechanisms() []string {
	if s.catcher.SignIn == nil {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth is smtp.AuthSession's.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if s.catcher.SignIn == nil || !s.catcher.SignIn(user, pass) {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

// Mail is smtp.Session's.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if _, secure := s.conn.TLSConnectionState(); s.catcher.TLS != nil && !secure {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Must issue a STARTTLS command first"}
	}
	if s.catcher.SignIn != nil && !s.known {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if s.catcher.Options.Mail != nil {
		return s.catcher.Options.Mail(from)
	}
	return nil
}

// Rcpt is smtp.Session's.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.catcher.Options.Rcpt != nil {
		if err := s.catcher.Options.Rcpt(to); err != nil {
			return err
		}
	}
	s.to = append(s.to, to)
	return nil
}

// Data is smtp.Session's.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	l := Letter{At: time.Now(), From: s.from, To: slices.Clone(s.to), Raw: raw}
	l.read()
	s.catcher.keep(l) // a server has a letter before it says so
	if s.catcher.Options.Data != nil {
		return s.catcher.Options.Data()
	}
	return nil
}

// Reset is smtp.Session's.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout is smtp.Session's.
func (s *session) Logout() error { return nil }

// read takes a letter apart, as far as it can be.
func (l *Letter) read() {
	m, err := mail.ReadMessage(bytes.NewReader(l.Raw))
	if err != nil {
		return
	}
	l.Head = m.Header
	l.Subject = m.Header.Get("Subject")
	if decoded, err := new(mime.WordDecoder).DecodeHeader(l.Subject); err == nil {
		l.Subject = decoded
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		body, _ := io.ReadAll(m.Body)
		l.Text = string(body)
		return
	}
	l.readParts(m.Body, params["boundary"])
}

// readParts reads the parts of a letter, of which one may have parts itself: what is written, and what is attached.
func (l *Letter) readParts(body io.Reader, boundary string) {
	for parts := multipart.NewReader(body, boundary); ; {
		part, err := parts.NextPart() // which undoes quoted-printable
		if err != nil {
			return
		}
		kind, params, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if strings.HasPrefix(kind, "multipart/") {
			l.readParts(part, params["boundary"])
			continue
		}
		var from io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
			from = base64.NewDecoder(base64.StdEncoding, part)
		}
		raw, _ := io.ReadAll(from)
		switch {
		case part.FileName() != "":
			l.Files = append(l.Files, File{part.FileName(), kind, raw})
		case kind == "text/plain":
			l.Text = strings.ReplaceAll(string(raw), "\r\n", "\n")
		case kind == "text/html":
			l.HTML = string(raw)
		}
	}
}
