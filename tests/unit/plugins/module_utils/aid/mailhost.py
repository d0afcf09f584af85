# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail host in a directory: a queue of real queue files, its configuration, and programs that work on them."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.mailops.triage.plugins.module_utils._aid import state
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.here import Here
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.look import Look
from ansible_collections.mailops.triage.plugins.module_utils._aid.contain.run import Containment
from ansible_collections.mailops.triage.plugins.module_utils._facts.sessions import Session

_POSTCONF = """
import sys
path, words = ROOT + "/main.cf", sys.argv[1:]
lines = open(path).read().splitlines()
if words == ["-n"]:
    print("\\n".join(lines))
elif words[:2] == ["-x", "-h"]:
    print(dict(line.split(" = ", 1) for line in lines).get(words[2], ""))
elif words[0] in ("-e", "-X"):
    for word in words[1:]:
        name = word.partition("=")[0]
        new = [] if words[0] == "-X" else [name + " = " + word.partition("=")[2]]
        place = [number for number, line in enumerate(lines) if line.startswith(name + " = ")]
        lines = lines[: place[0]] + new + lines[place[0] + 1 :] if place else lines + new
    open(path, "w").write("".join(line + "\\n" for line in lines))
"""
_POSTSUPER = """
import os, sys
source, targets = ("incoming", "active", "deferred"), ("hold",)
if sys.argv[1] == "-H":
    source, targets = targets, ("deferred",)
for number in sys.stdin.read().split():
    for queue in source:
        path = ROOT + "/queue/" + queue + "/" + number
        if os.path.exists(path):
            os.rename(path, ROOT + "/queue/" + targets[0] + "/" + number)
open(ROOT + "/calls", "a").write("postsuper " + sys.argv[1] + "\\n")
"""
_DOVECONF = """
import sys
text = open(ROOT + "/dovecot/dovecot.conf").read()
print("# 2.3.19.1 (9b53102964): " + ROOT + "/dovecot/dovecot.conf")
for line in text.splitlines():
    if line.startswith("!include_try "):
        text += open(ROOT + "/dovecot/" + line.split()[1]).read()
if "broken" in text or "process_limit = 13\\n" in text:
    sys.exit("doveconf: Fatal: Error in configuration file")
"""
_NFT = """
import json, re, sys
path = ROOT + "/table.json"
table = json.load(open(path)) if ROOT and __import__("os").path.exists(path) else {}
if sys.argv[1] == "-j":
    if not table:
        sys.exit("Error: No such file or directory")
    told = []
    for name, members in table.items():
        elements = [{"elem": {"val": {"prefix": dict(zip(("addr", "len"), one.split("/")))}}} for one in members]
        for one in elements:
            one["elem"]["val"]["prefix"]["len"] = int(one["elem"]["val"]["prefix"]["len"])
        told.append({"set": {"name": name, "elem": elements}})
        told.append({"rule": {"expr": [{"match": {"right": "@" + name}}]}})
    print(json.dumps({"nftables": told}))
else:
    script = sys.stdin.read()
    open(ROOT + "/nft-script", "w").write(script)
    if "-c" not in sys.argv:
        for line in script.splitlines():
            words = line.split()
            if line.startswith("add set"):
                table.setdefault(words[4], [])
            elif line.startswith("add element"):
                table[words[4]].append(words[6])
            elif line.startswith("delete element"):
                table[words[4]].remove(words[6])
            elif line.startswith("delete table"):
                table = {}
        json.dump(table, open(path, "w"))
"""
_SAY = """
import sys
open(ROOT + "/calls", "a").write(" ".join([NAME] + sys.argv[1:]) + "\\n")
"""


class Timer:
    """Stands for the timer of systemd: remembers that it was asked for."""

    def __init__(self) -> None:
        self.installed = 0
        self.why = ""

    def check(self, here: Here) -> str:
        """Why there is none."""
        return self.why

    def install(self, here: Here) -> None:
        """Have it."""
        self.installed += 1


