package files

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/gif" // reads it; of one that moves, the first picture
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // reads it

	"lignum/domain"
)

// What a picture may be before it is decoded, as its head says.
const (
	mostPixels = 40_000_000
	mostSide   = 20_000         // pixels
	mostMemory = 4 * mostPixels // bytes, of what the decoder makes
)

// picture is one that was written anew.
type picture struct {
	bytes         []byte
	contentType   string
	width, height int // pixels
}

// decoding is the right to decode a picture. A process does one at a time, since each may take up to mostMemory.
var decoding = make(chan struct{}, 1)

// readPicture reads a picture in PNG, JPEG, GIF or WebP and writes it anew, as JPEG if it was one and as PNG otherwise, so that nothing but its pixels is
// left, made to fit into a square of r.side pixels. It gives domain.Invalid for anything else, and for a picture beyond the bounds, and domain.TooLarge.
func readPicture(ctx context.Context, body io.Reader, r rule) (picture, error) {
	data, err := io.ReadAll(io.LimitReader(body, r.most+1))
	switch {
	case err != nil:
		return picture{}, err
	case int64(len(data)) > r.most:
		return picture{}, tooLarge(r.most)
	case len(data) == 0:
		return picture{}, domain.InvalidField("file", "files.is_empty")
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil && drawing(data):
		return picture{}, domain.InvalidField("file", "files.is_a_drawing_that_may_hold_scripts")
	case err != nil:
		return picture{}, domain.InvalidField("file", "files.is_no_picture")
	case head.Width < 1 || head.Height < 1:
		return picture{}, domain.InvalidField("file", "files.is_no_picture")
	case head.Width > mostSide || head.Height > mostSide || int64(head.Width)*int64(head.Height) > mostPixels:
		return picture{}, domain.InvalidField("file", "files.has_too_many_pixels", "Width", head.Width, "Height", head.Height, "Side", mostSide, "Pixels", mostPixels/1_000_000)
	case int64(head.Width)*int64(head.Height)*perPixel(head.ColorModel, format, data) > mostMemory:
		return picture{}, domain.InvalidField("file", "files.takes_too_much_to_open")
	}
	select {
	case decoding <- struct{}{}:
		defer func() { <-decoding }()
	case <-ctx.Done():
		return picture{}, ctx.Err()
	}
	whole, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return picture{}, domain.InvalidField("file", "files.is_no_picture")
	}
	small := fit(whole, r.side)
	if format == "jpeg" {
		small = turned(small, orientation(data))
	}
	out := picture{contentType: "image/png", width: small.Bounds().Dx(), height: small.Bounds().Dy()}
	var written bytes.Buffer
	if format == "jpeg" {
		out.contentType = "image/jpeg"
		err = jpeg.Encode(&written, small, &jpeg.Options{Quality: 88})
	} else {
		err = png.Encode(&written, small)
	}
	out.bytes = written.Bytes()
	return out, err
}

// perPixel is how many bytes a decoder takes for a pixel.
func perPixel(m color.Model, format string, data []byte) int64 {
	if format == "jpeg" && progressive(data) { // its coefficients are kept, four bytes for each of three or four colours
		return 20
	}
	switch m {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.Gray16Model:
		return 2
	}
	return 4 // at the most
}

// progressive reports whether a JPEG comes in several passes: its frame begins with the marker SOF2 (ITU-T T.81, B.1.1.3).
func progressive(data []byte) bool {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		switch marker := data[at+1]; {
		case marker == 0xc2:
			return true
		case marker == 0xc0, marker == 0xc1, marker == 0xda: // another frame, or the data
			return false
		case marker == 0xff: // filling
			at++
		default:
			at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		}
	}
	return true // it is not seen, so the worst is taken
}

// drawing reports whether bytes look like SVG.
func drawing(data []byte) bool {
	return bytes.Contains(bytes.ToLower(data[:min(len(data), 4<<10)]), []byte("<svg"))
}

// fit makes a picture that is larger than a square of side pixels fit into it, and copies one that is not: what is written later has no palette and no more
// than eight bits a colour.
func fit(whole image.Image, side int) image.Image {
	w, h := whole.Bounds().Dx(), whole.Bounds().Dy()
	if w <= side && h <= side {
		return scaled(whole, w, h, draw.NearestNeighbor)
	}
	// What the fine filter remembers grows with the height of what it is given: a rough one comes first where there is much to take away.
	if rough := 4 * side; w > rough || h > rough {
		w, h = shrunk(w, h, rough)
		whole = scaled(whole, w, h, draw.ApproxBiLinear)
	}
	w, h = shrunk(w, h, side)
	return scaled(whole, w, h, draw.CatmullRom)
}

// shrunk keeps the proportions.
func shrunk(w, h, side int) (int, int) {
	if w >= h {
		return side, max(1, h*side/w)
	}
	return max(1, w*side/h), side
}

func scaled(from image.Image, w, h int, by draw.Scaler) image.Image {
	to := image.NewNRGBA(image.Rect(0, 0, w, h))
	by.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
	return to
}
