package load

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"sync"

	"github.com/google/uuid"

	"lignum/domain/catalog/item"
)

// A Fact is one thing that a client was told is stored, or that is found in the database.
type Fact struct {
	Kind    FactKind
	Of      uuid.UUID // attempt, or learner
	Thing   uint64    // hash of what was answered, or of the lesson
	Counter int64     // the client's own
	At      int32     // position in the paper
}

// FactKind says what a Fact is about.
type FactKind byte

// The kinds of facts.
const (
	Answered FactKind = iota // a response to one position of an attempt
	HandedIn                 // an attempt was handed in, as the trail has it
	Reported                 // progress in a lesson, as the trail has it
)

func (k FactKind) String() string {
	return [...]string{"answer", "submission", "report of progress"}[k]
}

// Journal is what clients were told: the list that nothing may be missing from, and nothing be in twice. It is safe for concurrent use.
type Journal struct {
	mu       sync.Mutex
	told     map[Fact]bool          // true: acknowledged; false: no answer came, so that it may be stored or not
	furthest map[furthest]int64     // the highest counter of a learner's lesson that was acknowledged
	saved    map[uuid.UUID]savedSum // what the trail must say of an attempt
}

type furthest struct {
	learner uuid.UUID
	lesson  uint64
}

type savedSum struct {
	answers int
	unsure  bool // of some no answer came
}

// NewJournal is empty.
func NewJournal() *Journal {
	return &Journal{told: map[Fact]bool{}, furthest: map[furthest]int64{}, saved: map[uuid.UUID]savedSum{}}
}

// Acknowledged is for what a client was told is stored.
func (j *Journal) Acknowledged(f Fact) { j.note(f, true) }

// Unsure is for what was sent, and not answered.
func (j *Journal) Unsure(f Fact) { j.note(f, false) }

func (j *Journal) note(f Fact, sure bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if before, known := j.told[f]; known && before {
		return
	}
	j.told[f] = sure
	switch f.Kind {
	case Answered:
		s := j.saved[f.Of]
		if sure {
			s.answers++
		}
		s.unsure = s.unsure || !sure
		j.saved[f.Of] = s
	case Reported:
		if key := (furthest{f.Of, f.Thing}); sure && f.Counter > j.furthest[key] {
			j.furthest[key] = f.Counter
		}
	case HandedIn:
	}
}

// Len is how many facts were acknowledged.
func (j *Journal) Len() (n int) {
	for _, sure := range j.told {
		if sure {
			n++
		}
	}
	return n
}

// Difference is what the database and the journal disagree on.
type Difference struct {
	Lost    int // acknowledged, and not there
	Doubled int // there twice, or noted twice in the trail
	Unasked int // there, and nobody sent it
	first   string
}

// Err is nil when nothing is lost, doubled or unasked.
func (d *Difference) Err() error {
	if d.Lost+d.Doubled+d.Unasked == 0 {
		return nil
	}
	return fmt.Errorf("%d lost, %d doubled, %d that nobody sent; the first: %s", d.Lost, d.Doubled, d.Unasked, d.first)
}

func (d *Difference) add(n *int, format string, args ...any) {
	*n++
	if d.first == "" {
		d.first = fmt.Sprintf(format, args...)
	}
}

// Compare holds the journal against what is stored.
func (j *Journal) Compare(stored Stored) (d Difference, err error) {
	seen := map[Fact]int{}
	for f, err := range stored.Facts {
		if err != nil {
			return d, err
		}
		seen[f]++
		if _, known := j.told[f]; !known {
			d.add(&d.Unasked, "%s of %s, position %d, counter %d", f.Kind, f.Of, f.At, f.Counter)
		}
		if seen[f] == 2 {
			d.add(&d.Doubled, "%s of %s, position %d, counter %d", f.Kind, f.Of, f.At, f.Counter)
		}
	}
	for f, sure := range j.told {
		if sure && seen[f] == 0 {
			d.add(&d.Lost, "%s of %s, position %d, counter %d", f.Kind, f.Of, f.At, f.Counter)
		}
	}
	for attempt, s := range j.saved {
		switch n := stored.Noted[attempt]; {
		case s.unsure || n == s.answers:
		case n < s.answers:
			d.add(&d.Lost, "the trail notes %d answers of attempt %s, acknowledged were %d", n, attempt, s.answers)
		default:
			d.add(&d.Doubled, "the trail notes %d answers of attempt %s, acknowledged were %d", n, attempt, s.answers)
		}
	}
	for key, counter := range j.furthest {
		if have := stored.Progress[key]; have < counter {
			d.add(&d.Lost, "progress of %s: acknowledged up to %d, stored %d", key.learner, counter, have)
		}
	}
	return d, nil
}

// Stored is what the database holds since a time: see Read.
type Stored struct {
	Facts    iter.Seq2[Fact, error]
	Noted    map[uuid.UUID]int  // answers of each attempt that the trail speaks of
	Progress map[furthest]int64 // the counter of each lesson's row
}

// responseHash is the same for a response as it was sent and as the database prints it.
func responseHash(raw []byte) (uint64, error) {
	var r item.Response
	if err := json.Unmarshal(raw, &r); err != nil {
		return 0, fmt.Errorf("a response that cannot be read: %w", err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	return hash(text), nil
}

func hash(text []byte) uint64 {
	h := fnv.New64a()
	h.Write(text)
	return h.Sum64()
}

func hashID(id uuid.UUID) uint64 { return hash(id[:]) }

// Add counts another comparison in.
func (d *Difference) Add(more Difference) {
	d.Lost, d.Doubled, d.Unasked = d.Lost+more.Lost, d.Doubled+more.Doubled, d.Unasked+more.Unasked
	if d.first == "" {
		d.first = more.first
	}
}
