//go:build cloud

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lambdaRuntime is the part of Lambda that a custom runtime talks to: it hands out one event and takes the answer.
type lambdaRuntime struct {
	event  string
	handed bool
	answer chan string
}

func (l *lambdaRuntime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"); {
	case path == "invocation/next" && l.handed:
		<-r.Context().Done()
	case path == "invocation/next":
		l.handed = true
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "11111111-2222-3333-4444-555555555555")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(20*time.Second).UnixMilli()))
		fmt.Fprint(w, l.event)
	default: // init/error, invocation/<id>/response or error
		body, _ := io.ReadAll(r.Body)
		l.answer <- path + " " + string(body)
		w.WriteHeader(http.StatusAccepted)
	}
}

// The program itself, as Lambda runs it: with AWS out of reach it says so, in time, without secrets, and asks for a retry.
func TestTheProgramRunsInLambda(t *testing.T) {
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-tags", "timetzdata", "-o", program, ".") // compiled as for a release, whose tests find it so
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"watch", "night", "morning"} {
		t.Run(name, func(t *testing.T) {
			runtime := &lambdaRuntime{event: `{"zone": "America/Jamaica"}`, answer: make(chan string, 1)}
			server := httptest.NewServer(runtime)
			defer server.Close()
			environment(t, map[string]string{"LIGNUM_AUTOSCALE": name, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1",
				"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-real-secret",
				"AWS_LAMBDA_RUNTIME_API": strings.TrimPrefix(server.URL, "http://")})
			cmd := exec.Command(program)
			cmd.Env = os.Environ()
			var said strings.Builder
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var answer string
			select {
			case answer = <-runtime.answer:
			case <-time.After(20 * time.Second):
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if !strings.Contains(answer, "/error ") || !strings.Contains(answer, "the lock could not be asked for") {
				t.Errorf("answer %q\n%s", answer, said.String())
			}
			if strings.Contains(answer+said.String(), "not-a-real-secret") {
				t.Error("a secret is told")
			}
			first, _, _ := strings.Cut(said.String(), "\n")
			if !json.Valid([]byte(first)) || !strings.Contains(first, "11111111-2222-3333-4444-555555555555") {
				t.Errorf("log: %s", said.String())
			}
		})
	}
}
