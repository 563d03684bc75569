package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/domain/words"
)

// Bodies are read by the pipeline, not by the server in front of it: when host, route, person and quota are settled, and no further
// than the route allows. Until then a request is its head, whatever it says will follow.

// detach takes the request's unread body away from everything that would read it without a bound, and gives it.
func detach(fc *fiber.Ctx) io.Reader {
	stream := fc.Request().BodyStream()
	fc.Request().SetBodyRaw(nil)
	return stream
}

// receive reads the body of a change, which may then be read from the request as often as one likes. It returns domain.TooLarge for more
// than the route takes, and domain.Invalid for text that cannot be stored. The call's time and deadline begin anew: the network's
// slowness is not ours, and what arrives after a deadline is late, whenever it was begun.
func (c *Call) receive() error {
	if len(c.route.Takes) > 0 {
		return nil
	}
	stream := c.stream
	if c.stream = nil; stream == nil || !c.route.mutating {
		return nil
	}
	header := &c.fc.Request().Header
	if kind := header.Peek(fiber.HeaderContentEncoding); len(kind) > 0 && string(kind) != "identity" {
		return newProblem(http.StatusUnsupportedMediaType, words.Say("api.a_body_must_not_be"))
	}
	body, err := readBody(stream, header.ContentLength(), c.route.Body)
	if err != nil {
		return err
	}
	if conn, ok := c.fc.Context().Conn().(*politeConn); ok {
		if conn.ended.Load() { // the end of the chunks and the end of the connection look alike to the stream
			return incomplete()
		}
		conn.unread.Store(false)
	}
	c.fc.Request().SetBodyRaw(body)
	if c.Now = time.Now().UTC(); c.Now.Sub(c.start) > time.Second {
		c.cancel()
		c.ctx, c.cancel = requestContext(c.Server.base)
	}
	return bodyText(string(header.ContentType()), body)
}

// Onto reads the request's body, which is JSON and was checked for the route, onto what v points to: what the body lacks stays as it is.
func (c *Call) Onto(v any) error { return json.Unmarshal(c.fc.Request().Body(), v) }

// readBody reads at most limit bytes, holding no more memory than what has arrived. length is what the request's head says; -1:
// it does not say, and the body comes in chunks.
func readBody(stream io.Reader, length, limit int) ([]byte, error) {
	if length > limit {
		return nil, tooLarge(limit)
	}
	var body bytes.Buffer
	body.Grow(min(max(length, 0), 16<<10) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(stream, int64(limit)+1))
	switch {
	case err != nil && timedOut(err):
		return nil, newProblem(http.StatusRequestTimeout, words.Say("api.the_body_did_not_arrive"))
	case err != nil, length >= 0 && body.Len() < length:
		return nil, incomplete()
	case body.Len() > limit:
		return nil, tooLarge(limit)
	}
	return body.Bytes(), nil
}

func timedOut(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

func tooLarge(limit int) error {
	return domain.Refuse(domain.TooLarge, "api.what_was_sent_is_larger", "Limit", limit>>10)
}

func incomplete() *Problem {
	return newProblem(http.StatusBadRequest, words.Say("api.the_body_is_not_complete"))
}

// humaContext is another name for huma's: its own would hide the method Context.
type humaContext = huma.Context

// taken is a request for huma whose body the pipeline has read.
type taken struct {
	humaContext
	fc *fiber.Ctx
}

// Unwrap is how humafiber finds the Fiber context.
func (t taken) Unwrap() humaContext { return t.humaContext }

// URL returns the query, which is all that huma asks the address for: to take the whole of it apart once more costs a microsecond.
func (t taken) URL() url.URL {
	return url.URL{RawQuery: string(t.fc.Context().URI().QueryString())}
}

// BodyReader returns the body that was read.
func (t taken) BodyReader() io.Reader { return bytes.NewReader(t.fc.Request().Body()) }

// SetReadDeadline does nothing: huma would lift the connection's, under which what was left unread is drained.
func (t taken) SetReadDeadline(time.Time) error { return nil }

// politeListener hands out connections that end politely.
type politeListener struct{ net.Listener }

// Accept waits for the next connection.
func (l politeListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &politeConn{Conn: c}, nil
}

// politeConn is a connection that may be closed while its client is still sending: one that was told that its body is too large, or
// that it must sign in first. Closed at once, the answer would often be lost, since the system resets a connection with unread
// bytes. So our half is closed, and what still comes is thrown away for a while (lingering close).
type politeConn struct {
	net.Conn
	unread atomic.Bool // a request's body may not have been read to its end
	ended  atomic.Bool // the client sends nothing more, and something more was waited for
}

// Read reads, and notes the end.
func (c *politeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		c.ended.Store(true)
	}
	return n, err
}

// How much is thrown away of a connection that is closed, and for how long.
const (
	lingerBytes = 16 << 20
	lingerTime  = 3 * time.Second
)

// Close ends the connection.
func (c *politeConn) Close() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && c.unread.Swap(false) && half.CloseWrite() == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

// drained is how much of an unread body fasthttp itself reads and throws away, and then keeps the connection.
const drained = 256 << 10

// arrived notes on the connection whether a request has begun whose body may be left unread and end it.
func arrived(fc *fiber.Ctx, body io.Reader) {
	length := fc.Request().Header.ContentLength()
	large := body != nil && (length < 0 || length > drained)
	if c, ok := fc.Context().Conn().(*politeConn); ok && c.unread.Load() != large {
		c.unread.Store(large)
	}
}
