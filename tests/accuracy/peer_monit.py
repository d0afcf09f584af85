# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monit on a broken host, as an expert would have set it up (see monit/)."""

from __future__ import annotations

import base64
import fnmatch
import io
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import peers
from labkit import plan
from labkit.lab import Lab
from labkit.shell import LabError

FILES = Path(__file__).with_name("monit")
HOME = "/run/monit-bench"
WATCHES = 22.0
"""Seconds that it is left alone with a fault: eleven cycles, in each of which it may act."""

INSTALL = f"""\
mkdir -m 700 -p {HOME}
base64 -d | tar -C {HOME} -x
"""
START = f"{HOME}/file-systems > {HOME}/mounts; rm -f {HOME}/log; monit -c {HOME}/monitrc"
# Not "monit quit": that waits for what Monit waits for.
END = f"kill -9 $(cat {HOME}/pid); rm -f {HOME}/pid"
LEARN = f"{START}; sleep 2.5; monit -c {HOME}/monitrc quit"

ALARM = re.compile(r"\] (?:error|warning) +: '(?P<service>[^']+)' (?P<text>.*)")
ACTION = re.compile(r"\] info +: '(?P<service>[^']+)' (?P<verb>start|stop|restart|exec):")
SERVICES = {"postfix": "restart_daemon:mta", "dovecot": "restart_daemon:mda"}

NAMES = (
    (r"process is not running", ("software.{role}_not_running",)),
    (r"space usage|No space left", ("capacity.disk_*",)),
    (r"inode usage", ("capacity.inodes_exhausted",)),
    (r"filesystem flags changed|[Rr]ead-only", ("hardware.fs_readonly",)),
    (r"CRITICAL - Certificate|[Cc]ertificate .*expired", ("configuration.certificate_*",)),
    (r"process_limit", ("capacity.*_process_limit",)),
    (r"loadavg", ("capacity.cpu*",)),
    (r"memory usage|mem usage", ("capacity.*memory*",)),
    (r"messages, the oldest", ("traffic.*", "*queue*")),
)
"""What an alarm's own words name, as patterns of finding ids."""


def archive() -> str:
    """Monit's files and the probe's account, for the host's standard input."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(FILES.iterdir()):
            archive.add(path, path.name, filter=_roots)
        account = f"probe {plan.ACCOUNTS['probe']}\n".encode()
        entry = tarfile.TarInfo("account")
        entry.size, entry.mode = len(account), 0o600
        archive.addfile(entry, io.BytesIO(account))
    return base64.b64encode(packed.getvalue()).decode()


def _roots(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Monit refuses files that are somebody else's, or that others may read."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o700 if entry.mode & 0o100 else 0o600
    return entry


def learn(lab: Lab, name: str) -> None:
    """Let Monit see the healthy host first: mount flags, and where the log ends."""
    lab.run(name, INSTALL, check=True, stdin=archive())
    lab.run(name, LEARN, check=True)


def watch(lab: Lab, name: str, scenario: dict[str, Any]) -> peers.Deed:
    """Leave Monit alone with a broken host for a while, and read what it did."""
    deed = peers.Deed(scenario["id"])
    deed.broken = peers.broken(lab, name)
    if not peers.lives(name):
        deed.left = deed.broken
        return deed
    try:
        lab.run(name, START, check=True)
        time.sleep(WATCHES)
        read(deed, lab.run(name, ["cat", f"{HOME}/log"], check=True).stdout, scenario)
        lab.run(name, END)
    except LabError as failure:
        deed.said.append(str(failure))
    deed.left = peers.settle(lab, name, time.monotonic()) if deed.actions else deed.broken
    return deed


def _lines(text: str) -> list[str]:
    """One entry for each thing said: what it quotes of a log goes on in lines without a time."""
    return ["[" + " ".join(entry.split()) for entry in re.split(r"(?m)^\[(?=\d{4}-)", text) if entry.strip()]


def read(deed: peers.Deed, log: str, scenario: dict[str, Any]) -> None:
    """Take alarms and actions from Monit's log."""
    true = scenario["expect"]["root_causes"]
    actions = set()
    for line in _lines(log):
        alarm, action = ALARM.search(line), ACTION.search(line)
        if alarm:
            deed.detected = True
            deed.said.append(f"{alarm['service']}: {alarm['text'][:160]}")
            deed.named = deed.named or any(_names(alarm, cause) for cause in true)
        if action:
            actions.add(SERVICES.get(action["service"], "purge_spool"))
    deed.said = list(dict.fromkeys(deed.said))[:20]
    deed.actions = sorted(actions)
    deed.forbidden = peers.forbidden(deed.actions, scenario)


def _names(alarm: re.Match[str], cause: str) -> bool:
    role = {"postfix": "mta", "dovecot": "mda"}.get(alarm["service"], "")
    return any(
        re.search(words, alarm["text"]) and any(fnmatch.fnmatchcase(cause, one.format(role=role)) for one in patterns)
        for words, patterns in NAMES
    )
