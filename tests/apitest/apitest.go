// Package apitest serves a test's world over real HTTP: the API on a listener of its own, people with tokens, and a client
// that finds every tenant's host there. Pages join by a hook, so that this package needs to know neither portal nor console.
package apitest

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"lignum/api"
	"lignum/api/areas"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/demo"
	"lignum/domain/identity"
	"lignum/infra/config"
	"lignum/infra/mailcatcher"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/packages"
	"lignum/tests/testkit"
)

// Server is a world that answers requests until its test ends.
type Server struct {
	*testkit.World
	API    *api.Server
	Mail   *mailcatcher.Catcher // takes what is sent by mail (Letters), and shows it at mail.localhost
	Port   int
	Client *http.Client // finds every *.localhost at the listener; follows no redirect
	Stop   func()       // drains and stops the server before the test's end
	keys   *sync.Map    // by slug, what keyRing gave
}

// New serves a new world with the API's routes, and whatever the hooks register: portal.Register, console.Register.
func New(t testing.TB, register ...func(*api.Server)) *Server {
	t.Helper()
	return Serve(t, testkit.New(t), register...)
}

// Demo is New with the people, courses and work of the demo countries at first sight (demo.Small), of today. They are made once a process:
// reading the packs and hashing the password takes longer than most tests.
func Demo(t testing.TB, register ...func(*api.Server)) *Server {
	t.Helper()
	hour := time.Now().UTC().Format("2006010215") // a new day, of whichever country, makes them anew
	return Serve(t, testkit.Filled(t, "demo"+hour, func(w *testkit.World) error {
		bucket, err := files.Open(t.Context(), t.TempDir())
		if err != nil {
			return err
		}
		_, err = demo.Small(t.Context(), demo.NewInput(w.Store, w.Registry, bucket, tenants.PlatformRealm(testkit.Installation)))
		return err
	}), register...)
}

// Import imports a pack that comes with the program, with its pictures. Where Demo did so, the bytes of the pictures come into this server's bucket.
func (s *Server) Import(slug, name string) {
	s.T.Helper()
	source, err := packs.Open(name)
	if err != nil {
		s.T.Fatal(err)
	}
	p, err := pack.Read(source)
	if err != nil {
		s.T.Fatal(err)
	}
	if _, err := catalog.ImportPack(s.T.Context(), s.DB(slug), s.API.Files, s.Actor, p, false, time.Now().UTC()); err != nil {
		s.T.Fatal(err)
	}
}

// Package stores a package of some files, by their paths.
func (s *Server) Package(slug, title string, entries map[string]string) *packages.Package {
	s.T.Helper()
	archive := Zip(s.T, entries)
	p, err := packages.Store(s.T.Context(), s.API.Files, s.DB(slug), audit.Actor{Name: "operator", Realm: "platform"}, title, bytes.NewReader(archive), int64(len(archive)), time.Now().UTC())
	if err != nil {
		s.T.Fatal(err)
	}
	return p
}

// Zip is an archive of some files, by their paths.
func Zip(t testing.TB, entries map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(entries[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// builtIn are the rules of the program, which no server changes: compiling and testing them takes half a second.
var builtIn = sync.OnceValues(func() (*policy.Engine, error) { return policy.NewEngine(nil) })

// Serve serves a world that is there already, with what the test changed in it before. The port is part of a realm's address
// in tokens, so a token of one server is none of another's.
func Serve(t testing.TB, w *testkit.World, register ...func(*api.Server)) *Server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{World: w, Port: ln.Addr().(*net.TCPAddr).Port, Client: client(ln.Addr().String(), "127.0.0.1"), keys: new(sync.Map)}
	t.Cleanup(s.Client.CloseIdleConnections)
	rules, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	if w.Provisioner != nil {
		w.Provisioner.FirstAdministrator = identity.FirstAdministrator
	}
	bucket, err := files.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if s.Mail, err = mailcatcher.Start(mailcatcher.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Mail.Close)
	s.API, err = api.New(api.Deps{Config: s.config(), Files: bucket, Mailbox: s.Mail, Store: w.Store, Registry: w.Registry, Rules: rules, Provisioner: w.Provisioner,
		Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn})), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	areas.Register(s.API)
	for _, fn := range register {
		fn(s.API)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.API.Serve(ctx, ln) }()
	s.Stop = sync.OnceFunc(func() {
		s.Client.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) config() *config.Config {
	return &config.Config{Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", BaseDomain: "localhost", SandboxDomain: "sandbox.localhost", Scheme: "http", PublicPort: s.Port,
		Installation: testkit.Installation, MasterKey: base64.StdEncoding.EncodeToString(make([]byte, 32)), Database: s.Database,
		Proxy: "127.0.0.1:1", DrainTime: 5 * time.Second, LogLevel: "warn"}
}

// From is the same server as somebody at another address of the loopback network sees it, such as "127.0.0.2".
func (s *Server) From(address string) *Server {
	other := *s
	other.Client = client(fmt.Sprintf("127.0.0.1:%d", s.Port), address)
	s.T.Cleanup(other.Client.CloseIdleConnections)
	return &other
}

// client reaches the listener under any host name, so that no resolver is asked.
func client(address, from string) *http.Client {
	dialer := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		}},
	}
}

// testLog puts the server's warnings into the test's output.
type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("server: %s", line)
	return len(line), nil
}
