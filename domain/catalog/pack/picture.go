package pack

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"

	"lignum/domain"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
	"lignum/tenants/files"
)

// Limits of pictures.
const (
	MaxPicture  = files.LessonBytes // bytes of one
	MaxPictures = 500               // in a pack
	maxAlt      = 300               // characters of an alternative text, and of a caption
)

// Shown is a picture as a lesson shows it.
type Shown struct {
	SHA256  string `json:"sha256"`            // of the bytes as they are kept
	Alt     string `json:"alt"`               // alternative text; empty: the picture says nothing (WCAG 2.2, H67)
	Caption string `json:"caption,omitempty"` // below it
	Width   int    `json:"width"`             // pixels
	Height  int    `json:"height"`
}

// PicturePath is where a tenant's host answers with a picture of a lesson, to whoever may read the lesson.
func PicturePath(course, lesson, hash string) string {
	return "/courses/" + course + "/lessons/" + lesson + "/pictures/" + hash
}

// pictureEnds are how the names of pictures end.
var pictureEnds = []string{".png", ".jpg", ".jpeg", ".gif", ".webp"}

var picturePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)

// found is a picture of the pack, or why there is none.
type found struct {
	picture files.Picture
	reason  words.Text
}

// image takes a picture that a lesson names in a line, and notes what is wrong with it.
func (r *reader) image(file string, line int, n *ast.Image, source []byte, l *Lesson) {
	name := strings.ToValidUTF8(string(n.Destination), "�")
	alt, caption, decorative, alone := item.Shown(n, source)
	switch {
	case alt == "" && !decorative:
		r.wrongAt(file, line, 0, "pack.picture_has_no_alternative", "Picture", short(name))
	case alt != "" && withoutEnd(alt) == withoutEnd(path.Base(name)):
		r.wrongAt(file, line, 0, "pack.picture_is_told_by_its_name", "Picture", short(name))
	case utf8.RuneCountInString(alt) > maxAlt || utf8.RuneCountInString(caption) > maxAlt:
		r.wrongAt(file, line, 0, "pack.picture_is_told_at_length", "Picture", short(name), "Most", maxAlt)
	case caption != "" && !alone:
		r.wrongAt(file, line, 0, "pack.picture_with_a_caption_alone", "Picture", short(name))
	}
	f := r.picture(name)
	if !f.reason.IsZero() {
		r.wrongIn(file, line, 0, f.reason)
		return
	}
	l.Pictures = append(l.Pictures, Shown{f.picture.SHA256, alt, caption, f.picture.Width, f.picture.Height})
	l.shown[string(n.Destination)] = item.Picture{Path: PicturePath(r.pack.Name, l.Slug, f.picture.SHA256), Width: f.picture.Width, Height: f.picture.Height}
}

// withoutEnd is a name as one may have written it for want of words.
func withoutEnd(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, path.Ext(name)))
}

func short(name string) string {
	if letters := []rune(name); len(letters) > 100 {
		return string(letters[:100]) + "…"
	}
	return name
}

// picture reads a picture of the pack, once. What is wrong with it is told wherever it is named.
func (r *reader) picture(name string) *found {
	f := r.pictures[name]
	if f == nil {
		f = &found{}
		f.picture, f.reason = r.redraw(name)
		if r.pictures[name] = f; f.reason.IsZero() && !slices.ContainsFunc(r.pack.Pictures, func(p files.Picture) bool { return p.SHA256 == f.picture.SHA256 }) {
			r.pack.Pictures = append(r.pack.Pictures, f.picture)
		}
	}
	return f
}

func (r *reader) redraw(name string) (p files.Picture, reason words.Text) {
	u, err := url.Parse(name)
	switch {
	case strings.HasPrefix(name, "//") || err == nil && u.Scheme != "":
		return p, words.Say("pack.picture_is_elsewhere", "Picture", short(name))
	case strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), ".."):
		return p, words.Say("pack.picture_leaves_the_pack", "Picture", short(name))
	case !picturePattern.MatchString(name):
		return p, words.Say("pack.picture_has_no_plain_name", "Picture", short(name))
	case !slices.Contains(pictureEnds, strings.ToLower(path.Ext(name))):
		return p, words.Say("pack.picture_is_of_no_kind", "Picture", short(name))
	case len(r.pictures) >= MaxPictures:
		return p, words.Say("pack.more_than_pictures", "Most", MaxPictures)
	}
	data, err := r.load(name, MaxPicture)
	if err != nil {
		return p, words.Of(err)
	}
	p, err = files.Redraw(context.Background(), files.Lesson, path.Base(name), bytes.NewReader(data))
	var refused *domain.Error
	switch {
	case err == nil:
		return p, reason
	case errors.As(err, &refused) && refused.Code == domain.TooLarge:
		return p, words.Say("pack.picture_grows_too_large", "Picture", short(name), "Most", MaxPicture>>20)
	case errors.As(err, &refused) && len(refused.Fields) == 1:
		return p, words.Join(" ", words.Plain(short(name)), refused.Fields[0].Reason)
	}
	return p, words.Say("pack.cannot_be_read", "File", short(name))
}
