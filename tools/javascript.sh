#!/usr/bin/env bash
# Test the verifier for browsers and Node. Whoever has no Node builds and uses the rest; in CI it
# may not be missing.
set -euo pipefail
cd "$(dirname "$0")/../clients/verify-js"

if ! command -v npm >/dev/null; then
  echo 'npm is missing (Node 20.19 or later has it): the JavaScript verifier is not tested' >&2
  [ -z "${CI:-}" ]
  exit
fi
npm ci --no-audit --no-fund --loglevel=error
npm test
