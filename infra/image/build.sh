#!/bin/sh
# Builds the image: infra/image/build.sh NAME[:TAG], with buildah, podman or docker, whichever there is.
#
#   PROGRAM       the program, when infra/release/program.sh has built it already
#   VERSION       what `lignum version` says, when it is built here; the revision when empty
#   CONTAINER     the program to build with, and its options before the command, such as "buildah --storage-driver vfs"
#   BUILD_FLAGS   more flags of its build command, such as "--isolation chroot"
#   GOARCH        of another machine, such as arm64; the image is marked with it
#
# The same sources and the same Go give the same program, byte for byte.
set -eu

name=${1:?usage: $0 NAME[:TAG]}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

certificates=''
for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
	if [ -s "$file" ]; then certificates=$file && break; fi
done
if [ -z "$certificates" ]; then
	echo "no CA certificates on this machine; on Debian: sudo apt-get install ca-certificates" >&2
	exit 1
fi

if [ -z "${CONTAINER:-}" ]; then
	for program in buildah podman docker; do
		if command -v "$program" >/dev/null 2>&1; then CONTAINER=$program && break; fi
	done
fi
if [ -z "${CONTAINER:-}" ]; then
	echo "neither buildah, podman nor docker is here; on Debian: sudo apt-get install --no-install-recommends buildah" >&2
	exit 1
fi
case $CONTAINER in
docker*) stamp='' ;;
*) stamp='--timestamp 0' ;; # the same program in the same image
esac

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
arch=$(go env GOARCH)
if [ -n "${PROGRAM:-}" ]; then
	cp "$PROGRAM" "$context/lignum"
else
	"$here/../release/program.sh" "$arch" "$context/lignum"
fi
cp "$here/Containerfile" "$context/Containerfile"
cp "$certificates" "$context/ca-certificates.crt"
chmod 0644 "$context/ca-certificates.crt"
mkdir "$context/files"
# shellcheck disable=SC2086 # lists of words
$CONTAINER build ${BUILD_FLAGS:-} $stamp --platform "linux/$arch" -t "$name" -f "$context/Containerfile" "$context"
