# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a host: where is each message whose ident begins so? Prints JSON: ident -> places.

It reads the files themselves, not what a server says of them: a server that has lost one would not know of it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
HOMES = "home"


def queue_directory() -> str:
    """Where Postfix has its queue."""
    asked = subprocess.run(
        ["postconf", "-h", "queue_directory"], capture_output=True, text=True, timeout=20, check=False
    )
    return asked.stdout.strip() or "/var/spool/postfix"


def files(folder: str) -> list[str]:
    """Every file below a folder."""
    return [os.path.join(place, name) for place, _folders, names in os.walk(folder) for name in names]


def idents(path: str, pattern: re.Pattern[bytes]) -> set[str]:
    """Idents in a file; none when it has gone meanwhile."""
    try:
        with open(path, "rb") as stream:
            return {found.decode() for found in pattern.findall(stream.read(65536))}
    except OSError:
        return set()


def look(prefix: str, root: str = "/") -> dict[str, list[str]]:
    """One look at all places; a message on its way between two of them may be missed, or be seen in both."""
    pattern = re.compile(rb"Message-ID: <(" + re.escape(prefix.encode()) + rb"[\w.-]+)@", re.I)
    found: dict[str, list[str]] = {}
    for queue in QUEUES:
        for path in files(os.path.join(root, queue_directory().lstrip("/"), queue)):
            for ident in idents(path, pattern):
                found.setdefault(ident, []).append("queue")
    homes = os.path.join(root, HOMES)
    for user in sorted(os.listdir(homes)):
        for part in ("new", "cur"):
            for path in files(os.path.join(homes, user, "Maildir", part)):
                for ident in idents(path, pattern):
                    found.setdefault(ident, []).append(user)
    return found


def under_mounts(prefix: str) -> dict[str, list[str]]:
    """What lies below the volumes that a fault has mounted over mailboxes and queue."""
    with tempfile.TemporaryDirectory(dir="/run") as place:
        subprocess.run(["mount", "--bind", "/", place], timeout=20, check=True)
        try:
            return look(prefix, place)
        finally:
            subprocess.run(["umount", place], timeout=20, check=True)


def main() -> None:
    """Look until two looks agree: then nothing was on its way."""
    prefix = sys.argv[1]
    before = look(prefix)
    for dummy in range(40):
        time.sleep(0.5)
        now = look(prefix)
        if now == before:
            break
        before = now
    hidden = {ident: where for ident, where in under_mounts(prefix).items() if ident not in before}
    print(json.dumps({**before, **hidden}))


main()
