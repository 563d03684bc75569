// Package growth fills a tenant with as many people as wanted, a country of the reference's size or a few learners, and knows all that can be
// asked for in it by each role: what may cost more in a larger tenant, or send more statements.
package growth

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
)

// Country is how much a tenant holds whose growth is looked at. Everything else follows from it in the shares of a real one: a teacher
// and an administrator a school, a coach for sixty learners, a guardian for ten, six months of attendance, tests and points.
type Country struct {
	Slug     string
	Learners int
	Schools  int
	Entries  int // of the audit trail
}

// Courses puts two courses of the repository into a tenant, and their pictures where nobody reads them.
func Courses(ctx context.Context, db *tenants.DB) error {
	dir, err := os.MkdirTemp("", "growth")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bucket, err := files.Open(ctx, dir)
	if err != nil {
		return err
	}
	for _, name := range []string{"csec-principles-of-business", "csec-mathematics"} {
		source, err := packs.Open(name)
		if err != nil {
			return err
		}
		p, err := pack.Read(source)
		if err != nil {
			return err
		}
		if _, err := catalog.ImportPack(ctx, db, bucket, audit.Actor{Name: "growth"}, p, false, time.Now().UTC()); err != nil {
			return err
		}
	}
	return nil
}

// Ids are made of a letter for the kind and a number, so that rows in bulk refer to one another without a look-up.
const idOf = `('%s0000000-0000-7000-8000-' || lpad(to_hex(%s), 12, '0'))::uuid`

func id(kind, n string) string { return fmt.Sprintf(idOf, kind, n) }

// Load fills the tenant, mostly through a direct connection, and tells steps that take long. It has the courses already. A tenant that is filled is left alone.
func (c Country) Load(ctx context.Context, db *tenants.DB, conn *pgx.Conn, t *tenants.Tenant, say func(string)) error {
	schema := pgx.Identifier{t.SchemaName}.Sanitize()
	if _, err := conn.Exec(ctx, "SET search_path = "+schema+"; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'; SET jit = off"); err != nil {
		return err
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM audit_entries WHERE action = 'growth.loaded')").Scan(&there); err != nil || there {
		return err
	}
	start := time.Now()
	if err := c.people(ctx, db); err != nil {
		return fmt.Errorf("%s, people: %w", c.Slug, err)
	}
	say(fmt.Sprintf("  %s: people in %.1f s", c.Slug, time.Since(start).Seconds()))
	n := strings.NewReplacer("{learners}", strconv.Itoa(c.Learners), "{schools}", strconv.Itoa(c.Schools), "{entries}", strconv.Itoa(c.Entries),
		"{coaches}", strconv.Itoa(c.coaches()), "{zone}", t.TimeZone,
		"{school:n}", id("a", "n"), "{learner:n}", id("b", "n"), "{teacher:n}", id("c", "n"), "{coach:n}", id("e", "n"),
		"{class:n}", id("1", "n"), "{group:n}", id("2", "n"),
		"{school of n}", id("a", "1 + n % "+strconv.Itoa(c.Schools)), "{class of n}", id("1", "1 + n % "+strconv.Itoa(c.Schools)),
		"{group of n}", id("2", "1 + n % "+strconv.Itoa(c.coaches())))
	for _, step := range steps {
		start := time.Now()
		if _, err := conn.Exec(ctx, "SET session_replication_role = "+map[bool]string{true: "origin", false: "replica"}[step.counted]+";"+n.Replace(step.sql)); err != nil {
			return fmt.Errorf("%s, %s: %w", c.Slug, step.name, err)
		}
		if took := time.Since(start); took > time.Second {
			say(fmt.Sprintf("  %s: %s in %.1f s", c.Slug, step.name, took.Seconds()))
		}
	}
	if err := c.loadTrail(ctx, conn, n, say); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "ANALYZE; INSERT INTO audit_entries (id, action) VALUES ("+entryID("now()", "0")+", 'growth.loaded')")
	return err
}

