package item_test

import (
	"testing"
	"unicode"

	"lignum/domain/catalog/item"

	"pgregory.net/rapid"
)

// earns tells whether a typed answer earns the full mark where only the key does.
func earns(key, typed string) bool {
	it := &item.Item{Kind: item.ShortAnswer, Stem: plain("?"), Accepted: []item.Accepted{{Pattern: key, Weight: item.Whole}}}
	return it.Score(item.Response{Text: typed}).Correct
}

func number(value, typed string) bool {
	it := &item.Item{Kind: item.Numeric, Stem: plain("?"), Numbers: []item.Number{{Value: value, Weight: item.Whole}}}
	return it.Score(item.Response{Number: typed}).Correct
}

// What people can neither see nor choose is the same, whichever of the two is the key.
var same = []struct{ what, a, b string }{
	{"zero-width space", "six", "si\u200bx"},
	{"zero-width joiners", "six", "s\u200ci\u200dx"},
	{"byte order mark", "six", "\ufeffsix"},
	{"word joiner", "six", "six\u2060"},
	{"soft hyphen", "cooperate", "co\u00adoperate"},
	{"direction marks", "six", "\u200esix\u200f"},
	{"direction isolates", "six", "\u2066six\u2069"},
	{"combining grapheme joiner", "six", "s\u034fix"},
	{"Mongolian vowel separator", "six", "si\u180ex"},
	{"Hangul filler", "six", "six\u3164"},
	{"variation selector", "a\u2764b", "a\u2764\ufe0fb"},
	{"variation selector of the supplement", "six", "six\U000e0100"},
	{"tag characters", "six", "six\U000e0041"},
	{"invisible times", "2x", "2\u2062x"},
	{"control character", "six", "s\x7fix"},
	{"no-break space", "Lignum vitae", "Lignum\u00a0vitae"},
	{"thin space", "Lignum vitae", "Lignum\u2009vitae"},
	{"narrow no-break space", "Lignum vitae", "Lignum\u202fvitae"},
	{"ideographic space", "Lignum vitae", "Lignum\u3000vitae"},
	{"line separator", "Lignum vitae", "Lignum\u2028vitae"},
	{"blank Braille pattern", "Lignum vitae", "Lignum\u2800vitae"},
	{"tab and line end", "Lignum vitae", "Lignum\t\nvitae"},
	{"hyphen", "x-ray", "x\u2010ray"},
	{"no-break hyphen", "x-ray", "x\u2011ray"},
	{"figure dash", "x-ray", "x\u2012ray"},
	{"en dash", "x-ray", "x\u2013ray"},
	{"em dash", "x-ray", "x\u2014ray"},
	{"horizontal bar", "x-ray", "x\u2015ray"},
	{"minus sign", "x-ray", "x\u2212ray"},
	{"two-em dash", "x-ray", "x\u2e3aray"},
	{"small hyphen", "x-ray", "x\ufe63ray"},
	{"full-width hyphen", "x-ray", "x\uff0dray"},
	{"Hebrew maqaf", "x-ray", "x\u05beray"},
	{"hyphen bullet", "x-ray", "x\u2043ray"},
	{"modifier minus", "x-ray", "x\u02d7ray"},
	{"curly apostrophe", "it's", "it\u2019s"},
	{"opening quotation mark", "it's", "it\u2018s"},
	{"modifier apostrophe", "it's", "it\u02bcs"},
	{"okina", "it's", "it\u02bbs"},
	{"saltillo", "it's", "it\ua78cs"},
	{"prime", "it's", "it\u2032s"},
	{"acute accent alone", "it's", "it\u00b4s"},
	{"grave accent alone", "it's", "it`s"},
	{"full-width apostrophe", "it's", "it\uff07s"},
	{"single guillemets", "'six'", "\u2039six\u203a"},
	{"curly quotation marks", `"six"`, "\u201csix\u201d"},
	{"low quotation marks", `"six"`, "\u201esix\u201c"},
	{"guillemets", `"six"`, "\u00absix\u00bb"},
	{"double prime", `6"`, "6\u2033"},
	{"full-width quotation mark", `6"`, "6\uff02"},
	{"corner brackets", `"six"`, "\u300csix\u300d"},
	{"decomposed letter", "caf\u00e9", "cafe\u0301"},
	{"marks in another order", "q\u0323\u0307", "q\u0307\u0323"},
	{"an accent behind an invisible mark", "caf\u00e9", "cafe\u200b\u0301"},
	{"full-width letters", "CO2", "\uff23\uff2f\uff12"},
	{"ligature", "final", "\ufb01nal"},
	{"ellipsis", "and...", "and\u2026"},
	{"mathematical letters", "x", "\U0001d465"},
	{"Roman numeral of one character", "IV", "\u2163"},
	{"Kelvin sign", "5 K", "5 \u212a"},
	{"Arabic digits", "42", "\u0664\u0662"},
	{"Persian digits", "42", "\u06f4\u06f2"},
	{"Devanagari digits", "42", "\u096a\u0968"},
	{"full-width digits", "42", "\uff14\uff12"},
	{"mathematical digits", "42", "\U0001d7d2\U0001d7da"},
	{"case, as ever", "Lignum Vitae", "LIGNUM vitae"},
}

