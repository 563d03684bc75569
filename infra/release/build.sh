#!/bin/sh
# Builds into dist/:
#
#   lignum-linux-amd64, lignum-linux-arm64   the program, with time zones in it
#   autoscale.zip                            the autoscaler's functions for Lambda
#   lignum-image-ARCH.tar                    the container image (an OCI archive) for this machine's architecture, or GOARCH
#   lignum.cdx.json, autoscale.cdx.json      what is in the programs: modules, their versions and hashes (CycloneDX)
#   SHA256SUMS                               the hashes of all that
#
#   ARCHES   for which machines the program is built; "amd64 arm64" when empty
#
# The same sources, Go and buildah give the same bytes. The version is the commit's tag, else its hash.
set -eu

cd -- "$(dirname -- "$0")/../.."
version=$(git describe --tags --exact-match 2>/dev/null || git rev-parse --short=12 HEAD)
sbom=$(infra/setup/tool.sh cyclonedx-gomod)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rm -rf dist
mkdir dist
for arch in ${ARCHES:-amd64 arm64}; do # as infra/image/build.sh and the plan of a deployment build it
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOFLAGS='' go build -trimpath -buildvcs=false -tags timetzdata \
		-ldflags "-s -w -buildid= -X main.version=$version" -o "dist/lignum-linux-$arch" ./api/cmd/lignum
done
go run ./api/cmd/lignum deploy check
go run ./api/cmd/lignum deploy zip --out dist/autoscale.zip

# The image is made in a store of its own, without overlays and namespaces: this machine's images stay as they are.
buildah="buildah --root $work/root --runroot $work/run --storage-driver vfs"
VERSION=$version CONTAINER=$buildah BUILD_FLAGS='--isolation chroot' infra/image/build.sh "lignum:$version"
$buildah push --quiet "localhost/lignum:$version" "oci:$work/image:lignum:$version"
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
	-C "$work/image" -cf "dist/lignum-image-$(go env GOARCH).tar" blobs index.json oci-layout

# Read from the programs themselves; without times and random numbers, which would differ each time.
unzip -q -d "$work" dist/autoscale.zip bootstrap
list() { # list PROGRAM OUT
	"$sbom" bin -json -std -noserial -notimestamp -version "$version" -output "$2" "$1"
}
list "dist/lignum-linux-$arch" dist/lignum.cdx.json
list "$work/bootstrap" dist/autoscale.cdx.json

cd dist
for file in *; do sha256sum "$file"; done >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" SHA256SUMS
cat SHA256SUMS
