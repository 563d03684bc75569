package main

import (
	"context"
	"encoding/base64"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// installed makes a world and lets commands find it, as an operator's environment does.
func installed(t *testing.T) *testkit.World {
	t.Helper()
	w := testkit.New(t)
	for name, value := range map[string]string{"BASE_DOMAIN": "localhost", "SCHEME": "http", "INSTALLATION": testkit.Installation, "DATABASE": w.Database, "SSLMODE": "disable",
		"PROXY": net.JoinHostPort(w.Cluster.ProxyHost(), strconv.Itoa(w.Cluster.ProxyPort())), "DATABASE_CORES": "4", "FILES": t.TempDir(), "MAIL_SERVER": "off"} {
		t.Setenv("LIGNUM_"+name, value)
	}
	return w
}

// command runs one command line in this process and gives what it printed.
func command(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	return commandIn(t, t.Context(), args...)
}

func commandIn(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	t.Setenv("LIGNUM_MASTER_KEY", base64.StdEncoding.EncodeToString(testkit.MasterKey)) // each command takes it out of the environment
	out, errOut := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = out, errOut }()
	var files [2]*os.File
	for i := range files {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	os.Stdout, os.Stderr = files[0], files[1]
	err := run(ctx, args)
	if _, seekErr := files[0].Seek(0, io.SeekStart); seekErr != nil {
		t.Fatal(seekErr)
	}
	printed, readErr := io.ReadAll(files[0])
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(printed), err
}

// must runs a command that has to work.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("lignum %s: %s\n%s", strings.Join(args, " "), explain(err), out)
	}
	return out
}

// refused runs a command that has to fail, for a reason with these words.
func refused(t *testing.T, words string, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err == nil {
		t.Fatalf("lignum %s was not refused:\n%s", strings.Join(args, " "), out)
	}
	if text := explain(err); !strings.Contains(text, words) {
		t.Errorf("lignum %s: %q does not say %q", strings.Join(args, " "), text, words)
	}
	return out
}

// wants checks that a text holds all of the words.
func wants(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func TestEveryCommandHelps(t *testing.T) {
	leaves := 0
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		name := strings.Join(path, " ")
		if len(cmd.Short) < 10 || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short is %q", name, cmd.Short)
		}
		wants(t, must(t, append(path, "--help")...), "Usage:", "lignum "+name)
		if cmd.HasSubCommands() {
			for _, sub := range cmd.Commands() {
				walk(sub, append(append([]string{}, path...), sub.Name()))
			}
			return
		}
		leaves++
		if strings.Contains(cmd.Use, " ") && !strings.Contains(cmd.Example, "lignum "+name+" ") {
			t.Errorf("%s takes arguments, and its Example does not show it: %q", name, cmd.Example)
		}
		if cmd.Args == nil {
			t.Errorf("%s does not say how many arguments it takes", name)
		}
	}
	for _, cmd := range commands() {
		walk(cmd, []string{cmd.Name()})
	}
	if leaves < 20 {
		t.Errorf("only %d commands were looked at", leaves)
	}
}

func TestUnknownRealm(t *testing.T) {
	installed(t)
	for _, args := range [][]string{{"user", "list", "atlantis"}, {"audit", "tail", "atlantis"}, {"content", "import", "atlantis", "--builtin", "bgcse-biology"},
		{"policy", "explain", "atlantis", "course.read", "--role", "student"}} {
		refused(t, "no", args...)
	}
	refused(t, "TENANT: must be the slug of a tenant", "content", "import", "platform", "--builtin", "bgcse-biology")
}
