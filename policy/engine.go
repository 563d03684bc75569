package policy

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// decideLimit bounds one decision. Time passes for a decision also while it waits for a processor: with a limit of a tenth
// of a second, a machine under load was seen to deny by chance. So the limit only stops rules that would never end.
const decideLimit = 2 * time.Second

// Engine decides by the contextual rules. They can be replaced while it works: every decision is made wholly by the old
// or wholly by the new ones. Safe for concurrent use.
type Engine struct {
	current atomic.Pointer[loaded]
	reload  sync.Mutex
}

// loaded is a bundle that has passed its tests and the fences.
type loaded struct {
	version string
	query   rego.PreparedEvalQuery
	kept    remembered
}

// NewEngine loads a bundle, the embedded one for nil. It is held to the same conditions as in Reload.
func NewEngine(files fs.FS) (*Engine, error) {
	if files == nil {
		files = Embedded()
	}
	e := &Engine{}
	if err := e.Reload(context.Background(), files); err != nil {
		return nil, err
	}
	return e, nil
}

// Version is the short hash of the bundle in force.
func (e *Engine) Version() string { return e.current.Load().version }

// Reload replaces the rules: it compiles them strictly, runs their tests, holds them against the fences that no bundle may
// cross, and only then swaps them in. A bundle that fails, or has no tests, changes nothing; the error, of code Invalid,
// names file, line and reason of all that is wrong.
func (e *Engine) Reload(ctx context.Context, files fs.FS) error {
	e.reload.Lock()
	defer e.reload.Unlock()
	b, err := readBundle(files)
	if err != nil {
		return err
	}
	next, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	report, err := b.runTests(ctx)
	if err != nil {
		return err
	}
	if err := report.Err(); err != nil {
		return err
	}
	if err := next.checkFences(ctx); err != nil {
		return err
	}
	e.current.Store(next)
	return nil
}

// Decide answers by the rules in force. When it returns an error the decision denies, so a caller who only looks at the
// decision is safe; the error is for the log. The first time that a question comes up takes 20 to 35 microseconds, and never
// longer than two seconds or the context's deadline; after that its answer is remembered, as long as the rules are in force.
func (e *Engine) Decide(ctx context.Context, in Input) (Decision, error) {
	l := e.current.Load()
	q, comparable := in.question()
	if !comparable {
		return l.decide(ctx, &in)
	}
	if d, ok := l.kept.Get(q); ok {
		return d, nil
	}
	d, err := l.decide(ctx, &in)
	if err == nil {
		l.kept.Add(q, d)
	}
	return d, err
}

func (l *loaded) decide(ctx context.Context, in *Input, options ...rego.EvalOption) (Decision, error) {
	if in.Permission.entry == nil {
		return deny("not_permitted"), nil
	}
	return l.ask(ctx, in.value(), options...)
}

// ask evaluates over any input document. The limit is kept by a timer that almost never fires: a context with a deadline
// would make OPA start a goroutine for each decision.
func (l *loaded) ask(ctx context.Context, input ast.Value, options ...rego.EvalOption) (Decision, error) {
	if err := ctx.Err(); err != nil {
		return deny(PolicyError), err
	}
	limit := decideLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	cancel := topdown.NewCancel()
	timer := time.AfterFunc(limit, cancel.Cancel)
	defer timer.Stop()
	results, err := l.query.Eval(ctx, append(options, rego.EvalParsedInput(input), rego.EvalExternalCancel(cancel))...)
	if err != nil {
		return deny(PolicyError), fmt.Errorf("policy: %w", err)
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return deny(PolicyError), fmt.Errorf("policy: the rules gave no decision")
	}
	answer, ok := results[0].Expressions[0].Value.(ast.Value)
	if !ok {
		return deny(PolicyError), fmt.Errorf("policy: the rules gave no decision")
	}
	return readDecision(answer)
}
