package calendar

import (
	"fmt"
	"strconv"
	"strings"

	"lignum/domain"
)

var weekdays = [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// Typed returns a rule as people type it: a line for each time, "Tue 16:00 60".
func (w Weekly) Typed() string {
	lines := make([]string, len(w))
	for i, s := range w {
		lines[i] = fmt.Sprintf("%s %s %d", weekdays[s.Weekday%7], s.At, s.Minutes)
	}
	return strings.Join(lines, "\n")
}

// ReadWeekly reads what Typed wrote. Days may be spelled out, "min" may stand behind the minutes, and empty lines
// count for nothing. A line that cannot be read is domain.Invalid about the field "weekly".
func ReadWeekly(text string) (Weekly, error) {
	slots := Weekly{}
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) == 4 && strings.HasPrefix(strings.ToLower(words[3]), "min") {
			words = words[:3]
		}
		slot, ok := readSlot(words)
		if !ok {
			return nil, domain.InvalidField("weekly", "calendar.line_cannot_be_read", "Line", i+1)
		}
		slots = append(slots, slot)
	}
	return slots, nil
}

func readSlot(words []string) (s Slot, ok bool) {
	if len(words) != 3 {
		return s, false
	}
	day := strings.ToLower(strings.TrimRight(words[0], ".,:"))
	for i, name := range weekdays {
		if len(day) >= 3 && strings.HasPrefix(strings.ToLower(fullDays[i]), day) && strings.EqualFold(day[:3], name) {
			s.Weekday, ok = i, true
		}
	}
	s.At = words[1]
	if len(s.At) == 4 && s.At[1] == ':' {
		s.At = "0" + s.At
	}
	minutes, err := strconv.Atoi(words[2])
	s.Minutes = minutes
	return s, ok && err == nil
}

var fullDays = [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