// steps are the rows beside people and the trail; n runs over the people. The first course is there with its lessons and tests.
var steps = []struct {
	name    string
	counted bool // triggers keep totals of it; elsewhere they only check what is right by construction
	sql     string
}{
	{"terms", false, `INSERT INTO terms (id, title, starts_on, ends_on) SELECT gen_random_uuid(), 'Term ' || n, current_date - 30 + 100 * n, current_date + 50 + 100 * n FROM generate_series(1, least(12, 3 + {schools} / 2)) n`},
	{"classes", false, `INSERT INTO classes (id, course_id, title, kind, school_id, coach_id, starts_on, ends_on, seats, taken)
		SELECT {class:n}, (SELECT id FROM courses ORDER BY id LIMIT 1), 'Form class ' || n, 'on_demand', {school:n}, {teacher:n}, current_date - 90, current_date + 60, 5000, 0 FROM generate_series(1, {schools}) n
		UNION ALL SELECT {group:n}, (SELECT id FROM courses ORDER BY id LIMIT 1), 'Group ' || n, 'live', NULL, {coach:n}, current_date - 90, current_date + 60, 100, 0 FROM generate_series(1, {coaches}) n;
		INSERT INTO enrolments (class_id, learner_id) SELECT {class of n}, {learner:n} FROM generate_series(1, {learners}) n
		UNION ALL SELECT {group of n}, {learner:n} FROM generate_series(1, {learners}) n WHERE n / {coaches} % 2 = 1;
		UPDATE classes c SET taken = (SELECT count(*) FROM enrolments e WHERE e.class_id = c.id);
		UPDATE usage_counts SET n = (SELECT count(*) FROM classes) WHERE kind = 'classes'`},
	{"progress", false, `INSERT INTO lesson_progress (learner_id, course_id, lesson_id, percent, seconds, counter, started_at, updated_at, completed_at)
		SELECT {learner:n}, l.course_id, l.id, CASE WHEN l.position % 3 = 0 THEN 60 ELSE 100 END, 600, 1, now() - interval '60 days', now() - interval '9 days' * (n % 5), CASE WHEN l.position % 3 <> 0 THEN now() - interval '9 days' END
		FROM generate_series(1, {learners}) n, lessons l WHERE l.position <= 1 + n % 8`},
	{"attendance", true, `INSERT INTO active_days (day, user_id) SELECT (now() AT TIME ZONE '{zone}')::date - d, {learner:n} FROM generate_series(0, 190) d, generate_series(1, {learners}) n
			WHERE (n * 7919 + d * 104729) % 1000 < CASE WHEN d = 190 THEN 1000 WHEN d = 0 THEN 450 WHEN d % 7 IN (2, 3) THEN 15 ELSE 60 END;
		INSERT INTO attendance (day, learner_id, school_id) SELECT (now() AT TIME ZONE '{zone}')::date - d, {learner:n}, {school of n} FROM generate_series(0, 190) d, generate_series(1, {learners}) n
			WHERE (n * 7919 + d * 104729) % 1000 < CASE WHEN d = 190 THEN 1000 WHEN d = 0 THEN 270 WHEN d % 7 IN (2, 3) THEN 10 ELSE 40 END`},
	{"attempts", true, `INSERT INTO attempts (id, test_id, course_id, learner_id, school_id, number, state, seed, paper, started_at, deadline, submitted_at, score, max_score, grade, result)
		SELECT ('3' || lpad(to_hex(k), 7, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, t.test, t.course, {learner:n}, {school of n}, 1 + k, 'marked', 0, t.paper, s.at, s.at + interval '1 hour', s.at + interval '20 minutes',
			CASE WHEN (n + k) % 3 = 0 THEN 300 ELSE 800 END, 1000, '', t.result
		FROM generate_series(0, 1) k, generate_series(1, {learners}) n, LATERAL (SELECT now() - interval '1 day' * (1 + (n * 31 + k * 67) % 185) AS at) s,
			(SELECT p.id AS test, p.course_id AS course, array_agg(i.id ORDER BY i.id) AS paper, jsonb_build_object('sections', '[]'::jsonb, 'items', jsonb_agg(jsonb_build_object(
				'position', i.position, 'item_id', i.id, 'section', i.code, 'score', 80, 'max_score', 100) ORDER BY i.id)) AS result
			FROM tests p CROSS JOIN LATERAL (SELECT i.id, s.code, row_number() OVER (ORDER BY i.id) - 1 AS position FROM items i JOIN course_sections s ON s.id = i.section_id
				WHERE i.course_id = p.course_id AND i.active ORDER BY i.id LIMIT 10) i
			WHERE p.id = (SELECT id FROM tests WHERE active AND course_id = (SELECT id FROM courses ORDER BY id LIMIT 1) ORDER BY id LIMIT 1) GROUP BY p.id) t;
		ANALYZE attempts;
		INSERT INTO attempts (id, test_id, course_id, learner_id, school_id, number, state, seed, paper, started_at, deadline)
		SELECT ('37777777-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, a.test_id, a.course_id, a.learner_id, a.school_id, 3, 'open', 0, a.paper, now(), now() + interval '90 days'
		FROM generate_series(1, {learners}) n JOIN attempts a ON a.learner_id = {learner:n} AND a.number = 2 WHERE n % 10 = 1`},
	{"points", false, `INSERT INTO point_entries (learner_id, rule, ref, points, at) SELECT {learner:n}, 'lesson.completed', k, 10, now() - interval '1 day' * (n % 180) FROM generate_series(1, {learners}) n, (SELECT id::text AS k FROM lessons WHERE course_id = (SELECT id FROM courses ORDER BY id LIMIT 1) AND position <= 6) l;
		INSERT INTO point_totals (period, learner_id, school_id, points) SELECT p, {learner:n}, {school of n}, 10 * (1 + n % 40) FROM generate_series(1, {learners}) n, unnest(ARRAY['all', to_char(now() AT TIME ZONE '{zone}', 'YYYY-MM')]) p`},
	{"rosters", false, `INSERT INTO roster_runs (id, state, file_names, created_by, created_at, checked_at, started_by, started_at, ended_at, refused, report)
		SELECT gen_random_uuid(), 'done', 'people.zip', u.id, now() - interval '1 day', now(), u.id, now(), now(), 90, jsonb_build_object('dry_run', false, 'files', '[]'::jsonb) FROM generate_series(1, 40) n, users u WHERE u.user_name_key = 'teacher1';
		INSERT INTO roster_problems (run_id, file, line, field, reason) SELECT r.id, 0, n, 'role', 'is missing' FROM roster_runs r, generate_series(1, 90) n;
		INSERT INTO roster_accounts (run_id, user_id) SELECT r.id, {learner:n} FROM roster_runs r, generate_series(1, 30) n`},
	{"requests", false, `INSERT INTO reset_requests (id, user_id, reason, asked_by, asked_at, expires_at) SELECT gen_random_uuid(), {learner:n}, 'Lost the card', {teacher:n}, now() - interval '1 hour', now() + interval '5 days' FROM generate_series(1, greatest(1, {schools} / 10)) n`},
	{"uploads", false, `INSERT INTO uploads (id, owner_id, purpose, name, size, sha256, state, created_at, expires_at, hash) SELECT gen_random_uuid(), u.id, 'general', 'film', 1, '', 'open', now(), now() + interval '3 days', ''
		FROM users u, generate_series(1, least(20, {schools})) n WHERE u.user_name_key = 'teacher2'; UPDATE usage_counts SET n = n + (SELECT count(*) FROM uploads) WHERE kind = 'storage_bytes'`},
}

