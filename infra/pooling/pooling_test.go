package pooling_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lignum/infra/pooling"
	_ "lignum/tests/tenth"
)

func TestPartsOfAServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(pooling.Least, pooling.Most).Draw(t, "server")
		s, err := pooling.For(n)
		if err != nil {
			t.Fatal(err)
		}
		if direct := s.Server - s.Superuser - s.Pooler; s.Server != n || s.Superuser < 5 || direct < 5 {
			t.Fatalf("%+v leaves the superuser %d and direct connections %d", s, s.Superuser, direct)
		}
		if s.Pooler < n/2 || s.Login < 1 || s.Login > s.Pooler || s.Files < s.Clients+s.Pooler {
			t.Fatalf("%+v do not fit each other", s)
		}
	})
	for _, n := range []int{-1, 0, pooling.Least - 1, pooling.Most + 1} {
		if s, err := pooling.For(n); err == nil {
			t.Errorf("%d were divided into %+v", n, s)
		}
	}
}

// A place is where a file of an installation repeats a number.
type place struct {
	file  string // below infra
	words string // before the number
	want  func(pooling.Sizes) int
}

var (
	server    = func(s pooling.Sizes) int { return s.Server }
	superuser = func(s pooling.Sizes) int { return s.Superuser }
	pooler    = func(s pooling.Sizes) int { return s.Pooler }
	login     = func(s pooling.Sizes) int { return s.Login }
	clients   = func(s pooling.Sizes) int { return s.Clients }
	files     = func(s pooling.Sizes) int { return s.Files }
)

var places = []place{
	{"image/pgbouncer.ini", "\nmax_db_connections = ", pooler},
	{"image/pgbouncer.ini", "\ndefault_pool_size = ", login},
	{"image/pgbouncer.ini", "\nmax_client_conn = ", clients},
	{"image/pgbouncer.ini", "PostgreSQL's max_connections = ", server},
	{"image/compose.yaml", "-c, max_connections=", server},
	{"image/compose.yaml", "-c, superuser_reserved_connections=", superuser},
	{"image/compose.yaml", "LIGNUM_POOLER_CONNECTIONS: ", pooler},
	{"image/compose.yaml", "nofile: {soft: ", files},
	{"image/compose.yaml", "hard: ", files},
	{"single-server.md", "\n    max_connections = ", server},
	{"single-server.md", "\n    superuser_reserved_connections = ", superuser},
	{"single-server.md", "\n    LIGNUM_POOLER_CONNECTIONS=", pooler},
	{"single-server.md", `[Service]\nLimitNOFILE=`, files},
	{"single-server.md", "PostgreSQL takes ", server},
	{"single-server.md", "of which ", superuser},
	{"single-server.md", "PgBouncer opens at most ", pooler},
	{"single-server.md", "(`max_db_connections`) and ", login},
	{"single-server.md", "find one, and ", files},
}

// differ lists what the files say otherwise than the sizes of the usual server. Each number stands in its place once.
func differ(t *testing.T, files map[string]string) (found []string) {
	t.Helper()
	sizes, err := pooling.For(pooling.Usual)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range places {
		parts := strings.Split(files[p.file], p.words)
		if len(parts) != 2 {
			found = append(found, fmt.Sprintf("%s: %q stands there %d times", p.file, p.words, len(parts)-1))
			continue
		}
		end := strings.IndexFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
		if n, err := strconv.Atoi(parts[1][:max(end, 0)]); err != nil || n != p.want(sizes) {
			found = append(found, fmt.Sprintf("%s: %q %s, want %d", p.file, p.words, parts[1][:max(end, 0)], p.want(sizes)))
		}
	}
	return found
}

func read(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, p := range places {
		text, err := os.ReadFile("../" + p.file)
		if err != nil {
			t.Fatal(err)
		}
		files[p.file] = string(text)
	}
	return files
}

func TestFilesOfAnInstallationSayTheSameSizes(t *testing.T) {
	for _, d := range differ(t, read(t)) {
		t.Error(d)
	}
}

// Each number is changed in turn, and taken away; each time the comparison finds exactly that.
func TestAWrongSizeIsFound(t *testing.T) {
	for _, p := range places {
		for _, wrong := range []string{"0", "1"} { // in front of it: 0 in place of 280 is what refused tenants; more than there are
			files := read(t)
			files[p.file] = strings.Replace(files[p.file], p.words, p.words+wrong+";", 1)
			if found := differ(t, files); len(found) != 1 || !strings.Contains(found[0], p.words) && !strings.Contains(found[0], strconv.Quote(p.words)) {
				t.Errorf("%s: %q %s: %q", p.file, p.words, wrong, found)
			}
		}
		files := read(t)
		files[p.file] = strings.Replace(files[p.file], p.words, "\n;", 1)
		if found := differ(t, files); len(found) != 1 {
			t.Errorf("%s without %q: %q", p.file, p.words, found)
		}
	}
}
