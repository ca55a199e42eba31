# Sourced by bin/quickstart and bin/test: leaves $python as one that has rdl and the extras in $1 installed.
# The user's active environment is taken if it has them; else the checkout's .venv, made if need be.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"

has_everything() {  # a Python, and the modules it must be able to find
  local python="$1"
  shift
  "$python" - "$@" >/dev/null 2>&1 <<'PY'
import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))
PY
}

find_base_python() {
  local candidate
  for candidate in python3 python3.11 python3.12 python3.13 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$candidate"
      return
    fi
  done
  echo "error: rdl needs Python 3.11 or newer, and found none: install it, then run this again." >&2
  exit 2
}

set_up() {  # extras for pip, then the modules that show they are there
  local extras="$1"
  shift
  local base
  base="$(find_base_python)" || exit 2
  if has_everything "$base" "$@"; then
    python="$base"
    return
  fi
  if [ -n "${VIRTUAL_ENV:-}" ]; then
    python="$VIRTUAL_ENV/bin/python"
  else
    python="$root/.venv/bin/python"
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      if ! "$base" -c 'import ensurepip, venv' >/dev/null 2>&1; then  # Debian and Ubuntu leave these out of python3
        echo "error: $base cannot make an environment: apt install python3-venv (or your system's package of Python's" \
          "venv), then run this again; or install rdl in an environment of your own by pip install ." >&2
        exit 2
      fi
      echo "Making the environment .venv .."
      "$base" -m venv --clear .venv
    fi
  fi
  if ! has_everything "$python" "$@"; then
    echo "Installing rdl and its packages (some minutes, once) .."
    "$python" -m pip install --quiet --disable-pip-version-check --editable ".$extras"
  fi
}
