package files_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	apifiles "lignum/api/files"
	"lignum/tenants/files"
	"lignum/tests/apitest"
)

const uploads = "/api/v1/uploads"

func noise(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // it has no error
	return data
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// world is a school with somebody who may upload.
type world struct {
	*apitest.Server
	t       *testing.T
	teacher apitest.User
}

func (w world) begin(bytes int) apifiles.Upload {
	w.t.Helper()
	return apitest.As[apifiles.Upload](w.Post(w.teacher, uploads, map[string]any{"purpose": "general", "name": "a/lesson.mp4", "bytes": bytes}))
}

func (w world) part(who apitest.User, host string, id uuid.UUID, offset int, data []byte, head ...string) *apitest.Response {
	w.t.Helper()
	return w.Send(who, http.MethodPatch, w.URL(host)+uploads+"/"+id.String(), data, append([]string{"Upload-Offset", strconv.Itoa(offset), "Content-Type", "application/partial-upload"}, head...)...)
}

// A file comes in parts, each of which says how far it is, and in the end it can be had by a link of five minutes.
func TestAFileIsUploadedInParts(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	w := world{s, t, s.User("jamaica", "teacher")}
	data := noise(6<<20 + 5)
	u := w.begin(len(data))
	if u.Name != "lesson.mp4" || u.Bytes != int64(len(data)) || u.Offset != 0 || u.Complete || u.Path != "" || time.Until(u.ExpiresAt) < 71*time.Hour {
		t.Errorf("%+v", u)
	}
	at := func(r *apitest.Response, offset int, complete string) {
		t.Helper()
		for name, want := range map[string]string{"Upload-Offset": strconv.Itoa(offset), "Upload-Length": strconv.Itoa(len(data)), "Upload-Complete": complete, "Upload-Limit": "max-append-size=67108864", "Cache-Control": "no-store"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", r.What, name, got, want)
			}
		}
	}
	at(w.part(w.teacher, "jamaica", u.ID, 0, data[:1<<20]).Want(http.StatusOK), 1<<20, "?0")
	at(s.Send(w.teacher, http.MethodHead, s.URL("jamaica")+uploads+"/"+u.ID.String(), nil).Want(http.StatusOK), 1<<20, "?0")
	if open := apitest.As[api.List[apifiles.Upload]](s.Get(w.teacher, uploads)).Items; len(open) != 1 || open[0].ID != u.ID || open[0].Offset != 1<<20 {
		t.Errorf("%+v", open)
	}
	wrong := w.part(w.teacher, "jamaica", u.ID, 5, data[5:100]).Want(http.StatusConflict)
	at(wrong, 1<<20, "?0")
	if p := wrong.Problem(); len(p.Errors) != 1 || p.Errors[0].Name != "header.Upload-Offset" || !strings.Contains(p.Errors[0].Reason.String(), "1048576") {
		t.Errorf("%+v", p)
	}
	if p := w.part(w.teacher, "jamaica", u.ID, 1<<20, data[1<<20:2<<20], "Content-Digest", digest(data)).Want(http.StatusUnprocessableEntity).Problem(); p.Errors[0].Name != "header.Content-Digest" {
		t.Errorf("%+v", p)
	}
	w.part(w.teacher, "jamaica", u.ID, 1<<20, data[1<<20:2<<20], "Content-Digest", "md5=:x:").Want(http.StatusUnprocessableEntity).Problem()
	at(w.part(w.teacher, "jamaica", u.ID, 1<<20, data[1<<20:2<<20], "Content-Digest", "md5=:x:, "+digest(data[1<<20:2<<20])).Want(http.StatusOK), 2<<20, "?0")
	w.part(w.teacher, "jamaica", u.ID, 2<<20, append(bytes.Clone(data[2<<20:]), 1)).Want(http.StatusUnprocessableEntity).Problem()
	last := w.part(w.teacher, "jamaica", u.ID, 2<<20, data[2<<20:]).Want(http.StatusOK)
	at(last, len(data), "?1")
	done := apitest.As[apifiles.Upload](last)
	if sum := sha256.Sum256(data); !done.Complete || done.SHA256 != fmt.Sprintf("%x", sum) || done.Path == "" {
		t.Errorf("%+v", done)
	}
	got := s.Get(apitest.Anonymous("jamaica"), done.Path).Want(http.StatusOK)
	if !bytes.Equal(got.Body, data) {
		t.Errorf("%d bytes come back", len(got.Body))
	}
	hardened(t, got, `attachment; filename=lesson.mp4`, "private, no-store")
	s.Send(apitest.Anonymous("jamaica"), http.MethodGet, s.URL("bahamas")+done.Path, nil).Want(http.StatusNotFound)
	s.Do(w.teacher, http.MethodDelete, uploads+"/"+u.ID.String(), nil).Want(http.StatusConflict).Problem()
	if open := apitest.As[api.List[apifiles.Upload]](s.Get(w.teacher, uploads)).Items; len(open) != 0 {
		t.Errorf("%+v", open)
	}
}

func TestUploadsAreTheirSendersAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	w := world{s, t, s.User("jamaica", "teacher")}
	u := w.begin(100)
	path := uploads + "/" + u.ID.String()
	for what, who := range map[string]struct {
		user   apitest.User
		host   string
		status int
	}{
		"another teacher":        {s.User("jamaica", "teacher"), "jamaica", http.StatusNotFound},
		"their administrator":    {s.User("jamaica", "tenant_administrator"), "jamaica", http.StatusNotFound},
		"a teacher elsewhere":    {s.User("bahamas", "teacher"), "bahamas", http.StatusNotFound},
		"a student":              {s.User("jamaica", "student"), "jamaica", http.StatusForbidden},
		"nobody":                 {apitest.Anonymous("jamaica"), "jamaica", http.StatusUnauthorized},
		"the sender, at another": {w.teacher, "bahamas", http.StatusUnauthorized},
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			if r := s.Send(who.user, method, s.URL(who.host)+path, nil); r.Status != who.status {
				t.Errorf("%s, %s: %d", what, method, r.Status)
			}
		}
		if r := w.part(who.user, who.host, u.ID, 0, noise(100)); r.Status != who.status {
			t.Errorf("%s sends: %d", what, r.Status)
		}
	}
	s.Post(s.User("jamaica", "student"), uploads, map[string]any{"purpose": "general", "name": "x", "bytes": 1}).Want(http.StatusForbidden)
	for field, body := range map[string]map[string]any{
		"body.purpose": {"purpose": "logo", "name": "x", "bytes": 1}, "body.bytes": {"purpose": "general", "name": "x", "bytes": 0}, "body.name": {"purpose": "general", "name": "", "bytes": 1},
		"body.sha256": {"purpose": "general", "name": "x", "bytes": 1, "sha256": "zz"},
	} {
		if p := s.Post(w.teacher, uploads, body).Want(http.StatusUnprocessableEntity).Problem(); len(p.Errors) != 1 || p.Errors[0].Name != field {
			t.Errorf("%v: %+v", body, p)
		}
	}
	s.Post(w.teacher, uploads, map[string]any{"purpose": "general", "name": "x", "bytes": 5 << 30}).Want(http.StatusRequestEntityTooLarge).Problem()
	w.part(w.teacher, "jamaica", u.ID, -1, nil).Want(http.StatusUnprocessableEntity)
	s.Send(w.teacher, http.MethodPatch, s.URL("jamaica")+path, noise(5)).Want(http.StatusUnprocessableEntity) // without saying where it begins
	s.Do(w.teacher, http.MethodDelete, path, nil).Want(http.StatusOK)
	s.Do(w.teacher, http.MethodDelete, path, nil).Want(http.StatusNotFound)
	w.part(w.teacher, "jamaica", u.ID, 0, noise(100)).Want(http.StatusNotFound).Problem()
	if used := s.Text("jamaica", "SELECT n::text FROM usage_counts WHERE kind = 'storage_bytes'"); used != "0" {
		t.Errorf("%s bytes are counted", used)
	}
}

// A connection that breaks in the middle of a part leaves what it brought.
func TestAPartIsCutByTheNetwork(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	w := world{s, t, s.User("jamaica", "teacher")}
	data := noise(300_000)
	u := w.begin(len(data))
	for at, to := range map[int]int{0: 123_456} {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "PATCH %s/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n%s", uploads, u.ID, s.Host("jamaica"), w.teacher.Token, at, len(data)-at, data[at:to]); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		for try := 0; ; try++ {
			now := apitest.As[apifiles.Upload](s.Get(w.teacher, uploads+"/"+u.ID.String()))
			if now.Offset == int64(to) {
				break
			}
			if time.Sleep(20 * time.Millisecond); try > 200 {
				t.Fatalf("it is at %d, %d arrived", now.Offset, to)
			}
		}
	}
	if done := apitest.As[apifiles.Upload](w.part(w.teacher, "jamaica", u.ID, 123_456, data[123_456:])); !done.Complete || done.SHA256 != fmt.Sprintf("%x", sha256.Sum256(data)) {
		t.Errorf("%+v", done)
	}
}

// Where files have a host of their own, whoever may have a file is told of it there, and nobody else is: the policy decides before a link is made.
func TestALinkToTheDistributionIsMadeAfterThePolicy(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.API.Files.By(&files.Edge{Host: "files.packages.example", KeyID: "K2JCJMDEHXQW5F", Key: key})
	w := world{s, t, s.User("jamaica", "teacher")}
	u := w.begin(3)
	done := apitest.As[apifiles.Upload](w.part(w.teacher, "jamaica", u.ID, 0, []byte("abc")).Want(http.StatusOK))
	shown := apitest.As[apifiles.Upload](s.Get(w.teacher, uploads+"/"+u.ID.String()).Want(http.StatusOK))
	for _, link := range []string{done.Path, shown.Path} {
		if at, err := url.Parse(link); err != nil || at.Host != "files.packages.example" || at.Path != "/"+s.DB("jamaica").Realm().Login+"/general/"+u.ID.String() || at.Query().Get("Signature") == "" {
			t.Errorf("%s: %v", link, err)
		}
	}
	for what, r := range map[string]*apitest.Response{
		"another teacher":       s.Get(s.User("jamaica", "teacher"), uploads+"/"+u.ID.String()).Want(http.StatusNotFound),
		"a learner":             s.Get(s.User("jamaica", "learner"), uploads+"/"+u.ID.String()).Want(http.StatusForbidden),
		"nobody":                s.Get(apitest.Anonymous("jamaica"), uploads+"/"+u.ID.String()).Want(http.StatusUnauthorized),
		"another tenant's":      s.Get(s.User("bahamas", "teacher"), uploads+"/"+u.ID.String()).Want(http.StatusNotFound),
		"of another's, a part":  w.part(s.User("jamaica", "teacher"), "jamaica", u.ID, 3, nil).Want(http.StatusNotFound),
		"the list of one's own": s.Get(s.User("jamaica", "teacher"), uploads).Want(http.StatusOK),
	} {
		if bytes.Contains(r.Body, []byte("Signature")) || bytes.Contains(r.Body, []byte("packages.example")) {
			t.Errorf("%s: %s", what, r.Body)
		}
	}
}
