package api

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/domain/words"
)

// uploadTimeout bounds a request whose handler reads the body as it comes: the server gives a body 30 seconds to arrive.
const uploadTimeout = 30*time.Second + requestTimeout

// upload is a body that the pipeline did not read. It gives no more than the route allows, and problems in place of errors of the network.
type upload struct {
	c      *Call
	stream io.Reader
	left   int64 // that may still come
}

// Upload is the body of a route with Takes, to be read once, as it comes. Ask the policy first. Reading gives domain.TooLarge beyond the route's Body, and a
// problem when the rest does not arrive.
func (c *Call) Upload() (io.Reader, error) {
	stream := c.stream
	if c.stream = nil; stream == nil {
		return strings.NewReader(""), nil
	}
	header := &c.fc.Request().Header
	if kind := header.Peek(fiber.HeaderContentEncoding); len(kind) > 0 && string(kind) != "identity" {
		return nil, newProblem(http.StatusUnsupportedMediaType, words.Say("api.a_body_must_not_be"))
	}
	if header.ContentLength() > c.route.Body {
		return nil, tooLarge(c.route.Body)
	}
	return &upload{c: c, stream: stream, left: int64(c.route.Body)}, nil
}

// UploadLength is how many bytes the body of a route with Takes has; -1: its head does not say.
func (c *Call) UploadLength() int64 { return int64(max(-1, c.fc.Request().Header.ContentLength())) }

// Read is io.Reader's.
func (u *upload) Read(p []byte) (int, error) {
	if int64(len(p)) > u.left+1 {
		p = p[:u.left+1]
	}
	n, err := u.stream.Read(p)
	u.left -= int64(n)
	switch {
	case u.left < 0:
		return 0, tooLarge(u.c.route.Body)
	case err == nil:
		return n, nil
	case err != io.EOF && timedOut(err):
		return n, newProblem(http.StatusRequestTimeout, words.Say("api.the_body_did_not_arrive"))
	case err != io.EOF:
		return n, incomplete()
	}
	if conn, ok := u.c.fc.Context().Conn().(*politeConn); ok {
		if conn.ended.Load() { // the end of the body and the end of the connection look alike to the stream
			return n, incomplete()
		}
		conn.unread.Store(false)
	}
	return n, io.EOF
}

// UploadKind is the media type of the body, without its parameters, as its sender names it; "" where they do not, or not well.
func (c *Call) UploadKind() string {
	kind, _, err := mime.ParseMediaType(c.fc.Get(fiber.HeaderContentType))
	if err != nil {
		return ""
	}
	return kind
}

// UploadedFile is the file in a field of a form in parts (multipart/form-data), and what the sender calls it. Fields before it are passed over; it is domain.Invalid
// where the form has none, or none was chosen.
func (c *Call) UploadedFile(field string) (name string, file io.Reader, err error) {
	next, err := c.UploadedFiles(field)
	if err != nil {
		return "", nil, err
	}
	if name, file, err = next(); err == io.EOF {
		err = domain.InvalidField(field, "api.must_be_a_file")
	}
	return name, file, err
}

// UploadedFiles is UploadedFile for a field that may hold several: next gives one after the other, each to be read before the next is asked for, and io.EOF behind the
// last.
func (c *Call) UploadedFiles(field string) (next func() (name string, file io.Reader, err error), err error) {
	body, err := c.Upload()
	if err != nil {
		return nil, err
	}
	kind, params, err := mime.ParseMediaType(c.fc.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEMultipartForm || params["boundary"] == "" {
		return nil, domain.InvalidField(field, "api.must_be_a_file")
	}
	parts := multipart.NewReader(body, params["boundary"])
	return func() (string, io.Reader, error) {
		for {
			part, err := parts.NextRawPart()
			switch {
			case err != nil:
				return "", nil, wholly(err)
			case part.FormName() == field && part.FileName() != "":
				return part.FileName(), wholePart{part}, nil
			}
		}
	}, nil
}

// wholePart is a part of a form that says so when it breaks off.
type wholePart struct{ part io.Reader }

// Read is io.Reader's.
func (p wholePart) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err != nil {
		err = wholly(err)
	}
	return n, err
}

// wholly gives an error of reading a form in parts: one of its own, the end, or that it is not complete.
func wholly(err error) error {
	var own *Problem
	if err == io.EOF || errors.As(err, &own) || domain.CodeOf(err) != "" {
		return err
	}
	return incomplete()
}
