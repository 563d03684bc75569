package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lignum/domain/words"
)

// Scripts of pages name their sentences as pages do, t("script.show_field", { Field: label }), and are sent with the words (api/web/assets.go).

// scriptsOf are the scripts of pages, by their names in the repository.
func scriptsOf(t *testing.T) map[string]string {
	scripts := map[string]string{}
	err := filepath.WalkDir("../api", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".js") {
			return err
		}
		text, err := os.ReadFile(path)
		scripts[strings.TrimPrefix(path, "../")] = string(text)
		return err
	})
	if err != nil || len(scripts) < 10 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	return scripts
}

var (
	anySaying = regexp.MustCompile(`\bt\(`)
	oneSaying = regexp.MustCompile(`^t\("([^"]+)"(?:\)|, \{)`)
)

func usesInScripts(t *testing.T) (uses []use) {
	for where, script := range scriptsOf(t) {
		code, _ := readScript(script)
		for _, at := range anySaying.FindAllStringIndex(code, -1) {
			m := oneSaying.FindStringSubmatch(code[at[0]:])
			if m == nil {
				t.Errorf("%s: what is said here is not named by itself: %.60s", where, code[at[0]:])
				continue
			}
			u := use{where: where, key: m[1]}
			if strings.HasSuffix(m[0], "{") {
				u.names = namesIn(code[at[0]+len(m[0]):])
			}
			uses = append(uses, u)
			if m := words.English.Message(u.key); m != nil && slices.ContainsFunc(m, func(f words.Form) bool { return strings.ContainsAny(f.Text, "<&") }) {
				t.Errorf("%s: %s holds markup, which would be seen as it is: %q", where, u.key, m)
			}
		}
	}
	return uses
}

// namesIn gives the names in an object of JavaScript that begins here: of "Field: of(a, b), N }" they are Field and N.
func namesIn(object string) (names []string) {
	depth, begin := 0, 0
	for i, r := range object {
		switch {
		case strings.ContainsRune("([{", r):
			depth++
		case depth > 0 && strings.ContainsRune(")]}", r):
			depth--
		case depth == 0 && (r == ',' || r == '}'):
			name, _, _ := strings.Cut(object[begin:i], ":")
			names = append(names, strings.TrimSpace(name))
			if r == '}' {
				return names
			}
			begin = i + 1
		}
	}
	return names
}

// inserted stands in a text of a script for what is put into it.
const inserted = "\x01"

// readScript gives a script without its comments and regular expressions, and the texts in it: each with what stands before it, and of a template with
// inserted for ${...}.
func readScript(script string) (code string, texts [][2]string) {
	var b strings.Builder
	// read goes on from i until the brace that closes what was opened before, or the end.
	var read func(i int) int
	read = func(i int) int {
		for depth := 0; i < len(script); i++ {
			before := strings.TrimRight(b.String(), " \n\t")
			switch c := script[i]; {
			case strings.HasPrefix(script[i:], "//"):
				i += strings.IndexByte(script[i:]+"\n", '\n') - 1
			case strings.HasPrefix(script[i:], "/*"):
				i += strings.Index(script[i:]+"*/", "*/") + 1
			case c == '/' && (before == "" || strings.ContainsRune("(,=:[!&|?{};+", rune(before[len(before)-1])) || strings.HasSuffix(before, "return")):
				for class := false; ; {
					i++
					if script[i] == '\\' {
						i++
					} else if script[i] == '[' || script[i] == ']' {
						class = script[i] == '['
					} else if script[i] == '/' && !class {
						break
					}
				}
			case c == '"' || c == '\'':
				begin := i
				for i++; script[i] != c; i++ {
					if script[i] == '\\' {
						i++
					}
				}
				texts = append(texts, [2]string{before, script[begin+1 : i]})
				b.WriteString(script[begin : i+1])
			case c == '`':
				text := ""
				for i++; script[i] != '`'; i++ {
					if strings.HasPrefix(script[i:], "${") {
						i, text = read(i+2), text+inserted
						continue
					}
					text += string(script[i])
				}
				texts = append(texts, [2]string{before, text})
				b.WriteString("`" + text + "`")
			case c == '}' && depth == 0:
				return i
			default:
				switch c {
				case '{':
					depth++
				case '}':
					depth--
				}
				b.WriteByte(c)
			}
		}
		return i
	}
	for i := 0; i < len(script); i++ {
		i = read(i)
	}
	return b.String(), texts
}

var (
	besideInserted = regexp.MustCompile(inserted + `,? [a-zà-ÿ]{2}|[a-zà-ÿ]{2},? ` + inserted)
	shownAtOnce    = regexp.MustCompile(`(?:\b(?:textContent|innerText|title|placeholder|alt|ariaLabel)\b|"aria-label")\s*[=:,]$`)
	unshown        = regexp.MustCompile(`\bclassName\s*[=:]$|(?:\$|querySelector|querySelectorAll|closest)\($`) // names of classes, and selectors
)

// notSaidByScripts look like words for people, and are none.
var notSaidByScripts = []string{"use strict", "Content-Type", "Retry-After"}

// leftInScript gives the words in a script that did not come from a message file.
func leftInScript(script string) (left []string) {
	_, texts := readScript(script)
	for _, one := range texts {
		before, text := one[0], one[1]
		if unshown.MatchString(before) || slices.Contains(notSaidByScripts, text) {
			continue
		}
		letters := regexp.MustCompile(`\pL`).MatchString(text)
		if shownWords.MatchString(text) || besideInserted.MatchString(text) || letters && shownAtOnce.MatchString(before) {
			left = append(left, text)
		}
	}
	return left
}

// No sentence is left behind in a script.
func TestScriptsHoldNoWords(t *testing.T) {
	for where, script := range scriptsOf(t) {
		for _, left := range leftInScript(script) {
			t.Errorf("%s holds the words %q", where, left)
		}
	}
	// seen to find them
	for script, want := range map[string]int{
		`say("Not saved yet")`: 1, "el.textContent = `${n} of ${all} answered`": 1, `el.textContent = "Hide"`: 1, `el.textContent = "hide"`: 1, "say(`${row}: place ${n}`)": 1,
		`b.setAttribute("aria-label", "up")`: 1, `// It says "Not saved yet"`: 0, `/* "Not saved" */ t("script.saving")`: 0, `el.className = "notice note"`: 0, `x.replace(/["']/g, "Yes")`: 1,
		"const s = `${t(\"script.show\")} ${`In here`}`": 1, `$("form[data-done] button")?.remove()`: 0, "`/api/v1/lessons/${lesson}/progress`": 0, "`${a.family_name}, ${a.given_name}`": 0,
		"if (a) { b = `x${{ c: 1 }.c}` }\nsay('You are out')": 1,
	} {
		if got := leftInScript(script); len(got) != want {
			t.Errorf("%s: %q, want %d", script, got, want)
		}
	}
	if got := namesIn(`N: wrong.length, Questions: wrong.join(", "), Field }), "error")`); !slices.Equal(got, []string{"N", "Questions", "Field"}) {
		t.Errorf("names: %q", got)
	}
}
