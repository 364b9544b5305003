/**
 * The shell script that installs the program on Linux and macOS.
 *
 * @module
 */

/**
 * The script, with the checksums of the archives in it: a changed archive is not installed, wherever it lies.
 *
 * @param files what is installed, by its path under the prefix, so that it can be taken away again
 */
export function installer(
  version: string,
  checksums: ReadonlyMap<string, string>,
  files: readonly string[],
): string {
  const table = [...checksums].map(([file, checksum]) => `    ${file}) echo ${checksum} ;;`).join("\n");
  return `#!/bin/sh
# Installs apex-token ${version}.
#
#   sh install.sh [--from URL-OR-FOLDER] [--prefix FOLDER]
#   sh install.sh --remove [--prefix FOLDER]
#
# --from    where the archives are; default: the folder of this script
# --prefix  where to; default: ~/.local
# --remove  takes away what this script has installed there; profiles and sign-ins stay
set -eu

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

checksum_of() {
  case $1 in
${table}
    *) fail "there is no apex-token ${version} for this machine ($1)" ;;
  esac
}

from=$(cd "$(dirname "$0")" && pwd)
prefix=
remove=
while [ $# -gt 0 ]; do
  case $1 in
    --from) from=\${2:?--from needs a URL or a folder}; shift 2 ;;
    --prefix) prefix=\${2:?--prefix needs a folder}; shift 2 ;;
    --remove) remove=yes; shift ;;
    *) fail "unknown option $1; there are --from, --prefix and --remove" ;;
  esac
done
[ -n "$prefix" ] || prefix=\${HOME:?is not set; name a folder with --prefix}/.local

if [ -n "$remove" ]; then
  [ -e "$prefix/bin/apex-token" ] || fail "there is no apex-token in $prefix/bin"
  while read -r file; do
    rm -f "$prefix/$file"
  done <<EOF
${files.join("\n")}
EOF
  rmdir "$prefix/share/doc/apex-token" "$prefix/share/apex-token" 2>/dev/null || true
  echo "apex-token is no longer in $prefix/bin. Profiles and sign-ins are where they were." >&2
  exit 0
fi

case $(uname -s) in
  Linux) system=linux ;;
  Darwin) system=macos ;;
  *) fail "this script is for Linux and macOS; for Windows take the .zip" ;;
esac
case $(uname -m) in
  x86_64 | amd64) machine=x64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) fail "there is no apex-token for $(uname -m)" ;;
esac
libc=
if [ "$system" = linux ] && ! [ -e /lib64/ld-linux-x86-64.so.2 ] && ! [ -e /lib/ld-linux-aarch64.so.1 ]; then
  libc=-musl
fi

name=apex-token-${version}-$system-$machine$libc
archive=$name.tar.gz
expected=$(checksum_of "$archive")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

case $from in
  https://*)
    if command -v curl >/dev/null; then
      curl -fsSL --proto =https --tlsv1.2 -o "$scratch/$archive" "\${from%/}/$archive" || fail "cannot fetch $archive"
    elif command -v wget >/dev/null; then
      wget -q --https-only -O "$scratch/$archive" "\${from%/}/$archive" || fail "cannot fetch $archive"
    else
      fail "curl or wget is needed"
    fi
    ;;
  *://*) fail "only https:// is fetched" ;;
  *) cp "$from/$archive" "$scratch/$archive" || fail "there is no $archive in $from" ;;
esac

if command -v sha256sum >/dev/null; then
  actual=$(sha256sum "$scratch/$archive" | cut -d ' ' -f 1)
elif command -v shasum >/dev/null; then
  actual=$(shasum -a 256 "$scratch/$archive" | cut -d ' ' -f 1)
else
  fail "sha256sum or shasum is needed"
fi
[ "$actual" = "$expected" ] || fail "$archive is not the one that was released: its SHA-256 is $actual, not $expected"

tar -xzf "$scratch/$archive" -C "$scratch"
mkdir -p "$prefix"
(cd "$scratch/$name" && tar -cf - bin share) | (cd "$prefix" && tar -xf -)
if ! "$prefix/bin/apex-token" --version >/dev/null 2>&1; then
  [ -z "$libc" ] || fail "it is in $prefix/bin and does not start; it needs libstdc++ (Alpine: apk add libstdc++ libgcc)"
  fail "it is in $prefix/bin and does not start: $("$prefix/bin/apex-token" --version 2>&1 | head -n 1)"
fi
echo "apex-token ${version} is in $prefix/bin." >&2
case :$PATH: in
  *:"$prefix/bin":*) echo "Next: apex-token login" >&2 ;;
  *) echo "Put it on your PATH: export PATH=\\"$prefix/bin:\\$PATH\\"" >&2 ;;
esac
`;
}
