package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime/multipart"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"lignum/domain"
	_ "lignum/tests/tenth"
)

func TestBadJSONIsFoundWhereItIs(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"b"}`: "",
		`{"a":"\u00e9 \ud83d\ude00 \\u0000 \" \\"}`: "",
		`{"a":"\u0000"}`:                         "body.a",
		`{"a":"x\\\u0000"}`:                      "body.a",
		`{"a":1,"b":{"c":["x",{"d":"\ud800"}]}}`: "body.b.c[1].d",
		`{"a":"\udc00\ud800"}`:                   "body.a",
		`{"a":"\ud800\u0041"}`:                   "body.a",
		`{"a":"\ud800","b":"\udc00"}`:            "body.a",
		`{"a":"\uD83D\uDE00","b":"\uD83D"}`:      "body.b",
		`["a","\u0000"]`:                         "body[1]",
		`[[1,2],["a",{"k":[0,"\u0000"]}]]`:       "body[1][1].k[1]",
		`"\u0000"`:                               "body",
		`{"k\u0000":1}`:                          `body.k\u0000`,
		"{\"a\":\"\xff\"}":                       "body.a",
		"{\"a\":\"\xed\xa0\x80\"}":               "body.a", // half a character in UTF-8's clothes
		"{\"a\":\"b\x00\"}":                      "body.a",
		"{\"a\":1,\"\xff\":2}":                   "body.",
		"\xff":                                   "body",
		`{"a":"\u00`:                             "",
		`{"a":"\u00zz"}`:                         "",
		`}{`:                                     "",
		`{"x":"\u0041"` + strings.Repeat("[", 1_100): "body" + ".x" + strings.Repeat("[0]", 999),
	} {
		at, bad := badJSON([]byte(text))
		if strings.HasSuffix(want, ".") { // a key that is no text has no name that can be shown
			want, at = want[:4], at[:4]
		}
		if at != want || bad != (want != "") {
			t.Errorf("%q: %q, want %q", text, at, want)
		}
	}
}

// What passes is what the decoder gives without having to replace anything, and without a NUL.
func TestJSONThatPassesDecodesAsItWasWritten(t *testing.T) {
	pieces := []string{`a`, `é`, `\u0041`, `\u0000`, `\ud83d`, `\ude00`, `\\`, `\"`, `\n`, "\xff", "😀", `\u`, `u0000`}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
		body := []byte(`{"k":["` + text + `"]}`)
		var v struct{ K []string }
		if json.Unmarshal(body, &v) != nil {
			return
		}
		_, bad := badJSON(body)
		if got := strings.ContainsRune(v.K[0], utf8.RuneError) || strings.IndexByte(v.K[0], 0) >= 0; got != bad {
			t.Fatalf("%q decodes to %q and is called bad: %v", body, v.K[0], bad)
		}
	})
}

func TestBodiesAreCheckedByWhatTheyAre(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	file, err := w.CreateFormFile("file", "picture.png")
	if err == nil {
		_, err = file.Write([]byte{0, 0xff})
	}
	if err := errors.Join(err, w.WriteField("good", "text"), w.WriteField("bad", "a\x00b"), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ kind, body, want string }{
		{"application/json", `{"a":"\u0000"}`, "body.a"},
		{"application/merge-patch+json; charset=utf-8", `{"a":"\u0000"}`, "body.a"},
		{"", `{"a":"\u0000"}`, "body.a"},
		{"application/x-www-form-urlencoded", "a=b&c=%00", "c"},
		{"Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=b&c=%ff", "c"},
		{"application/x-www-form-urlencoded", "a=b&c=%ed%a0%80", "c"},
		{"application/x-www-form-urlencoded", "x%00y=b", "xy"},
		{"application/x-www-form-urlencodedly", "a=%00", "a"},
		{"application/x-www-form-urlencoded; charset=\x01", "a=%00", "a"},
		{"application/x-www-form-urlencoded", "a=%c3%a9", ""},
		{w.FormDataContentType(), form.String(), "bad"},
		{"text/csv", "a,\x00", "body"},
		{"image/png", "\x00\xff", ""},
	} {
		err := bodyText(c.kind, []byte(c.body))
		var got string
		if d, ok := err.(*domain.Error); ok {
			got = d.Fields[0].Name
		}
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.kind, c.body, got, c.want)
		}
	}
}
