package policy

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"lignum/domain"
)

func newEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := NewEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// embedded copies the bundle that the program comes with, to be changed.
func embedded(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(Embedded(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(Embedded(), name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func with(files fstest.MapFS, name, text string) fstest.MapFS {
	changed := maps.Clone(files)
	changed[name] = &fstest.MapFile{Data: []byte(text)}
	return changed
}

func edit(t testing.TB, files fstest.MapFS, name, old, new string) fstest.MapFS {
	t.Helper()
	text := string(files[name].Data)
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	return with(files, name, strings.Replace(text, old, new, 1))
}

func TestEmbeddedBundlePassesItsTests(t *testing.T) {
	report, err := RunTests(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if report.Failed > 0 || report.Skipped > 0 || report.Passed < 30 || report.Coverage < 100 || report.Err() != nil {
		t.Fatal(out.String())
	}
}

func TestReportOfAFailingBundle(t *testing.T) {
	files := with(embedded(t), "extra.rego", "package lignum\n\nreaches_region if input.region\n")
	files = with(files, "extra_test.rego", "package lignum_test\n\ntest_wrong if {\n\tprint(\"seven is not eight\")\n\t7 == 8\n}\n\ntodo_test_later if true\n")
	report, err := RunTests(context.Background(), files)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, say := range []string{"FAIL  extra_test.rego:3", "test_wrong", "seven is not eight", "SKIP  extra_test.rego:8", "never evaluated: extra.rego:3", "1 failed, 1 skipped"} {
		if !strings.Contains(out.String(), say) {
			t.Errorf("does not say %q:\n%s", say, out.String())
		}
	}
	if report.Failed != 1 || report.Skipped != 1 || report.Coverage >= 100 || domain.CodeOf(report.Err()) != domain.Invalid {
		t.Errorf("%+v", report)
	}
	if _, err := RunTests(context.Background(), with(files, "extra.rego", "package lignum\n\nx if {")); domain.CodeOf(err) != domain.Invalid {
		t.Error(err)
	}
}

const allowAll = `package lignum

decision := {"allow": true, "scope": "tenant", "min_cell": 0}
`

const weakTest = `package lignum_test

import data.lignum

test_it_answers if lignum.decision
`

func TestABrokenBundleChangesNothing(t *testing.T) {
	whole := embedded(t)
	onlyRules := fstest.MapFS{}
	for name, f := range whole {
		if !strings.HasSuffix(name, "_test.rego") {
			onlyRules[name] = f
		}
	}
	rule := func(body string) fstest.MapFS { return with(whole, "extra.rego", "package lignum\n\n"+body+"\n") }
	many := maps.Clone(whole)
	for i := range maxBundleFiles {
		many = with(many, strings.Repeat("x", i+1)+".rego", "package lignum\n")
	}
	table := []struct {
		name  string
		files fs.FS
		says  []string
	}{
		{"nothing", fstest.MapFS{}, []string{"no rules"}},
		{"syntax", rule("reaches_own if {"), []string{"extra.rego:"}},
		{"old syntax", rule(`reaches_own { input.owner }`), []string{"extra.rego:3", "if"}},
		{"empty file", with(whole, "extra.rego", ""), []string{"extra.rego:", "empty"}},
		{"other package", with(whole, "extra.rego", "package elsewhere\n\nx := 1\n"), []string{"extra.rego:1", "lignum"}},
		{"test in the rules' package", with(whole, "extra_test.rego", "package lignum\n\ntest_x if true\n"), []string{"extra_test.rego:1", "lignum_test"}},
		{"no tests", onlyRules, []string{"no tests"}},
		{"failing test", with(whole, "extra_test.rego", "package lignum_test\n\ntest_wrong if 1 == 2\n"), []string{"extra_test.rego:3", "test_wrong"}},
		{"skipped test", with(whole, "extra_test.rego", "package lignum_test\n\ntodo_test_later if true\n"), []string{"extra_test.rego:3", "skipped"}},
		{"changed rule that its tests notice", edit(t, whole, "learning.rego", "\tinput.within_deadline\n", ""), []string{"learning_test.rego:"}},
		{"network", rule(`reaches_own if http.send({"method": "get", "url": "http://localhost"}).status_code == 200`), []string{"extra.rego:3", "http.send"}},
		{"name look-up", rule(`reaches_own if net.lookup_ip_addr("localhost")`), []string{"extra.rego:3", "net.lookup_ip_addr"}},
		{"environment", rule(`reaches_own if opa.runtime().env.HOME`), []string{"extra.rego:3", "opa.runtime"}},
		{"clock", rule(`reaches_own if time.now_ns() > 0`), []string{"extra.rego:3", "time.now_ns"}},
		{"chance", rule(`reaches_own if rand.intn("x", 2) == 1`), []string{"extra.rego:3", "rand.intn"}},
		{"endless range", rule(`reaches_own if count(numbers.range(1, 1000000000)) > 0`), []string{"extra.rego:3", "numbers.range"}},
		{"recursion", rule("a if b\n\nb if a"), []string{"extra.rego:", "recursive"}},
		{"unsafe variable", rule(`reaches_own if x == input.owner`), []string{"extra.rego:3", "unsafe"}},
		{"unused variable", rule("reaches_own if {\n\tx := 1\n\tinput.owner\n}"), []string{"extra.rego:4", "unused"}},
		{"unknown function", rule(`reaches_own if lignum_magic(input)`), []string{"extra.rego:3"}},
		{"too many files", many, []string{"at most 100 files"}},
		{"too large", with(whole, "extra.rego", "package lignum\n#"+strings.Repeat("x", maxBundleBytes)), []string{"at most"}},
		{"allows all", fstest.MapFS{"a.rego": {Data: []byte(allowAll)}, "a_test.rego": {Data: []byte(weakTest)}}, []string{"fence", "empty input"}},
		{"decides nothing", fstest.MapFS{"a.rego": {Data: []byte("package lignum\n\nx := 1\n")},
			"a_test.rego": {Data: []byte("package lignum_test\n\nimport data.lignum\n\ntest_x if lignum.x == 1\n")}}, []string{"no decision"}},
		{"a door in the suspended tenant", with(whole, "extra.rego", "package lignum\n\ntenant_open if input.roles.student\n"), []string{"_test.rego:"}},
		{"the same door, tests weakened", with(with(onlyRules, "extra.rego", "package lignum\n\ntenant_open if input.realm == \"tenant\"\n"), "a_test.rego", weakTest), []string{"fence", "a tenant that takes nothing"}},
		{"officials see rows, tests weakened", with(with(onlyRules, "extra.rego", "package lignum\n\nreaches_tenant if input.roles.ministry_official\n"), "a_test.rego", weakTest), []string{"fence", "official"}},
		{"small counts of classes, tests weakened", with(edit(t, onlyRules, "decision.rego", `counts := {"min_cell": 5}`, `counts := {"min_cell": 4}`), "a_test.rego", weakTest), []string{"fewer than five"}},
		{"a teacher resets anybody, tests weakened", with(edit(t, onlyRules, "administration.rego", "\tlooks_after\n\tcard_open\n", "\tlooks_after\n"), "a_test.rego", weakTest), []string{"fence", "school's word"}},
		{"a school's administrator resets those of another, tests weakened", with(with(onlyRules, "extra.rego", "package lignum\n\nown_school if input.covers\n"), "a_test.rego", weakTest), []string{"fence", "of another"}},
		{"the platform without a second factor, tests weakened", with(with(onlyRules, "extra.rego", "package lignum\n\nidentity_proven if input.second_factor_required == false\n"), "a_test.rego", weakTest), []string{"fence", "platform"}},
		{"small cells, tests weakened", with(edit(t, onlyRules, "decision.rego", `"min_cell": 5`, `"min_cell": 2`), "a_test.rego", weakTest), []string{"fewer than five"}},
		{"rules that never end", rule("many := [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n\nreaches_tenant if {\n\tinput.permission == \"attempt.answer\"\n\tinput.guardian_of\n" +
			"\tcount([1 | some a in many; some b in many; some c in many; some d in many; some e in many; some f in many; some g in many; some h in many; a + b + c + d + e + f + g + h == 0]) > 0\n}"),
			[]string{"attempt.answer gets no answer"}},
		{"contradiction, tests weakened", with(with(onlyRules, "extra.rego", "package lignum\n\ndecision := {} if not input.realm\n"), "a_test.rego", weakTest), []string{"_test.rego:", "conflict"}},
	}
	if eng, err := NewEngine(onlyRules); eng != nil || err == nil {
		t.Error("an engine starts without tests")
	}
	eng := newEngine(t)
	version, in := eng.Version(), everything(AttemptAnswer, false)
	before, err := eng.Decide(context.Background(), in)
	if err != nil || !before.Allow {
		t.Fatal(before, err)
	}
	for _, row := range table {
		err := eng.Reload(context.Background(), row.files)
		if domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		for _, say := range row.says {
			if !strings.Contains(err.Error(), say) {
				t.Errorf("%s: the error does not say %q: %v", row.name, say, err)
			}
		}
		if after, err := eng.Decide(context.Background(), in); eng.Version() != version || after != before || err != nil {
			t.Errorf("%s: changed the rules in force", row.name)
		}
	}
}

func TestReloadTakesAWholeBundle(t *testing.T) {
	eng := newEngine(t)
	stricter := edit(t, embedded(t), "learning.rego", "\tinput.within_grace\n", "\tinput.within_grace\n\tinput.within_deadline\n")
	stricter = edit(t, stricter, "learning_test.rego", `allowed(asks(submit, {"owner": true, "within_grace": true}), "own")`,
		`allowed(asks(submit, {"owner": true, "within_grace": true, "within_deadline": true}), "own")`)
	in := everything(AttemptSubmit, false)
	in.Facts.WithinDeadline = false
	if d, err := eng.Decide(context.Background(), in); err != nil || !d.Allow {
		t.Fatal(d, err)
	}
	version := eng.Version()
	if err := eng.Reload(context.Background(), stricter); err != nil {
		t.Fatal(err)
	}
	if d, err := eng.Decide(context.Background(), in); err != nil || d.Allow || d.Reason != "deadline_passed" || eng.Version() == version {
		t.Error(d, err, eng.Version())
	}
}

// Decisions go on while bundles, good and broken, come in: each is made by one of the good ones, and none fails.
func TestDecideWhileReloading(t *testing.T) {
	eng, good := newEngine(t), embedded(t)
	other := with(good, "extra.rego", "package lignum\n\nreaches_region if input.region\n")
	broken := with(good, "extra.rego", "package lignum\n\nnonsense if {")
	stop := make(chan struct{})
	var deciding sync.WaitGroup
	for range 4 {
		deciding.Go(func() {
			allow, refuse := everything(AttemptAnswer, false), everything(AttemptAnswer, false)
			refuse.Facts.Owner = false
			for {
				select {
				case <-stop:
					return
				default:
				}
				if d, err := eng.Decide(context.Background(), allow); err != nil || !d.Allow {
					t.Error(d, err)
				}
				if d, err := eng.Decide(context.Background(), refuse); err != nil || d.Reason != "not_own" {
					t.Error(d, err)
				}
			}
		})
	}
	for i := range 6 {
		err := eng.Reload(context.Background(), []fs.FS{other, broken, good}[i%3])
		if (err != nil) != (i%3 == 1) {
			t.Error(i, err)
		}
	}
	close(stop)
	deciding.Wait()
}
