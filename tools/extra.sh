#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs what some tests need and nothing else does, from its lock in requirements/. They call it by themselves.
#   sh tools/extra.sh NAME      into .venv-NAME/
#     awx        ansible-runner, ansible-builder, and the collection awx.awx in .venv-awx/collections/
#     eda        ansible-rulebook, and as root a Java runtime where there is none (as another user it is named)
#     emulators  a Redfish emulator, and the collection community.general beside the ansible-core in .venv/
#     roundup    a ticket system

set -eu
cd "$(dirname "$0")/.."
name=$1
lock=requirements/$name.txt
venv=.venv-$name
stamp=$venv/stamp
collection='' folder='' java=no
case $name in
    awx) collection=awx/awx folder=$venv/collections ;;
    eda) java=yes ;;
    emulators)
        collection=community/general
        folder=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        ;;
    roundup) ;;
    *) echo "tools/extra.sh: no '$name'; there are awx, eda, emulators, roundup" >&2 && exit 2 ;;
esac
wanted=$(cat "$lock" requirements/collections.txt "$0" | cksum)

has_java() { [ $java = no ] || command -v java >/dev/null 2>&1; }
has_collection() { [ -z "$collection" ] || [ -d "$folder/ansible_collections/$collection" ]; }
up_to_date() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && has_java && has_collection; }

if up_to_date; then exit 0; fi
exec 9< "$lock"
flock 9
if up_to_date; then exit 0; fi

if ! has_java; then # of version 17 or newer
    package=default-jre-headless
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "tools/extra.sh: there is no java. As root: apt-get install $package, or a runtime of Java 17 or newer" >&2
        exit 3
    fi
    echo "Installing $package (Debian) ..." >&2
    export DEBIAN_FRONTEND=noninteractive
    install_java() { apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$package" >/dev/null; }
    install_java 2>/dev/null || { apt-get -qq update >/dev/null && install_java; }
fi

echo "Installing requirements/$name.txt into $venv ..." >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m venv --clear "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input --quiet"
if [ "$name" = roundup ]; then
    # There is no wheel of it. It is built by the setuptools of the lock, and not by whatever is the newest today.
    sed -n '/^setuptools==/,$p' "$lock" > "$work/builder"
    sed '/^setuptools==/,$d' "$lock" > "$work/rest"
    $pip install --no-deps --require-hashes --only-binary :all: --requirement "$work/builder"
    $pip install --no-deps --require-hashes --no-build-isolation --requirement "$work/rest"
else
    $pip install --no-deps --require-hashes --only-binary :all: --requirement "$lock"
fi
if ! has_collection; then
    $pip download --no-deps --require-hashes --dest "$work" --requirement requirements/collections.txt
    .venv/bin/python - "$work"/ansible-*.whl "$folder" "ansible_collections/$collection/" <<'SCRIPT'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(sys.argv[3])])
SCRIPT
fi
echo "$wanted" > "$stamp"
