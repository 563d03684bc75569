package api

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"lignum/tenants/files"
)

// Content is an uploaded file as it is answered. It came from outside, and must never act as a page of this host.
type Content struct {
	File  *files.File
	Keep  string // Cache-Control
	Shown bool   // in the page; else it is offered for saving. Pictures alone may be, since the program wrote them itself
}

// contentTime bounds the sending of a file, as the server's WriteTimeout does.
const contentTime = time.Minute

// Download registers a route that answers with an uploaded file. The handler must ask Permit, or Open.
func Download(s *Server, rt Route, handle func(ctx context.Context, c *Call, fc *fiber.Ctx) (Content, error)) {
	plainly(s, rt, func(ctx context.Context, c *Call, fc *fiber.Ctx) error {
		content, err := handle(ctx, c, fc)
		if err == nil {
			err = c.asked()
		}
		if err != nil {
			return err
		}
		return c.send(fc, content)
	})
}

// Offered is a file that a handler made, to be saved.
type Offered struct {
	Name string // as it is offered, with its ending
	Type string // Content-Type; "": a table of CSV, in UTF-8
	Body []byte
}

// Offer registers a route whose answer is offered for saving. The handler must ask Permit.
func Offer(s *Server, rt Route, handle func(ctx context.Context, c *Call, fc *fiber.Ctx) (Offered, error)) {
	plainly(s, rt, func(ctx context.Context, c *Call, fc *fiber.Ctx) error {
		table, err := handle(ctx, c, fc)
		if err != nil {
			return err
		}
		fc.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": table.Name}))
		fc.Set(fiber.HeaderContentType, cmp.Or(table.Type, "text/csv; charset=utf-8"))
		fc.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'; frame-ancestors 'none'")
		fc.Set(fiber.HeaderCacheControl, "no-store")
		return fc.Send(table.Body)
	})
}

// send answers with a file or, where the request asks for one, with a range of its bytes (RFC 9110, 14).
func (c *Call) send(fc *fiber.Ctx, content Content) error {
	f := content.File
	tag := `"` + f.SHA256 + `"`
	if fc.Get(fiber.HeaderIfNoneMatch) == tag { // whoever asks has it (RFC 9110, 13.1.2)
		fc.Set(fiber.HeaderETag, tag)
		fc.Set(fiber.HeaderCacheControl, content.Keep)
		fc.Status(http.StatusNotModified)
		return nil
	}
	from, to, status := rangeOf(fc, f.Size)
	// The bytes go when the handler has returned, and its time with it.
	ctx, cancel := context.WithTimeout(c.Server.base, contentTime)
	r, err := c.Server.Files.Read(ctx, c.Realm, f, from, to-from+1)
	if err != nil {
		cancel()
		return err
	}
	how := "attachment"
	if content.Shown && f.Picture() {
		how = "inline"
	}
	fc.Set(fiber.HeaderContentDisposition, files.Disposition(how, f.Name))
	fc.Set(fiber.HeaderContentType, f.ContentType)
	fc.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'; frame-ancestors 'none'")
	fc.Set(fiber.HeaderETag, tag)
	fc.Set(fiber.HeaderCacheControl, content.Keep)
	fc.Set(fiber.HeaderAcceptRanges, "bytes")
	if status == http.StatusPartialContent {
		fc.Set(fiber.HeaderContentRange, contentRange(from, to, f.Size))
	}
	fc.Status(status)
	fc.Context().SetBodyStream(sending{r, cancel}, int(to-from+1))
	return nil
}

// rangeOf gives the first and the last byte that a request asks for, of so many, and the status of the answer.
func rangeOf(fc *fiber.Ctx, size int64) (from, to int64, status int) {
	if asked := fc.Get(fiber.HeaderRange); asked != "" && size < 1<<31 {
		if first, last, err := fasthttp.ParseByteRange([]byte(asked), int(size)); err == nil { // of several ranges, and of what is none, the whole
			return int64(first), int64(last), http.StatusPartialContent
		}
	}
	return 0, size - 1, http.StatusOK
}

func contentRange(from, to, size int64) string { return fmt.Sprintf("bytes %d-%d/%d", from, to, size) }

// sending ends the time of a file's bytes with them.
type sending struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close is io.Closer's.
func (s sending) Close() error {
	defer s.end()
	return s.ReadCloser.Close()
}
