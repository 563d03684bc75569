//go:build cloud

package files_test

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"lignum/tenants/files"
	"lignum/tests/moto"
)

// With the tag cloud all tests of this package have their buckets on an emulator of S3: what holds of a directory holds there.
func init() {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	address = func(t *testing.T) string {
		t.Helper()
		at, err := emulator()
		if err != nil {
			t.Fatal(err)
		}
		name := "files-" + uuid.NewString()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at+"/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatal(res.Status)
		}
		return fmt.Sprintf("s3://%s?region=us-east-1&endpoint=%s", name, url.QueryEscape(at))
	}
}

// emulator is one for all tests. It ends with the process, or when nobody holds stop.
var (
	emulator = sync.OnceValues(func() (at string, err error) {
		at, stop, err = moto.Start()
		return at, err
	})
	stop func()
)

// A bucket that is not there is no bucket without files: nothing is given up for lost.
func TestABucketThatIsNotThere(t *testing.T) {
	at := address(t)
	s := newShelfAt(t, at)
	s.mustPut("general", "kept")
	name, _, _ := strings.Cut(strings.TrimPrefix(at, "s3://"), "?")
	gone := newShelfAt(t, strings.Replace(at, name, "files-nowhere", 1))
	gone.db = s.db
	if err := gone.sweepAll(noon); err == nil {
		t.Error("nothing is said of it")
	}
}

// S3 answers a file with its type and as what it is offered, at the path that a link to the distribution has; of that alone a distribution knows them.
func TestS3OffersWhatALinkLeadsTo(t *testing.T) {
	at := address(t)
	s := newShelfAt(t, at)
	s.bucket.By(edge(t))
	who := s.sender()
	for name, want := range hostile {
		for _, data := range [][]byte{[]byte("%PDF-1.7"), append([]byte("%PDF-1.7"), make([]byte, files.Piece)...)} {
			u, err := s.begin(who, files.Announced{Name: name, Size: int64(len(data))})
			if err != nil {
				t.Fatal(err)
			}
			s.send(who, u.ID, 0, data)
			link, err := url.Parse(s.bucket.Link(s.db, files.General, u.ID, noon))
			if err != nil {
				t.Fatal(err)
			}
			bucket, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, bucket.Query().Get("endpoint")+"/"+bucket.Host+link.Path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x")
			req.Header.Set("Range", "bytes=1-3")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			how, told, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
			if err != nil || res.StatusCode != http.StatusPartialContent || res.Header.Get("Content-Type") != "application/pdf" || how != "attachment" || told["filename"] != strings.TrimSpace(want) {
				t.Errorf("%q: %s, %v, %v", name, res.Status, res.Header, err)
			}
		}
	}
}