class MailHost:
    """The host, and the remedy on it."""

    def __init__(self, root: Path, without: tuple[str, ...] = ()) -> None:
        self.root = root
        for queue in ("incoming", "active", "deferred", "hold"):
            (root / "queue" / queue).mkdir(parents=True)
        (root / "programs").mkdir()
        (root / "dovecot").mkdir()
        self.main_cf, self.dovecot_conf = root / "main.cf", root / "dovecot" / "dovecot.conf"
        self.main_cf.write_text("compatibility_level = 3.6\nmynetworks = 127.0.0.0/8 192.0.2.0/28\n", encoding="utf-8")
        self.dovecot_conf.write_text("protocols = imap\n", encoding="utf-8")
        programs = {"postconf": _POSTCONF, "postsuper": _POSTSUPER, "doveconf": _DOVECONF, "nft": _NFT}
        for name in ("postfix", "doveadm", "ss", "ip", "systemctl"):
            programs[name] = _SAY
        for name, code in programs.items():
            if name not in without:
                self.program(name, code)
        self.memory = state.State(str(root / "state"))
        self.here = Here(folder=self.memory.folder, programs=str(root / "programs"), etc=str(root / "etc"))
        self.here.proc = str(root / "proc")
        (root / "proc").mkdir()
        self.timer = Timer()
        self.look = Look([], [], 4 << 30, 12 << 20, 10, str(root / "queue"))
        self.take: Callable[[], Look] = lambda: self.look

    def program(self, name: str, code: str) -> None:
        """A program of the host."""
        path = self.root / "programs" / name
        path.write_text(f"#!{sys.executable}\nROOT, NAME = {str(self.root)!r}, {name!r}\n{code}", encoding="utf-8")
        path.chmod(0o755)

    def contain(self, check: bool = False, run: str = "run-1", **options: Any) -> dict[str, Any]:
        """One call of the remedy."""
        asked: dict[str, Any] = {"state": "present", "expires": 600, "prolong": False, "protect": []}
        asked.update({"guard": {"run": run, "wait": 0.0}}, **options)
        one = Containment(asked, check, self.memory, self.here, self.take, self.timer)
        result: dict[str, Any] = one.run()
        result["diff"] = one.diff
        return result

    def mail(self, queue: str, number: str, **envelope: Any) -> None:
        """A message in the queue."""
        (self.root / "queue" / queue / number).write_bytes(queue_file(**envelope))

    def process(self, pid: int, name: str, queue: str = "queue", started: int = 1000) -> None:
        """A process of Postfix."""
        folder = self.root / "proc" / str(pid)
        folder.mkdir()
        numbers = " ".join(["0"] * 18)
        (folder / "stat").write_text(f"{pid} ({name}) S 1 {numbers[:-2]} {started} 0 1 0\n", encoding="utf-8")
        (folder / "cwd").symlink_to(self.root / queue)

    def gone(self, pid: int) -> None:
        """It has ended."""
        shutil.rmtree(self.root / "proc" / str(pid))

    def queue(self, name: str) -> list[str]:
        """Queue ids in one queue."""
        return sorted(path.name for path in (self.root / "queue" / name).iterdir())

    def calls(self) -> list[str]:
        """What the programs were called with that change nothing here."""
        path = self.root / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def table(self) -> dict[str, list[str]]:
        """Members of the sets of nftables."""
        path = self.root / "table.json"
        found: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return found

    def connect(self, port: int, peer: str, count: int = 1) -> None:
        """Sessions of one client."""
        self.look.sessions.extend([Session(port, peer, False, None, None)] * count)

    def service(self, daemon: str, name: str, count: int, limit: int) -> None:
        """Processes of one service."""
        share = count / limit
        record = {"daemon": daemon, "name": name, "role": name, "count": count, "limit": limit, "share": share}
        self.look.services.append(record)


def record(kind: str, content: bytes) -> bytes:
    """One record of a queue file."""
    size, length = len(content), b""
    while True:
        size, low = size >> 7, size & 0x7F
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return kind.encode() + length + content


def queue_file(
    sender: str = "bob@example.test",
    to: tuple[str, ...] = ("x@slow.test",),
    login: str = "",
    done: tuple[str, ...] = (),
    originals: tuple[str, ...] = (),
    body: tuple[str, ...] = ("Subject: x", "", "text"),
    arrived: float | None = None,
) -> bytes:
    """A message as Postfix keeps it."""
    moment = time.time() if arrived is None else arrived
    parts = [
        record("C", b"             553             340               1               0             340               0")
    ]
    parts.append(record("T", f"{moment:.0f} 123456".encode()))
    parts.append(record("A", b"log_ident=4Q5x"))
    if login:
        parts.append(record("A", f"sasl_username={login}".encode()))
    parts.append(record("S", sender.encode()))
    parts += [record("D", one.encode()) for one in done]
    for place, one in enumerate(to):
        # Postfix writes the recipient as it was given in front of what became of it.
        parts += [record("O", original.encode()) for original in originals[place : place + 1]]
        parts.append(record("R", one.encode()))
    parts += [record("M", b"")] + [record("N", line.encode()) for line in body] + [record("X", b""), record("E", b"")]
    return b"".join(parts)
