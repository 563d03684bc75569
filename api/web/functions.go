package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"lignum/billing"
	"lignum/domain/words"
	"lignum/tenants/files"
)

// functions are what every template may call beside the methods of View.
func functions(l words.Language) template.FuncMap {
	return template.FuncMap{
		"t":        l.Say,
		"filled":   func(parts ...any) string { return filled(l, parts...) },
		"language": func() words.Language { return l },
		"form":     l.Form,
		"logo":     files.LogoPath,
		"asset":    func(name string) (string, error) { return Asset(l, name) },
		"percent":  percent,
		"number":   l.Number,
		"minutes":  func(n int) string { return minutes(l, n) },
		"soon":     func(n int) string { return soon(l, n) },
		"date":     func(name string) string { return date(l, name) },
		"role":     func(name string) string { return l.Word(name) },
		"label":    func(name string) string { return label(l, name) },
		"safe":     func(text string) template.HTML { return Safe(l, text) },
		"link":     link,
		"qr":       func(data string) template.URL { return template.URL(data) }, // a picture that the server drew, as a data: address
		"quoted":   func(names []string) string { return quoted(l, names) },
		"sub":      func(a, b int) int { return a - b },
		"add":      func(a, b int) int { return a + b },
		"dict":     dict,
		"marks":    marks,
		"billword": func(group string, name any) string { return l.Say("bill." + group + "." + fmt.Sprint(name)) },
		"money":    func(minor int64, c billing.Currency) string { return money(l, minor, c) },
		"amount":   func(minor int64, c billing.Currency) string { return amount(l, minor, c) },
		"price":    func(d billing.Decimal, c billing.Currency) string { return d.In(l, c) },
		"units":    func(meter string, n int64) string { return units(l, meter, n) },
		"per":      func(meter string, n int64) string { return per(l, meter, n) },
		"initial":  func(s string) string { return strings.ToUpper(string([]rune(s + " ")[:1])) },
	}
}

// percent is part of whole in full percent, 0 to 100; nothing of nothing is 0.
func percent(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return max(0, min(100, part*100/whole))
}

// minutes returns a length of time in words: "45 min", "2 h", "2 h 30 min".
func minutes(l words.Language, n int) string {
	switch {
	case n < 60:
		return l.Say("page.minutes", "Minutes", n)
	case n%60 == 0:
		return l.Say("page.hours", "Hours", n/60)
	}
	return l.Say("page.hours_and_minutes", "Hours", n/60, "Minutes", n%60)
}

// soon returns a short time in seconds as people say it: "1 minute", "4 minutes"; it is never too short.
func soon(l words.Language, seconds int) string {
	return l.Say("page.soon", "N", max(1, (seconds+59)/60))
}

// date returns a date as stored, "2026-09-08", as people write it: "8 Sep 2026".
func date(l words.Language, day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return l.Format(t, "date")
}

// quoted lists names, each in the quotation marks of the language.
func quoted(l words.Language, names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = l.Say("page.quoted_name", "Name", name)
	}
	return strings.Join(list, ", ")
}

// link is an address as a link to it, for the middle of a sentence.
func link(address string) (template.HTML, error) {
	if LocalPath(address) == "" && !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return "", fmt.Errorf("%q is no address to go to", address)
	}
	said := template.HTMLEscapeString(address)
	return template.HTML(`<a href="` + said + `">` + said + `</a>`), nil
}

// dict makes a map of pairs, for a partial that takes more than one thing.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict takes pairs")
	}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: key %v is no string", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// marks returns hundredths of a mark as people write them: 750 is "7.5".
func marks(hundredths int) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(float64(hundredths)/100, 'f', 2, 64), "0"), ".")
}
