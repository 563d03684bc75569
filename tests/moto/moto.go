// Package moto starts an emulator of AWS for tests that are run with the tag cloud (make test-cloud).
package moto

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// Start starts moto_server and gives its address, and what stops it. It ends by itself when this process does.
func Start() (url string, stop func(), err error) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		return "", nil, errors.New("these tests need moto_server: pipx install 'moto[server]'")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	log, err := os.CreateTemp("", "moto-*.log")
	if err != nil {
		return "", nil, err
	}
	// The shell ends the server when its standard input does: also when this process is killed.
	cmd := exec.Command("sh", "-c", `"$0" -H 127.0.0.1 -p "$1" & read -r _; kill $!; wait $!`, path, port)
	cmd.Stdout, cmd.Stderr = log, log
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = lifeline.Close()
		_ = cmd.Wait() // 143: ended by the signal
		_ = log.Close()
		_ = os.Remove(log.Name())
	}
	url = "http://127.0.0.1:" + port
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get(url + "/moto-api/"); err == nil {
			resp.Body.Close()
			return url, stop, nil
		}
	}
	said, _ := os.ReadFile(log.Name())
	stop()
	return "", nil, fmt.Errorf("moto_server did not answer within 30 s:\n%s", said)
}
