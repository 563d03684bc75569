package policy

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"lignum/domain"
	"lignum/domain/words"
)

//go:embed rego
var regoFiles embed.FS

// Embedded is the bundle of contextual rules, with its tests, that the program comes with.
func Embedded() fs.FS {
	sub, err := fs.Sub(regoFiles, "rego")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

const (
	maxBundleFiles = 100
	maxBundleBytes = 1 << 20

	rulePackage = "data.lignum"
	testPackage = "data.lignum_test"
	decideQuery = "data.lignum.decision"
)

// capabilities are the only builtins that rules may use. The list names what is harmless, so that whatever a later OPA
// brings stays out: no network, clock, chance, environment, parsing or cryptography. The facts come in the input, and
// the same input always gets the same answer.
var capabilities = func() *ast.Capabilities {
	harmless := []string{
		"abs", "and", "assign", "concat", "contains", "count", "endswith", "eq", "equal", "gt", "gte",
		"internal.member_2", "internal.member_3", "internal.print", "internal.test_case", "is_boolean", "is_number",
		"is_string", "lower", "lt", "lte", "max", "min", "minus", "neq", "object.get", "object.keys", "object.union", "or", "plus", "print",
		"rem", "sort", "split", "sprintf", "startswith", "substring", "sum", "trim", "trim_space", "upper",
	}
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool { return !slices.Contains(harmless, b.Name) })
	c.AllowNet = []string{}
	return c
}()

// bundle is a set of Rego modules as read and parsed, not yet trusted.
type bundle struct {
	version string
	rules   map[string]*ast.Module // without the tests, so that no test can help a rule
	all     map[string]*ast.Module
}

// readBundle reads and parses every .rego file. Errors of code Invalid name file, line and reason.
func readBundle(files fs.FS) (*bundle, error) {
	sources, version, err := readSources(files)
	if err != nil {
		return nil, err
	}
	b := &bundle{version: version, rules: map[string]*ast.Module{}, all: map[string]*ast.Module{}}
	var wrong domain.Problems
	for _, s := range sources {
		m, err := ast.ParseModuleWithOpts(s.name, s.text, ast.ParserOptions{RegoVersion: ast.RegoV1, Capabilities: capabilities})
		if err != nil {
			addRegoErrors(&wrong, s.name, err)
			continue
		}
		if m == nil {
			wrong.Add(s.name+":1", "policy.the_file_is_empty")
			continue
		}
		isTest := strings.HasSuffix(s.name, "_test.rego")
		want := rulePackage
		if isTest {
			want = testPackage
		}
		if got := m.Package.Path.String(); got != want {
			wrong.Add(place(m.Package.Location), "policy.the_package_is_it_must", "Got", strings.TrimPrefix(got, "data."), "Want", strings.TrimPrefix(want, "data."))
		}
		b.all[s.name] = m
		if !isTest {
			b.rules[s.name] = m
		}
	}
	if len(wrong) == 0 && len(b.rules) == 0 {
		wrong.Add("bundle", "policy.holds_no_rules_there_is")
	}
	return b, wrong.Err()
}

type source struct{ name, text string }

// readSources returns the .rego files in the order of their names, and a version: the start of a hash over all of it.
func readSources(files fs.FS) ([]source, string, error) {
	var sources []source
	sum, size := sha256.New(), 0
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".rego" {
			return err
		}
		f, err := files.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, int64(maxBundleBytes-size)+1))
		if err != nil {
			return err
		}
		size += len(text)
		if len(sources) == maxBundleFiles || size > maxBundleBytes {
			return domain.InvalidField(name, "policy.a_bundle_takes_at_most", "Files", maxBundleFiles, "Size", maxBundleBytes>>10)
		}
		fmt.Fprintf(sum, "%d %s %d ", len(name), name, len(text))
		sum.Write(text)
		sources = append(sources, source{name, string(text)})
		return nil
	})
	if err != nil {
		var known *domain.Error
		if errors.As(err, &known) {
			return nil, "", err
		}
		return nil, "", &domain.Error{Code: domain.Invalid, Message: words.Say("policy.the_bundle_cannot_be_read"), Cause: err}
	}
	return sources, hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// compile checks modules strictly: unused names, unsafe variables, recursion, wrong types and unknown builtins are errors.
func compile(modules map[string]*ast.Module) (*ast.Compiler, error) {
	c := newCompiler()
	if c.Compile(modules); c.Failed() {
		var wrong domain.Problems
		addRegoErrors(&wrong, "bundle", c.Errors)
		return nil, wrong.Err()
	}
	return c, nil
}

func newCompiler() *ast.Compiler {
	return ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities).WithDefaultRegoVersion(ast.RegoV1)
}

// prepare makes the one query that every decision asks.
func (b *bundle) prepare(ctx context.Context) (*loaded, error) {
	c, err := compile(b.rules)
	if err != nil {
		return nil, err
	}
	q, err := rego.New(
		rego.Query(decideQuery), rego.Compiler(c), rego.Capabilities(capabilities), rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t.Value, nil }),
	).PrepareForEval(ctx)
	if err != nil {
		var wrong domain.Problems
		addRegoErrors(&wrong, "bundle", err)
		return nil, wrong.Err()
	}
	return &loaded{version: b.version, query: q, kept: newRemembered()}, nil
}

func addRegoErrors(wrong *domain.Problems, name string, err error) {
	var several ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &several):
		for _, e := range several {
			wrong.AddIn(place(e.Location), words.Plain(e.Message))
		}
	case errors.As(err, &one):
		wrong.AddIn(place(one.Location), words.Plain(one.Message))
	default:
		wrong.AddIn(name, words.Of(err))
	}
}

func place(l *ast.Location) string {
	if l == nil || l.File == "" {
		return "bundle"
	}
	return fmt.Sprintf("%s:%d", l.File, l.Row)
}
