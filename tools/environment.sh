#!/usr/bin/env bash
# Set up the Python environment of the checkout in .venv, from the lock file.
#
# Needs Python 3.11 or later; `PYTHON` names another interpreter. uv comes from the package
# registry into the environment itself, in the version that the lock file holds.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

is_fit() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$candidate" >/dev/null && is_fit "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  fail "no Python 3.11 or later found; install one, or name it: make PYTHON=/path/to/python"
}

# Some distributions ship Python without the parts that fill an environment with pip.
make_environment() {
  local python=$1
  if "$python" -m venv .venv >/dev/null 2>&1; then return; fi
  rm -rf .venv
  "$python" -m venv --without-pip .venv
}

install_uv() {
  local python=$1 wanted
  wanted=$(awk '/^name = "uv"$/ { getline; gsub(/version = |"/, ""); print; exit }' uv.lock)
  [ -n "$wanted" ] || fail "uv.lock does not name uv"
  if [ -x .venv/bin/uv ] && [ "$(.venv/bin/uv --version | cut -d' ' -f2)" = "$wanted" ]; then
    return
  fi
  say "uv $wanted"
  if .venv/bin/python -m pip --version >/dev/null 2>&1; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$wanted"
  elif "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip --python .venv/bin/python install --quiet "uv==$wanted"
  elif command -v uv >/dev/null; then
    uv pip install --quiet --python .venv/bin/python "uv==$wanted"
  else
    fail "neither pip nor uv found; install python3-pip (or python3-venv) and run make again"
  fi
}

python=$(find_python)
if ! { [ -x .venv/bin/python ] && is_fit .venv/bin/python; }; then
  say "Python environment in .venv ($("$python" --version))"
  rm -rf .venv
  make_environment "$python"
fi
install_uv "$python"
say "Python packages from uv.lock"
UV_PROJECT_ENVIRONMENT=.venv .venv/bin/uv sync --locked --no-install-project --inexact
