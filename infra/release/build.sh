#!/bin/sh
# Builds into dist/:
#
#   lignum-linux-ARCH                                 the program, with time zones in it
#   lignum-image-ARCH.tar                             the container image, with that program: an OCI archive that docker load
#                                                     reads as well as podman, buildah, skopeo and containerd
#   autoscale.zip                                     the autoscaler's functions for Lambda, on arm64
#   lignum-linux-ARCH.cdx.json, autoscale.cdx.json    what is in each program: modules, versions, hashes (CycloneDX)
#   SHA256SUMS                                        the hashes of all that
#
#   ARCHES   for which machines; "amd64 arm64" when empty
#
# There is a dist/ only when all of it is built. On the same kind of machine the same sources, Go, buildah and CA certificates
# give the same bytes. The version is the commit's tag, else its hash.
set -eu

cd -- "$(dirname -- "$0")/../.."
rm -rf dist
version=$(git describe --tags --exact-match 2>/dev/null || git rev-parse --short=12 HEAD)
sbom=$(infra/setup/tool.sh cyclonedx-gomod)
mkdir -p .lignum
work=$(mktemp -d "$PWD/.lignum/release.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
out=$work/dist
mkdir "$out"

# What a person has set for other work changes no byte. Helpers are built as the program is, so that little is compiled twice.
unset GOOS GOARCH
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOFLAGS='-trimpath -tags=timetzdata' GOEXPERIMENT= GOWORK=off
go build -o "$work/validate" ./infra/release/validate
list() { # list PROGRAM OUT: read from the program itself; without times and random numbers, which would differ each time
	"$sbom" bin -json -std -noserial -notimestamp -version "$version" -output "$2" "$1"
	"$work/validate" "$1" "$2"
}

for_docker() { # for_docker FOLDER: older Dockers find an image by a list of their own, which may lie in an OCI archive
	blobs() { sed 's/"digest":"sha256:/\n&/g' "$1" | sed -n 's/^"digest":"sha256:\([0-9a-f]*\)".*/\1/p'; }
	manifest=$(blobs "$1/index.json")
	# shellcheck disable=SC2046 # a list of words: the settings, then the one layer
	printf '[{"Config":"blobs/sha256/%s","RepoTags":["lignum:'"$version"'"],"Layers":["blobs/sha256/%s"]}]\n' $(blobs "$1/blobs/sha256/$manifest") >"$1/manifest.json"
}

# The image is made in a store of its own, without overlays and namespaces: this machine's images stay as they are.
buildah="buildah --root $work/root --runroot $work/run --storage-driver vfs"
for arch in ${ARCHES:-amd64 arm64}; do
	program=$out/lignum-linux-$arch
	VERSION=$version infra/release/program.sh "$arch" "$program"
	list "$program" "$program.cdx.json"
	GOARCH=$arch PROGRAM=$program CONTAINER=$buildah BUILD_FLAGS='--isolation chroot' infra/image/build.sh "lignum:$version-$arch"
	$buildah push --quiet "localhost/lignum:$version-$arch" "oci:$work/image-$arch:lignum:$version"
	for_docker "$work/image-$arch"
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
		-C "$work/image-$arch" -cf "$out/lignum-image-$arch.tar" blobs index.json manifest.json oci-layout
done

go run ./api/cmd/lignum deploy check
go run ./api/cmd/lignum deploy zip --out "$out/autoscale.zip" >/dev/null # its hash is told at the end
unzip -q -d "$work" "$out/autoscale.zip" bootstrap
list "$work/bootstrap" "$out/autoscale.cdx.json"

(cd "$out" && for file in *; do sha256sum "$file"; done) >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" "$out"
mv "$out" dist
cat dist/SHA256SUMS
