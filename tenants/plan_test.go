package tenants

import (
	"reflect"
	"strings"
	"testing"

	"lignum/domain/words"
	"lignum/tenants/limits"
)

// Each limit of a plan is among its quotas, and has words.
func TestEachLimitIsAQuota(t *testing.T) {
	var l Limits
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(i + 1))
	}
	list := l.Quotas(nil)
	if len(list) != v.NumField() {
		t.Errorf("%d quotas of %d limits", len(list), v.NumField())
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		found := 0
		for _, q := range list {
			if q.Name == name && q.Limit == int64(i+1) && q.Used == nil {
				found++
			}
		}
		if found != 1 || words.English.Message("quota."+name) == nil {
			t.Errorf("%s is %d quotas, and its words are %q", name, found, words.English.Message("quota."+name))
		}
	}
	if n := len(words.Keys("quota")); n != v.NumField() {
		t.Errorf("%d words for %d limits", n, v.NumField())
	}
	for _, p := range Plans {
		for name, n := range p.Limits.of() {
			if n <= 0 {
				t.Errorf("the plan %s gives %d of %s", p.Name, n, name)
			}
		}
	}
}

func TestHowMuchOfALimitIsUsed(t *testing.T) {
	for _, c := range []struct{ used, limit, percent, left int64 }{
		{0, 0, 0, 0}, {1, 0, 100, 0}, {0, 10, 0, 10}, {7, 10, 70, 3}, {799, 1000, 79, 201}, {10, 10, 100, 0}, {15, 10, 150, 0}, {1 << 60, 1 << 50, 102400, 0}, {-1, 10, 0, 10},
	} {
		l := Limits{Classes: c.limit}
		for _, q := range l.Quotas(map[limits.Kind]Use{limits.Classes: {Used: max(0, c.used)}}) {
			if q.Name == "classes" && (*q.Percent != c.percent || *q.Left != c.left) {
				t.Errorf("%d of %d: %d %%, %d left", c.used, c.limit, *q.Percent, *q.Left)
			}
		}
		if got := Percent(c.used, c.limit); got != c.percent {
			t.Errorf("%d of %d are %d %%", c.used, c.limit, got)
		}
	}
}
