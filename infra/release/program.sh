#!/bin/sh
# Builds the program for Linux as it is delivered, with time zones in it: infra/release/program.sh ARCH OUT
#
#   VERSION   what `lignum version` says; the revision when empty
#
# The same sources and the same Go give the same bytes, whatever a person has set for other work.
set -eu

arch=${1:?usage: $0 ARCH OUT}
case ${2:?usage: $0 ARCH OUT} in
/*) out=$2 ;;
*) out=$PWD/$2 ;;
esac
cd -- "$(dirname -- "$0")/../.."
version=${VERSION:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo development)}
# GOFLAGS is not left empty: what `go env -w` keeps would then hold.
CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOAMD64=v1 GOARM64=v8.0 GOFLAGS=-trimpath GOEXPERIMENT='' GOWORK=off \
	go build -buildvcs=false -tags timetzdata -ldflags "-s -w -buildid= -X main.version=$version" -o "$out" ./api/cmd/lignum
