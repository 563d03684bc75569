package pack_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"lignum/domain/catalog/pack"
)

// drawn is a picture of two colours, the left one see-through.
func drawn(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := w / 2; x < w; x++ {
			m.Set(x, y, color.NRGBA{200, 30, 40, 255})
		}
	}
	return m
}

func pngOf(t *testing.T, m image.Image) string {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestALessonShowsItsPictures(t *testing.T) {
	files := sample()
	var photo, moving bytes.Buffer
	if err := jpeg.Encode(&photo, drawn(2_000, 1_000), nil); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&moving, drawn(30, 20), nil); err != nil {
		t.Fatal(err)
	}
	files["pictures/venn.png"] = pngOf(t, drawn(40, 20)) + "behind the end: where it was taken"
	files["pictures/class.JPG"], files["pictures/line.gif"] = photo.String(), moving.String()
	files["lessons/sets-venn.md"] += "\n![Two *sets* A &amp; B that \\<overlap>](pictures/venn.png \"A & B\")\n\nBeside a word ![a class](pictures/class.JPG) and again ![both][v]\n\n" +
		"![](pictures/line.gif \"decorative\")\n\n[elsewhere](/courses/other)\n\n[v]: pictures/venn.png\n"
	p, err := pack.Read(fsOf(files))
	if err != nil || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].Error(), "/courses/other") {
		t.Fatal(err, p.Warnings)
	}
	l := p.Sections[0].Lessons[0]
	at := func(i int) string { return "/courses/sample/lessons/sets-venn/pictures/" + l.Pictures[i].SHA256 }
	for _, want := range []string{
		`<figure><img src="` + at(0) + `" alt="Two sets A &amp; B that &lt;overlap&gt;" width="40" height="20" loading="lazy"><figcaption>A &amp; B</figcaption></figure>`,
		`<p>Beside a word <img src="` + at(1) + `" alt="a class" width="1600" height="800" loading="lazy"> and again <img src="` + at(0) + `" alt="both"`,
		`<p><img src="` + at(3) + `" alt="" width="30" height="20" loading="lazy"></p>`, `<p>elsewhere</p>`,
	} {
		if !strings.Contains(l.HTML, want) {
			t.Errorf("no %s in\n%s", want, l.HTML)
		}
	}
	if len(l.Pictures) != 4 || l.Pictures[0].Alt != "Two sets A & B that <overlap>" || l.Pictures[0].Caption != "A & B" || l.Pictures[3].Alt+l.Pictures[3].Caption != "" {
		t.Errorf("pictures %+v", l.Pictures)
	}
	if len(p.Pictures) != 3 || p.Pictures[1].ContentType != "image/jpeg" || p.Pictures[1].Width != 1600 || bytes.Contains(p.Pictures[0].Bytes, []byte("behind")) {
		t.Errorf("%d pictures", len(p.Pictures))
	}
	files["pictures/venn.png"] = pngOf(t, drawn(40, 22))
	if q, err := pack.Read(fsOf(files)); err != nil || q.Hash == p.Hash || q.Sections[0].Lessons[0].HTML == l.HTML {
		t.Error("another picture makes neither another pack nor another lesson", err)
	}
}

// Each refusal names file, line and reason.
func TestPicturesThatAreRefused(t *testing.T) {
	good := pngOf(t, drawn(40, 20))
	for _, c := range []struct{ lesson, want string }{
		{"![](pictures/venn.png)", "pictures/venn.png has no alternative text"},
		{"![ ](pictures/venn.png \"A caption\")", "pictures/venn.png has no alternative text"},
		{"![venn.png](pictures/venn.png)", "the alternative text of pictures/venn.png is its file name"},
		{"![Venn](pictures/venn.png)", "the alternative text of pictures/venn.png is its file name"},
		{"![" + strings.Repeat("long ", 70) + "](pictures/venn.png)", "may have 300 characters each"},
		{"Beside ![x y](pictures/venn.png \"caption\")", "must stand in a paragraph of its own"},
		{"![x y](pictures/none.png)", "there is no file pictures/none.png"},
		{"![x y](../venn.png)", "../venn.png leaves the pack"},
		{"![x y](pictures/../../venn.png)", "leaves the pack"},
		{"![x y](/etc/venn.png)", "leaves the pack"},
		{"![x y](https://example.org/venn.png)", "https://example.org/venn.png is not in the pack: whoever answers there"},
		{"![x y](//example.org/venn.png)", "is not in the pack: whoever answers there"},
		{"![x y](data:image/png;base64,AAAA)", "is not in the pack"},
		{"![x y](pictures/%2e%2e/venn.png)", "is no name for a picture"},
		{"![x y](pictures/venn.svg)", "does not end in .png"},
		{"![x y](pictures/broken.png)", "pictures/broken.png must be a picture in PNG, JPEG, GIF or WebP, and whole"},
		{"![x y](pictures/drawing.png)", "pictures/drawing.png must not be SVG"},
		{"![x y](pictures/large.png)", "pictures/large.png is larger than 2,048 KB"},
		{"![x y](pictures/link.png)", "pictures/link.png is not a plain file"},
		{"<img src=\"pictures/venn.png\" alt=\"x y\">", "raw HTML is not allowed"},
	} {
		files := sample()
		files["pictures/venn.png"], files["pictures/broken.png"] = good, good[:len(good)-20]
		files["pictures/drawing.png"] = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
		files["pictures/large.png"] = good + strings.Repeat("x", pack.MaxPicture)
		files["lessons/sets-venn.md"] += "\nAn earlier line\n" + c.lesson + "\n"
		if !strings.HasPrefix(c.lesson, "![") || strings.Contains(c.lesson, "A caption") {
			files["lessons/sets-venn.md"] = strings.Replace(files["lessons/sets-venn.md"], "\n"+c.lesson, "\n\n"+c.lesson, 1)
		}
		fsys := fsOf(files)
		fsys["pictures/link.png"] = fsOf(map[string]string{"x": "venn.png"})["x"]
		fsys["pictures/link.png"].Mode |= 1 << 27 // a symbolic link
		_, err := pack.Read(fsys)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "lessons/sets-venn.md:1") {
			t.Errorf("%s: no %q in\n%v", c.lesson, c.want, err)
		}
	}
}
