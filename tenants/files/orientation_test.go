package files_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"

	"lignum/tenants/files"
)

// taken is a photo of w by h pixels that stands upright when it is shown, as a camera stores it that was held so: each quarter has a colour of its own.
func taken(t *testing.T, w, h, orientation int, order binary.AppendByteOrder) []byte {
	t.Helper()
	if orientation >= 5 {
		w, h = h, w
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, stored(orientation, x < w/2, y < h/2))
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return withExif(b.Bytes(), orientation, order)
}

func withExif(j []byte, orientation int, order binary.AppendByteOrder) []byte {
	mark := "MM"
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		mark = "II"
	}
	tiff := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, tag := range [][2]uint16{{0x010f, 1}, {0x0112, uint16(orientation)}} {
		tiff = order.AppendUint32(order.AppendUint16(order.AppendUint16(tiff, tag[0]), 3), 1)
		tiff = order.AppendUint16(order.AppendUint16(tiff, tag[1]), 0)
	}
	tiff = append(tiff, 0, 0, 0, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2))
	return append(append(head, segment...), j[2:]...)
}

// The quarters as they are seen: red and green above, blue and white below.
var quarters = map[[2]bool]color.RGBA{{true, true}: {200, 0, 0, 255}, {false, true}: {0, 150, 0, 255}, {true, false}: {0, 0, 200, 255}, {false, false}: {250, 250, 250, 255}}

// stored is the colour of a stored quarter: where the row and column that are stored first are seen, says the standard's table of orientations.
func stored(orientation int, firstColumn, firstRow bool) color.RGBA {
	switch orientation {
	case 1: // the first row is above, the first column left
		return quarters[[2]bool{firstColumn, firstRow}]
	case 2: // above, right
		return quarters[[2]bool{!firstColumn, firstRow}]
	case 3: // below, right
		return quarters[[2]bool{!firstColumn, !firstRow}]
	case 4: // below, left
		return quarters[[2]bool{firstColumn, !firstRow}]
	case 5: // left, above
		return quarters[[2]bool{firstRow, firstColumn}]
	case 6: // right, above
		return quarters[[2]bool{!firstRow, firstColumn}]
	case 7: // right, below
		return quarters[[2]bool{!firstRow, !firstColumn}]
	}
	return quarters[[2]bool{firstRow, !firstColumn}] // 8: left, below
}

// A photo stands upright however its camera was held, and nothing says so any more.
func TestPhotosStandUpright(t *testing.T) {
	s := newShelf(t)
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			for _, size := range [][2]int{{64, 32}, {600, 300}} {
				f, err := s.put(files.Logo, "x", bytes.NewReader(taken(t, size[0], size[1], o, order)))
				if err != nil {
					t.Fatal(err)
				}
				w := min(size[0], 512)
				kept := s.read(f)
				m, err := jpeg.Decode(strings.NewReader(kept))
				if err != nil || f.Width != w || f.Height != w/2 || m.Bounds() != image.Rect(0, 0, w, w/2) || strings.Contains(kept, "Exif") {
					t.Fatalf("%d: %+v, %v", o, f, err)
				}
				for quarter, want := range quarters {
					x, y := w/4, w/8
					if !quarter[0] {
						x = 3 * w / 4
					}
					if !quarter[1] {
						y = 3 * w / 8
					}
					r, g, b, _ := m.At(x, y).RGBA()
					if far(r>>8, want.R) || far(g>>8, want.G) || far(b>>8, want.B) {
						t.Errorf("%d, %v of %v: the quarter at %d, %d is %d %d %d, want %v", o, order, size, x, y, r>>8, g>>8, b>>8, want)
					}
				}
			}
		}
	}
}

func far(is uint32, want uint8) bool { return max(is, uint32(want))-min(is, uint32(want)) > 12 }

// What says something else than a turn turns nothing, and harms nothing, wherever it ends.
func TestAnOrientationThatCannotBeRead(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(20, 10), nil); err != nil {
		t.Fatal(err)
	}
	whole := withExif(b.Bytes(), 6, binary.LittleEndian)
	if got := files.Orientation(whole); got != 6 {
		t.Fatalf("%d", got)
	}
	for i := range 60 { // cut anywhere
		files.Orientation(whole[:i])
	}
	for at := 4; at < 48; at++ { // and wrong anywhere
		for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			wrong := bytes.Clone(whole)
			wrong[at] = v
			if got := files.Orientation(wrong); got < 1 || got > 8 {
				t.Errorf("%d at %d: %d", v, at, got)
			}
		}
	}
	for _, o := range []int{0, 9, 65535} {
		if got := files.Orientation(withExif(b.Bytes(), o, binary.BigEndian)); got != 1 {
			t.Errorf("%d: %d", o, got)
		}
	}
	if got := files.Orientation(b.Bytes()); got != 1 {
		t.Errorf("without: %d", got)
	}
}
