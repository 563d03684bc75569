package aws

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// AutoscalePackage is the program of the three functions, from the root of the source.
const AutoscalePackage = "./infra/autoscale/cmd/autoscale"

// buildFlags and buildEnvironment leave nothing of the place and the time of a build in the program: whoever builds the
// same source with the same Go gets the same bytes, and can check what runs in the cloud. GOFLAGS is not left empty: what
// `go env -w` keeps would then hold.
var (
	buildFlags       = []string{"build", "-buildvcs=false", "-ldflags=-s -w -buildid="}
	buildEnvironment = []string{"GOOS=linux", "GOARCH=arm64", "GOARM64=v8.0", "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOEXPERIMENT=", "GOWORK=off"}
)

// BuildZip builds the Go program pkg, in the source tree dir, for Lambda's provided.al2023 on arm64, and writes it as
// bootstrap into a zip file at out. It gives the SHA-256 of the zip in hexadecimal.
func BuildZip(ctx context.Context, dir, pkg, out string) (sum string, err error) {
	temp, err := os.MkdirTemp("", "lignum-zip-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	program := filepath.Join(temp, "bootstrap")
	build := exec.CommandContext(ctx, "go", append(buildFlags, "-o", program, pkg)...)
	build.Dir = dir
	build.Env = append(os.Environ(), buildEnvironment...)
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s (run this in the root of the source, with Go installed): %w\n%s", pkg, err, bytes.TrimSpace(said))
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	packed, err := packBootstrap(data)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(out, packed, 0o644); err != nil {
		return "", err
	}
	hash := sha256.Sum256(packed)
	return hex.EncodeToString(hash[:]), nil
}

// packBootstrap zips a program with a fixed time and mode; the first time that a zip can hold is 1980.
func packBootstrap(program []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, bytes.NewReader(program)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
