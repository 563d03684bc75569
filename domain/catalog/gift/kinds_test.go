package gift_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"lignum/domain"
	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
)

// What GIFT cannot hold is named, each question of it, and half a file is not written.
func TestWhatGIFTCannotHoldIsSaid(t *testing.T) {
	order := &item.Item{Kind: item.Ordering, Stem: item.Text{Body: "Order.", Format: item.Plain}, Steps: []item.Step{{Text: item.Text{Body: "a", Format: item.Plain}}, {Text: item.Text{Body: "b", Format: item.Plain}}}}
	order.AssignIDs()
	fine := &item.Item{Kind: item.Essay, Stem: item.Text{Body: "Why?", Format: item.Plain}}
	var file bytes.Buffer
	err := gift.Write(&file, []gift.Parsed{{Item: fine}, {Item: order, Name: "first"}, {Item: fine}, {Item: order, Name: "second"}})
	if domain.CodeOf(err) != domain.Invalid || file.Len() > 0 {
		t.Fatalf("%v, %d bytes", err, file.Len())
	}
	for _, part := range []string{"questions[1]: GIFT has no way to write ordering (first)", "questions[3]: GIFT has no way to write ordering (second)"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if list := gift.Kinds(); slices.Contains(list, item.Ordering) || !slices.Contains(list, item.Essay) {
		t.Errorf("GIFT holds %v", list)
	}
	for _, src := range []string{"Order {> 3 ALL VERTICAL\n a\n b\n c}", "Order {>\na\nb}"} {
		if _, err := gift.Parse(strings.NewReader(src), "t.gift"); err == nil || !strings.Contains(err.Error(), "write it in a bank in YAML") {
			t.Errorf("%q: %v", src, err)
		}
	}
	for _, src := range []string{"Which sign? {>}", "Which? {=>\n=<}"} {
		if q := parseOne(t, src); q.Item.Kind != item.ShortAnswer {
			t.Errorf("%q is %s", src, q.Item.Kind)
		}
	}
}