func entryID(at, n string) string {
	return `(lpad(to_hex((extract(epoch FROM ` + at + `) * 1000)::bigint), 12, '0') || '7' || substr(md5((` + n + `)::text), 1, 3) || '8' || substr(md5((` + n + `)::text), 4, 15))::uuid`
}

// loadTrail makes the entries of six months: nine in ten by learners, one in a hundred refused. The indexes are made afterwards, in a
// fraction of the time.
func (c Country) loadTrail(ctx context.Context, conn *pgx.Conn, n *strings.Replacer, say func(string)) error {
	start := time.Now()
	rows, err := conn.Query(ctx, `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'audit_entries' AND indexname <> 'audit_entries_pkey'`)
	if err != nil {
		return err
	}
	type index struct{ Name, Definition string }
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return err
	}
	for _, i := range indexes {
		if _, err := conn.Exec(ctx, "DROP INDEX "+pgx.Identifier{i.Name}.Sanitize()); err != nil {
			return err
		}
	}
	// Nothing is older than half a year, and the last second is now. Refused are actions that are often and one that nearly always is. The older half
	// has its names within, as entries had them before; of the newer half they stand apart, and so does what was done to some.
	const salt, commitment = `sha256(coalesce(actor::text, '')::bytea)`, `sha256(sha256(coalesce(actor::text, '')::bytea) || role::bytea || '\x00' || '10.0.0.1')`
	sql := n.Replace(`CREATE TEMPORARY TABLE made AS
		SELECT i, at, ` + entryID("at", "i") + ` AS id, CASE WHEN i % 10 = 9 THEN CASE WHEN i % 100 = 99 THEN NULL ELSE ` + id("c", "1 + i / 10 % {schools}") + ` END ELSE ` + id("b", "1 + i / 4 * 7919 % {learners}") + ` END AS actor,
			CASE WHEN i % 10 = 9 THEN 'teacher' ELSE 'student' END AS role, i * 2 >= {entries} AND i % 4 = 3 AS apart
		FROM (SELECT i, now() - interval '180 days' * (1 - i / {entries}::double precision) AS at FROM generate_series(1::bigint, {entries}) i) e;
		INSERT INTO audit_entries (id, at, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, after, actor_commitment, content_commitment)
		SELECT id, at, actor, CASE WHEN i * 2 < {entries} THEN role ELSE '' END, role, '` + c.Slug + `', CASE WHEN i * 2 < {entries} THEN '10.0.0.1' ELSE '' END,
			CASE WHEN i % 100 = 57 THEN 'sign_in.failed' WHEN i % 10 = 9 THEN CASE WHEN i % 1000 = 999 THEN 'user.cards' ELSE 'attempt.read' END WHEN i % 4 = 0 THEN 'attempt.answer' WHEN i % 4 = 1 THEN 'progress.record' WHEN i % 50 = 2 THEN 'class.register' ELSE 'sign_in.done' END,
			CASE WHEN i % 100 = 57 THEN 'refused' ELSE 'done' END,
			CASE WHEN i % 4 = 0 THEN 'attempt' WHEN i % 4 = 1 THEN 'lesson' WHEN i % 50 = 2 THEN 'class' ELSE 'session' END, (` + id("b", "1 + i / 4 * 7919 % {learners}") + `)::text, CASE WHEN NOT apart THEN '{"counter": 7}'::jsonb END,
			CASE WHEN i * 2 >= {entries} THEN ` + commitment + ` END, CASE WHEN apart THEN sha256(` + salt + ` || '{"after": {"cards": 30}}') END
		FROM made;
		INSERT INTO audit_actors (commitment, actor_id, name, address, salt)
		SELECT DISTINCT ` + commitment + `, coalesce(actor, '00000000-0000-0000-0000-000000000000'), role, '10.0.0.1', ` + salt + ` FROM made WHERE i * 2 >= {entries};
		INSERT INTO audit_texts (entry_id, salt, content) SELECT id, ` + salt + `, '{"after": {"cards": 30}}' FROM made WHERE apart;
		DROP TABLE made; ANALYZE audit_actors, audit_texts`)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s, trail: %w", c.Slug, err)
	}
	say(fmt.Sprintf("  %s: %d entries in %.1f s", c.Slug, c.Entries, time.Since(start).Seconds()))
	for _, i := range indexes {
		start := time.Now()
		if _, err := conn.Exec(ctx, i.Definition); err != nil {
			return err
		}
		if took := time.Since(start); took > time.Second {
			say(fmt.Sprintf("  %s: %s in %.1f s", c.Slug, i.Name, took.Seconds()))
		}
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE audit_entries")
	return err
}
