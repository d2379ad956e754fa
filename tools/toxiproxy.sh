#!/usr/bin/env bash
# Install the pinned Toxiproxy server outside the checkout and print its folder; nothing without go.
#
# The folder is $GOBIN, or one of its own in the cache. Put it on the path.
set -euo pipefail

version=v2.5.0
cache="${XDG_CACHE_HOME:-$HOME/.cache}/trine-toxiproxy-$version"
program=toxiproxy-server

if command -v "$program" >/dev/null; then
  dirname "$(command -v "$program")"
  exit
fi
if ! command -v go >/dev/null; then
  echo "no go: $program is not installed" >&2
  exit
fi
folder="${GOBIN:-$cache}"
if [ ! -x "$folder/$program" ]; then
  mkdir -p "$folder"
  # What is built is called `server`; in a folder of its own nothing else is.
  built="$(mktemp -d "$folder/toxiproxy.XXXXXX")"
  trap 'rm -rf "$built"' EXIT
  GOBIN="$built" go install "github.com/Shopify/toxiproxy/v2/cmd/server@$version"
  mv "$built/server" "$folder/$program"
fi
echo "$folder"
