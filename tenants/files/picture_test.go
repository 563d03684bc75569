package files_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"strings"
	"testing"

	"lignum/domain"
	"lignum/tenants/files"
)

// drawn is a picture of some pixels, half of it clear.
func drawn(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w / 2 {
			m.SetNRGBA(x, y, color.NRGBA{200, uint8(x), uint8(y), 255})
		}
	}
	return m
}

func pngOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chunk is a part of a PNG.
func chunk(kind, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// headOf is the beginning of a PNG that says how large it is; depth in bits, kind as PNG numbers them.
func headOf(w, h uint32, depth, kind byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", string(append(ihdr, depth, kind, 0, 0, 0)))...)
}

// passes is the beginning of a JPEG in several passes.
func passes(w, h uint16) []byte {
	b := []byte("\xff\xd8\xff\xe0\x00\x04zz\xff\xc2\x00\x11\x08")
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, h), w)
	return append(b, "\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xda\x00\x0c"...)
}

const tiny = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==" // WebP, one pixel

// Whatever comes with a picture, in it or behind it, is gone when it is kept, and so is what does not fit into its purpose.
func TestPicturesAreWrittenAnew(t *testing.T) {
	s := newShelf(t)
	const hidden = "<script>alert(1)</script>"
	plain := pngOf(t, drawn(40, 30))
	noted := append(bytes.Clone(plain[:33]), append(chunk("tEXt", "GPS\x00"+hidden), plain[33:]...)...)
	var j, g bytes.Buffer
	if err := errors.Join(jpeg.Encode(&j, drawn(1600, 400), nil), gif.Encode(&g, drawn(30, 600), nil)); err != nil {
		t.Fatal(err)
	}
	exif := append([]byte("\xff\xd8\xff\xe1\x00\x2bExif\x00\x00"), append([]byte(hidden+strings.Repeat(" ", 0x2b-8-len(hidden))), j.Bytes()[2:]...)...)
	webp, err := base64.StdEncoding.DecodeString(tiny)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what          string
		data          []byte
		kind          string
		width, height int
	}{
		{"PNG", plain, "image/png", 40, 30},
		{"PNG with a note", noted, "image/png", 40, 30},
		{"PNG with a page behind it", append(bytes.Clone(plain), hidden...), "image/png", 40, 30},
		{"PNG with an archive behind it", append(bytes.Clone(plain), "PK\x03\x04"+hidden+"PK\x05\x06"...), "image/png", 40, 30},
		{"JPEG with a place", exif, "image/jpeg", 512, 128},
		{"JPEG with a page behind it", append(bytes.Clone(j.Bytes()), hidden...), "image/jpeg", 512, 128},
		{"GIF with a page behind it", append(bytes.Clone(g.Bytes()), hidden...), "image/png", 25, 512},
		{"WebP", webp, "image/png", 1, 1},
		{"PNG of sixteen bits", pngOf(t, image.NewNRGBA64(image.Rect(0, 0, 3000, 3))), "image/png", 512, 1},
	} {
		f, err := s.put(files.Logo, "x", bytes.NewReader(c.data))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		kept := s.read(f)
		m, format, err := image.Decode(strings.NewReader(kept))
		if err != nil || f.ContentType != c.kind || "image/"+format != c.kind || m.Bounds() != image.Rect(0, 0, c.width, c.height) || f.Width != c.width || f.Height != c.height || f.Size != int64(len(kept)) {
			t.Errorf("%s: %+v, %s of %v, %v", c.what, f, format, m.Bounds(), err)
		}
		for _, not := range []string{"script", "GPS", "Exif", "PK\x03", "tEXt"} {
			if strings.Contains(kept, not) {
				t.Errorf("%s: %q came through", c.what, not)
			}
		}
		if c.what == "PNG" {
			if _, _, _, alpha := m.At(39, 0).RGBA(); alpha != 0 || m.At(5, 7) != (color.NRGBA{200, 5, 7, 255}) {
				t.Errorf("its colours are %v and %v", m.At(39, 0), m.At(5, 7))
			}
		}
	}
}

// What is no picture, or one that would take too much to open, is refused with the reason, by its head alone.
func TestPicturesThatAreRefused(t *testing.T) {
	s := newShelf(t)
	whole := pngOf(t, drawn(40, 30))
	for _, c := range []struct{ what, says, data string }{
		{"forty thousand pixels on a side", "has 40,000 by 1", string(headOf(40_000, 1, 8, 6))},
		{"a bomb", "has 40,000 by 40,000", string(headOf(40_000, 40_000, 1, 0)) + strings.Repeat("\x00", 100_000)},
		{"too many pixels", "40 million in all", string(headOf(20_000, 2_001, 8, 2))},
		{"the largest that PNG can say", "must be a picture", string(headOf(1<<31-1, 1<<31-1, 1, 0))},
		{"sixteen bits", "too many pixels for its kind", string(headOf(6_000, 6_000, 16, 6))},
		{"several passes", "too many pixels for its kind", string(passes(6_000, 6_000))},
		{"SVG", "must not be SVG, which can hold scripts", `<?xml version="1.0"?><SVG xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></SVG>`},
		{"a page", "must be a picture", "<!doctype html><script>alert(1)</script>"},
		{"half a picture", "must be a picture", string(whole[:len(whole)/2])},
		{"nothing", "holds nothing", ""},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.put(files.Logo, "x", io.LimitReader(strings.NewReader(c.data), 1<<20))
		runtime.ReadMemStats(&after)
		var d *domain.Error
		if !errors.As(err, &d) || d.Code != domain.Invalid || len(d.Fields) != 1 || d.Fields[0].Name != "file" || !strings.Contains(d.Fields[0].Reason.String(), c.says) {
			t.Errorf("%s: %v, want %q", c.what, err, c.says)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
			t.Errorf("%s takes %d KB to refuse", c.what, took>>10)
		}
	}
	s.has(0, 0, 0)
}
