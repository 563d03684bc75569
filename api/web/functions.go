package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"lignum/domain/words"
)

// functions are what every template may call beside the methods of View.
func functions(l words.Language) template.FuncMap {
	return template.FuncMap{
		"t":       l.Say,
		"form":    l.Form,
		"asset":   Asset,
		"percent": percent,
		"plural":  plural,
		"number":  l.Number,
		"minutes": minutes,
		"soon":    soon,
		"date":    date,
		"role":    roleName,
		"label":   label,
		"safe":    Safe,
		"qr":      func(data string) template.URL { return template.URL(data) }, // a picture that the server drew, as a data: address
		"sub":     func(a, b int) int { return a - b },
		"add":     func(a, b int) int { return a + b },
		"dict":    dict,
		"marks":   marks,
		"initial": func(s string) string { return strings.ToUpper(string([]rune(s + " ")[:1])) },
	}
}

// percent is part of whole in full percent, 0 to 100; nothing of nothing is 0.
func percent(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return max(0, min(100, part*100/whole))
}

// plural gives "1 lesson", "2 lessons", "1,200 lessons".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number groups digits by thousands: 12,345.
func number(n int) string {
	digits, sign := strconv.Itoa(n), ""
	if n < 0 {
		digits, sign = digits[1:], "−"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// minutes gives a length of time in words: "45 min", "2 h", "2 h 30 min".
func minutes(n int) string {
	switch {
	case n < 60:
		return strconv.Itoa(n) + " min"
	case n%60 == 0:
		return strconv.Itoa(n/60) + " h"
	}
	return fmt.Sprintf("%d h %d min", n/60, n%60)
}

// soon gives a short time in seconds as people say it: "1 minute", "4 minutes"; it is never too short.
func soon(seconds int) string { return plural(max(1, (seconds+59)/60), "minute", "minutes") }

// date gives a date as stored, "2026-09-08", as people write it: "8 Sep 2026".
func date(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 Jan 2006")
}

// roleName gives a role as people say it: "tenant_administrator" is "Tenant administrator".
func roleName(role string) string {
	text := strings.ReplaceAll(role, "_", " ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
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

// marks gives hundredths of a mark as people write them: 750 is "7.5".
func marks(hundredths int) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(float64(hundredths)/100, 'f', 2, 64), "0"), ".")
}
