#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes the locks in requirements/ anew from the .in files: newest versions, exact, with hashes.
# Needs PyPI; the resolver (uv) is put into an environment of its own, because it can solve for other Pythons, too.

set -eu
cd "$(dirname "$0")/.."
venv=.venv-lock
[ -x "$venv/bin/uv" ] || { "${PYTHON:-python3}" -m venv --clear "$venv" && "$venv/bin/python" -m pip install --quiet uv; }

compile() { # source, lock, options ...
    source=$1 lock=$2
    shift 2
    "$venv/bin/uv" pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate "$@" "$source" --output-file "$lock.new"
    { echo "# Made by 'make lock' from $source: do not edit."; cat "$lock.new"; } > "$lock"
    rm -f "$lock.new"
    echo "$lock: $(grep -c '==' "$lock") packages, $(grep -o '^ansible-core==[0-9.]*' "$lock")"
}

for version in 3.11 3.12 3.13; do
    compile requirements/toolchain.in "requirements/py$(echo "$version" | tr -d .).txt" \
        --python-version "$version" --python-platform linux
done
compile requirements/compat-2.16.in requirements/compat-2.16.txt --universal --python-version 3.10
compile requirements/compat-2.21.in requirements/compat-2.21.txt --universal --python-version 3.12
compile requirements/emulators.in requirements/emulators.txt --universal --python-version 3.11
compile requirements/awx.in requirements/awx.txt --universal --python-version 3.11
compile requirements/roundup.in requirements/roundup.txt --universal --python-version 3.11
compile requirements/eda.in requirements/eda.txt --universal --python-version 3.11
