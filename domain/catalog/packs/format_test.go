package packs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
)

// What FORMAT.md shows to authors must be what the reader takes.
func TestFormatExamplesAreRead(t *testing.T) {
	data, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]string{}
	for _, b := range regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```").FindAllStringSubmatch(string(data), -1) {
		blocks[b[1]+strings.SplitN(b[2], "\n", 2)[0]] = b[2]
	}
	fsys := fstest.MapFS{
		"pack.yaml":              {Data: []byte(blocks["yamlformat: lignum-pack/1"])},
		"lessons/fractions.md":   {Data: []byte("# Fractions\n")},
		"items/computation.gift": {Data: []byte(blocks["// items/computation.gift"])},
	}
	p, err := pack.Read(fsys)
	if err != nil || len(p.Warnings) > 0 || len(p.Items) != 2 {
		t.Errorf("%d items, %v, %v", len(p.Items), err, p.Warnings)
	}
	rows := regexp.MustCompile("(?m)^\\| [a-z/, ]+ \\| `(::c-[^`]*)`").FindAllStringSubmatch(string(data), -1)
	var bank strings.Builder
	for _, r := range rows {
		bank.WriteString(r[1] + "\n\n")
	}
	bank.WriteString("x {#3.1..3.2}\n\ny {#=3.1416:0.0001 =%50%3:0.2 #Roughly ~#Look again}\n\nz {=y \\= 2x ~y \\= x}\n")
	questions, err := gift.Parse(strings.NewReader(bank.String()), "FORMAT.md")
	if err != nil || len(questions) != 12 {
		t.Fatalf("%d questions, %v", len(questions), err)
	}
	kinds := map[item.Kind]bool{}
	fsys["pack.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(blocks["yamlformat: lignum-pack/1"], "banks:\n", "banks:\n  - {file: items/order.yaml, section: computation}\n", 1))}
	fsys["items/order.yaml"] = &fstest.MapFile{Data: []byte(blocks["yaml# items/order.yaml"])}
	p, err = pack.Read(fsys)
	if err != nil || len(p.Warnings) > 0 || len(p.Items) != 6 {
		t.Errorf("with the bank in YAML: %d items, %v, %v", len(p.Items), err, p.Warnings)
	}
	for _, b := range p.Items {
		kinds[b.Item.Kind] = true
	}
	for _, q := range questions {
		kinds[q.Item.Kind] = true
		if len(q.Warnings) > 0 {
			t.Errorf("%s: %v", q.Name, q.Warnings)
		}
	}
	if len(kinds) != len(item.Kinds) {
		t.Errorf("%d of %d kinds are shown", len(kinds), len(item.Kinds))
	}
}
