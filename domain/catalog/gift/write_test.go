package gift

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"lignum/domain/catalog/item"
)

// Write writes questions as a GIFT file that Parse must read back as the same questions. Line and Warnings are not written. The error
// is that of w or of item.Validate; after the latter nothing is written.
func Write(w io.Writer, items []Parsed) error {
	for i, q := range items {
		if err := q.Item.Validate(); err != nil {
			return fmt.Errorf("question %d (%s): %w", i+1, q.Name, err)
		}
	}
	out := bufio.NewWriter(w)
	category := ""
	for _, q := range items {
		if q.Category != category {
			category = q.Category
			fmt.Fprintf(out, "%s %s\n\n", categoryMark, category)
		}
		writeNotes(out, q)
		if q.Name != "" {
			fmt.Fprintf(out, "::%s:: ", escape(q.Name))
		}
		writeQuestion(out, q.Item)
		fmt.Fprint(out, "\n\n")
	}
	return out.Flush()
}

var noteEscape = strings.NewReplacer(`\`, `\\`, `]`, `\]`, `[`, `\[`)

func writeNotes(out *bufio.Writer, q Parsed) {
	var notes []string
	if q.ID != "" {
		notes = append(notes, "[id:"+noteEscape.Replace(q.ID)+"]")
	}
	for _, tag := range q.Tags {
		notes = append(notes, "[tag:"+noteEscape.Replace(tag)+"]")
	}
	if len(notes) > 0 {
		fmt.Fprintf(out, "// %s\n", strings.Join(notes, " "))
	}
}

// writers is how the answers of each kind are written between the braces. GIFT has no way to write other kinds.
var writers = map[item.Kind]func(out io.Writer, it *item.Item){
	item.MultipleChoice: writeChoices,
	item.TrueFalse:      writeTruth,
	item.ShortAnswer:    writeAccepted,
	item.Matching:       writePairs,
	item.Numeric:        writeNumbers,
	item.Essay:          func(io.Writer, *item.Item) {}, // nothing stands between the braces
	item.Description:    func(io.Writer, *item.Item) {}, // and here are no braces
}

// Kinds lists the kinds of item that GIFT can hold, in the order of item.Kinds.
func Kinds() (list []item.Kind) {
	for _, k := range item.Kinds {
		if writers[k] != nil {
			list = append(list, k)
		}
	}
	return list
}

func writeQuestion(out *bufio.Writer, it *item.Item) {
	fmt.Fprint(out, text(it.Stem, item.Moodle))
	if !it.Scored() {
		return
	}
	if !it.MissingWord() {
		fmt.Fprint(out, " ")
	}
	var answers bytes.Buffer
	writers[it.Kind](&answers, it)
	if it.Feedback != nil {
		fmt.Fprint(&answers, "\n\t####", text(*it.Feedback, it.Stem.Format))
	}
	if bytes.ContainsRune(answers.Bytes(), '\n') { // more than a word: the brace stands alone
		answers.WriteByte('\n')
	}
	fmt.Fprint(out, "{", answers.String(), "}", escape(it.After))
}

func writeChoices(out io.Writer, it *item.Item) {
	marked := it.Multiple // one = says that one answer is chosen; only = would be a short answer
	for _, c := range it.Choices {
		first := !marked && c.Weight == item.Whole
		marked = marked || first
		fmt.Fprintf(out, "\n\t%s%s%s", mark(c.Weight, c.Text.Body, first), text(c.Text, it.Stem.Format), feedback(c.Feedback, it.Stem.Format))
	}
}

func writeTruth(out io.Writer, it *item.Item) {
	fmt.Fprint(out, map[bool]string{true: "TRUE", false: "FALSE"}[it.Truth.Answer])
	if it.Truth.Wrong != nil || it.Truth.Right != nil {
		fmt.Fprint(out, orHash(feedback(it.Truth.Wrong, it.Stem.Format)), feedback(it.Truth.Right, it.Stem.Format))
	}
}

func writeAccepted(out io.Writer, it *item.Item) {
	for _, a := range it.Accepted {
		fmt.Fprintf(out, "\n\t=%s%s%s", weight(a.Weight, a.Pattern), noArrow(plain(a.Pattern)), noArrow(feedback(a.Feedback, it.Stem.Format)))
	}
}

func writeNumbers(out io.Writer, it *item.Item) {
	fmt.Fprint(out, "#")
	for _, n := range it.Numbers {
		fmt.Fprintf(out, "\n\t=%s%s%s", weight(n.Weight, ""), number(n), feedback(n.Feedback, it.Stem.Format))
	}
}

func writePairs(out io.Writer, it *item.Item) {
	texts, used := map[string]string{}, map[string]bool{}
	for _, o := range it.Options {
		texts[o.ID] = o.Text
	}
	for _, pair := range it.Pairs {
		used[pair.Right] = true
		fmt.Fprintf(out, "\n\t=%s -> %s", noArrow(text(pair.Left, it.Stem.Format)), plain(texts[pair.Right]))
	}
	for _, o := range it.Options {
		if !used[o.ID] {
			fmt.Fprintf(out, "\n\t= -> %s", plain(o.Text))
		}
	}
}

// mark gives = for the first right answer, else ~ with its weight. A text that begins
// with % needs its weight written, or its own beginning could be taken for one.
func mark(w item.Weight, body string, right bool) string {
	switch {
	case right:
		return "=" + weight(w, body)
	case w == 0 && !strings.HasPrefix(body, "%"):
		return "~"
	}
	return "~%" + w.String() + "%"
}

func weight(w item.Weight, body string) string {
	if w == item.Whole && !strings.HasPrefix(body, "%") {
		return ""
	}
	return "%" + w.String() + "%"
}

func number(n item.Number) string {
	switch {
	case n.Any:
		return "*"
	case n.Low != "":
		return n.Low + ".." + n.High
	case n.Tolerance != "":
		return n.Value + ":" + n.Tolerance
	}
	return n.Value
}

func feedback(t *item.Text, format item.Format) string {
	if t == nil {
		return ""
	}
	return "#" + text(*t, format)
}

func orHash(s string) string {
	if s == "" {
		return "#"
	}
	return s
}

// text writes the format where it is not the one that is expected, or where the text
// could be taken for a format or a comment.
func text(t item.Text, expected item.Format) string {
	body := escape(t.Body)
	if t.Format != expected || strings.HasPrefix(body, "[") || strings.HasPrefix(body, "/") {
		return "[" + string(t.Format) + "]" + body
	}
	return body
}

// plain writes what can only be plain text: without a format, unless its beginning could be taken for one.
func plain(s string) string {
	if strings.HasPrefix(s, "[") {
		return "[plain]" + escape(s)
	}
	return escape(s)
}

var specials = strings.NewReplacer(`\`, `\\`, "~", `\~`, "=", `\=`, "#", `\#`, "{", `\{`, "}", `\}`, ":", `\:`, "\n", `\n`)

func escape(s string) string { return specials.Replace(s) }

// noArrow keeps an arrow in the text from making the question a matching one.
func noArrow(s string) string { return strings.ReplaceAll(s, "->", `-\>`) }