// What looks or means otherwise stays apart.
var apart = []struct{ what, a, b string }{
	{"superscript", "10\u00b2", "102"},
	{"superscript minus", "10\u207b\u00b3", "10-3"},
	{"superscript n", "2\u207f", "2n"},
	{"subscript", "H\u2082O", "H2O"},
	{"fraction", "\u00bd", "1/2"},
	{"fraction behind a number", "1\u00bd", "11/2"},
	{"accent", "caf\u00e9", "cafe"},
	{"dash and nothing", "x-ray", "xray"},
	{"space and nothing", "Lignum vitae", "Lignumvitae"},
	{"one mark and two", "6'", `6"`},
	{"dash and underline", "x-ray", "x_ray"},
	{"number in a circle", "\u2460", "1"},
	{"modifier letter", "k\u02b0", "kh"},
}

func TestWhatNobodySeesCostsNoMark(t *testing.T) {
	for _, c := range same {
		for _, d := range [][2]string{{c.a, c.b}, {c.b, c.a}, {c.b, c.b}} {
			if !earns(d[0], d[1]) {
				t.Errorf("%s: the key %q does not take %q", c.what, d[0], d[1])
			}
			if !earns("*"+d[0]+"*", "so "+d[1]+" it is") || !earns(d[0]+"*", d[1]) || !earns("* "+d[0], "a "+d[1]) {
				t.Errorf("%s: with wildcards the key %q does not take %q", c.what, d[0], d[1])
			}
		}
	}
	for _, c := range apart {
		if earns(c.a, c.b) || earns(c.b, c.a) {
			t.Errorf("%s: %q and %q are taken for the same", c.what, c.a, c.b)
		}
	}
	if !earns(`5 \* 3`, "5 * 3") || earns(`5 \* 3`, "5 x 3") || !earns("5 \uff0a 3", "5 * 3") || earns("5 \uff0a 3", "5 x 3") || !earns("six", "six\uffff") || !earns("si\uffffx", "six") || earns("si\uffffx", "sixx") {
		t.Error("asterisks")
	}
}

func TestNumbersInAnyCharacters(t *testing.T) {
	for typed, value := range map[string]string{
		"\u20135": "-5", "\u22125": "-5", "\u20145": "-5", "\u20105": "-5", "\uff0d5": "-5", "\ufe635": "-5", "2e\u22123": "0.002",
		"\uff0b5": "5", "\uff15": "5", "\u0665": "5", "\u0661\u066b\u0665": "1.5", "\uff11\uff0e\uff15": "1.5", "1\uff0c250": "1250", "1\u066c250": "1250",
		"5\u200b": "5", "\ufeff5": "5", "\u00a05\u2009": "5", "\u30005": "5", "1\u2060,250": "1250", "5\u200e": "5", "\U0001d7d3": "5",
	} {
		if !number(value, typed) || !number(typed, value) {
			t.Errorf("%q is not %s", typed, value)
		}
	}
	for _, typed := range []string{"5\u00b2", "\u00bd", "5-", "--5", "3,5", "1/2", "five", "5 5", "\u2460"} {
		if _, err := item.CleanNumber(typed); err == nil {
			t.Errorf("%q is a number", typed)
		}
	}
}

func TestEmptyIsWhatShowsNothing(t *testing.T) {
	for _, s := range []string{"", " ", "\u200b", "\u00a0\ufeff", "\u2800", "\u3164\n"} {
		if r := (item.Response{Text: s}); !r.Empty() {
			t.Errorf("text %q is an answer", s)
		}
		r := item.Response{Number: s}
		if !r.Empty() || numeric().CheckResponse(r) != nil {
			t.Errorf("number %q is an answer", s)
		}
	}
}

// Every decimal digit of Unicode is one of the ten, and every character alone is compared the same on both sides.
func TestFoldingIsTheSameOnBothSides(t *testing.T) {
	for _, table := range unicode.Nd.R16 {
		for r := rune(table.Lo); r <= rune(table.Hi); r++ {
			if want := string('0' + (r-rune(table.Lo))%10); !number(want, string(r)) || !earns(want, string(r)) {
				t.Errorf("%U is not %s", r, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom(nil, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cf), 1, 12, -1).Draw(t, "word")
		key := ""
		for _, r := range word {
			if r == '*' || r == '\\' {
				continue
			}
			key += string(r)
		}
		if (item.Response{Text: key}).Empty() {
			return
		}
		if !earns(key, key) || !earns(key, "\u200b "+key+"\u00a0\u200d") {
			t.Fatalf("%q does not earn its own mark", key)
		}
	})
}

func TestWeightsMeanTheSharesOfMoodle(t *testing.T) {
	for s, want := range map[string]string{
		"100": "1/1", "50": "1/2", "33.33333": "1/3", "33.333": "1/3", "33.33": "1/3", "66.66667": "2/3", "66.66666": "2/3", "66.67": "2/3", "16.66667": "1/6", "83.33333": "5/6",
		"14.28571": "1/7", "28.57143": "2/7", "11.11111": "1/9", "12.5": "1/8", "8.33333": "1/12", "-33.33333": "-1/3", "33": "33/100", "33.3": "333/1000", "33.4": "167/500",
		"0": "0/1", "99.99999": "9999999/10000000", "0.00001": "1/10000000", "33.34": "1667/5000", "12.34": "617/5000", "66.65": "1333/2000",
	} {
		w, err := item.ParseWeight(s)
		if err != nil || w.Share().String() != want {
			t.Errorf("%s %% is %s, want %s (%v)", s, w.Share(), want, err)
		}
	}
}
