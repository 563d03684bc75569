package roster_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	rosterapi "lignum/api/roster"
	"lignum/domain/roster"
	"lignum/tests/apitest"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// bomb is an archive of a few hundred kilobytes in which a table of so many MB lies.
func bomb(t *testing.T, mb int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("users.csv")
	if err == nil {
		_, err = io.WriteString(w, header)
	}
	if err == nil {
		_, err = io.CopyN(w, zeros{}, int64(mb)<<20)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// crowd is an archive of so many empty files.
func crowd(t *testing.T, n int, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range n {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf(name, i), Method: zip.Store}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is no roster is refused while it comes, and nothing of it is kept.
func TestWhatIsPlainlyNoRosterIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	whole := archive(t, "orgs.csv", orgs)
	many := []string{}
	for i := range 51 {
		many = append(many, fmt.Sprintf("users%d.csv", i), header)
	}
	asForm := func(pairs ...string) [2]string {
		body, kind := form(t, pairs...)
		return [2]string{string(body), kind}
	}
	broken := asForm("users.csv", header+strings.Repeat("x", 1000))
	broken[0] = broken[0][:500]
	for what, c := range map[string]struct {
		sent   [2]string
		status int
		says   string
	}{
		"a form without a file":       {asForm(), 422, "must be a file"},
		"an empty file":               {asForm("users.csv", ""), 422, "is empty (number 1"},
		"an empty file after another": {asForm("orgs.csv", orgs, "users.csv", ""), 422, "is empty (number 2"},
		"an empty archive":            {[2]string{"", "application/zip"}, 422, "is empty"},
		"a spreadsheet called .csv":   {asForm("users.csv", "PK\x03\x04rest of a spreadsheet"), 422, "is a spreadsheet"},
		"text called .zip":            {asForm("roster.zip", header), 422, "is no zip archive"},
		"two archives":                {asForm("a.zip", string(whole), "b.zip", string(whole)), 422, "must be one zip archive alone"},
		"an archive and a table":      {asForm("a.zip", string(whole), "users.csv", header), 422, "must be one zip archive alone"},
		"a table and an archive":      {asForm("users.csv", header, "a.zip", string(whole)), 422, "must be one zip archive alone"},
		"51 tables":                   {asForm(many...), 422, "must be 1 to 50 CSV files"},
		"a form that breaks off":      {broken, 400, "not complete"},
		"no form":                     {[2]string{"file=x", "application/x-www-form-urlencoded"}, 422, "must be a file"},
	} {
		res := o.send(admin, []byte(c.sent[0]), c.sent[1])
		if res.Status != c.status || !strings.Contains(string(res.Body), c.says) {
			t.Errorf("%s: %d %.300s", what, res.Status, res.Body)
		}
	}
	// Half of what was announced, and then nothing more.
	body, kind := form(t, "users.csv", header+strings.Repeat(fmt.Sprintf(learner, "u", "s1"), 5000))
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(o.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, o.Host("jamaica"), admin.Token, kind, len(body), body[:len(body)/2])
	if half, ok := conn.(*net.TCPConn); !ok || half.CloseWrite() != nil {
		t.Fatal("it does not go away")
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusBadRequest || !strings.Contains(string(said), "not complete") {
		t.Errorf("half of it: %d %s, %v", res.StatusCode, said, err)
	}
	// More than is allowed: as its head says, and without that.
	for _, length := range []int64{220 << 20, -1} {
		req, err := http.NewRequest(http.MethodPost, o.URL("jamaica")+path, io.LimitReader(zeros{}, 220<<20))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("Content-Type", "text/csv")
		req.Header.Set("Authorization", "Bearer "+admin.Token)
		res, err := o.Client.Do(req)
		if err != nil {
			t.Errorf("220 MB (%d): %v", length, err)
			continue
		}
		if res.Body.Close(); res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("220 MB (%d): %d", length, res.StatusCode)
		}
	}
	if n := o.Number("jamaica", "SELECT (SELECT count(*) FROM files) + (SELECT count(*) FROM roster_runs) + (SELECT n FROM usage_counts WHERE kind = 'storage_bytes')"); n != 0 || o.kept() != 0 {
		t.Errorf("%d rows or bytes, %d files are kept", n, o.kept())
	}
}

// What looks like an archive and is not, or holds more than it should, fails when it is looked through, in words; the process stays small.
func TestHostileArchivesFailInWords(t *testing.T) {
	o := newOffice(t)                                // not beside others: the memory of the process is looked at
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // what is held, and not what the collector has not come to: by itself it waits until there is twice as much
	admin := o.User("jamaica", "tenant_administrator")
	whole := archive(t, "orgs.csv", orgs, "users.csv", header+strings.Repeat(fmt.Sprintf(learner, "u", "s1"), 500))
	lying := bytes.Clone(archive(t, "orgs.csv", orgs))
	binary.LittleEndian.PutUint32(lying[len(lying)-10:], 0xffffffff) // its directory begins at 4 GB
	for _, c := range []struct {
		what, says string
		body       []byte
	}{
		{"201 MB in some kilobytes", "at most 200 MB", bomb(t, 201)},
		{"an archive in the archive", "is an archive in the roster", archive(t, "more.zip", string(bomb(t, 1)))},
		{"51 tables", "holds more than 50 CSV files", crowd(t, 51, "users%d.csv")},
		{"1,001 files", "holds more than 1,000 files", crowd(t, 1001, "%d.pdf")},
		{"60,000 files", "holds more than 1,000 files", crowd(t, 60_000, "%d")},
		{"100,000 files", "is not a zip archive", crowd(t, 100_000, "%d")},
		{"a name that leads out", "leads out of the archive", archive(t, "../../etc/users.csv", header, "orgs.csv", orgs)},
		{"a name from the root", "leads out of the archive", archive(t, "/etc/users.csv", header)},
		{"a name that leads out with backslashes", "leads out of the archive", archive(t, `..\..\users.csv`, header)},
		{"cut off in the middle", "is not a zip archive, or a part of one", whole[:len(whole)/2]},
		{"a directory that is not there", "is not a zip archive, or a part of one", lying},
		{"a spreadsheet", "none of the files has the columns", archive(t, "[Content_Types].xml", "<Types/>", "xl/workbook.xml", "<workbook/>")},
		{"a spreadsheet in it, called .csv", "spreadsheet", archive(t, "users.csv", string(archive(t, "[Content_Types].xml", "<Types/>", "xl/workbook.xml", "<workbook/>")))},
	} {
		run := apitest.As[rosterapi.Started](o.send(admin, c.body, "application/zip")).ID
		var top atomic.Uint64
		stop := make(chan bool)
		ended := make(chan bool)
		go func() {
			defer close(ended)
			var m runtime.MemStats
			for {
				if runtime.ReadMemStats(&m); m.HeapAlloc > top.Load() {
					top.Store(m.HeapAlloc)
				}
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		}()
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		is := o.check(admin, run)
		close(stop)
		<-ended
		if is.State != roster.RunFailed || !strings.Contains(is.Fault.String(), c.says) {
			t.Errorf("%s: %s %q", c.what, is.State, is.Fault)
		}
		if top.Load() > before.HeapAlloc+64<<20 {
			t.Errorf("%s: %d MB of memory, and %d before", c.what, top.Load()>>20, before.HeapAlloc>>20)
		}
		o.Do(admin, http.MethodDelete, path+"/"+run.String(), nil).Want(http.StatusOK)
	}
	if n := o.Number("jamaica", "SELECT (SELECT count(*) FROM files) + (SELECT n FROM usage_counts WHERE kind = 'storage_bytes')"); n != 0 || o.kept() != 0 {
		t.Errorf("%d rows or bytes, %d files are kept", n, o.kept())
	}
}
