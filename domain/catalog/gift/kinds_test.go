package gift_test

import (
	"strings"
	"testing"

	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
)

// What other programs write into GIFT for an ordering is refused with the way out, and what only looks like it is an answer.
func TestGIFTHoldsNoOrdering(t *testing.T) {
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
