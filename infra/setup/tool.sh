#!/bin/sh
# Builds a tool of the checks, of the version that is fixed here, and prints where it is: infra/setup/tool.sh golangci-lint
# It is built once for each version of Go, since checks of code need a tool that knows the language as it is now.
set -eu

case ${1:-} in
golangci-lint) package=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 ;;
govulncheck) package=golang.org/x/vuln/cmd/govulncheck@v1.9.0 ;;
cyclonedx-gomod) package=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 ;;
*) echo "usage: $0 golangci-lint|govulncheck|cyclonedx-gomod" >&2; exit 2 ;;
esac

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
folder=$root/.lignum/tools/$(go env GOVERSION)/$1@${package##*@}
if [ ! -x "$folder/$1" ]; then
	echo "Building $1 ${package##*@} (once, some minutes on a small machine) ..." >&2
	# The lists of a release name the hash of the tool that made them, so it too is the same whatever a person has set.
	env -u GOOS -u GOARCH CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOFLAGS=-trimpath GOEXPERIMENT= GOWORK=off GOBIN="$folder" go install "$package" >&2
fi
echo "$folder/$1"
