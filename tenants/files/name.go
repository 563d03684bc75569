package files

import (
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostName bounds a name, in characters.
const mostName = 200

// CleanName makes a name that can be shown and offered for saving of what a sender calls a file: the last part of a path, without control and formatting
// characters, which can hide how it ends, and without blanks and dots around it; 1 to 200 characters.
func CleanName(name string) string {
	name = strings.ToValidUTF8(name, "")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if utf8.RuneCountInString(name) > mostName { // the end says what it is
		runes := []rune(name)
		name = string(runes[:mostName-20]) + string(runes[len(runes)-20:])
	}
	if name == "" {
		return "file"
	}
	return name
}

// mostDisposition bounds what Disposition gives, in bytes: S3 keeps 2 KB of all heads of an object together.
const mostDisposition = 1200

// Disposition is how a file is answered (RFC 6266): as attachment or inline, under a cleaned name. It is ASCII, whatever the name; a name that would take too
// much room loses its middle.
func Disposition(how, name string) string {
	for runes := []rune(name); ; {
		said := mime.FormatMediaType(how, map[string]string{"filename": string(runes)})
		if len(said) <= mostDisposition {
			return said
		}
		runes = append(runes[:len(runes)-30], runes[len(runes)-20:]...)
	}
}
