#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log reader against pflogsumm on the same log of a gigabyte: seconds and peak memory, turn by turn.

Both count the same connections, messages, deliveries and refusals; the reader looks for signatures beside that,
pflogsumm for warnings. All of the log lies within the last hour, for which the reader counts names, too.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mail_log

ROOT = Path(__file__).resolve().parents[2]
LIMIT_MIB = 60
"""The reader may take this much memory, whatever the size of the log."""

READER = """\
import os, sys, time
sys.path.insert(0, {collections!r})
from ansible_collections.mailops.triage.plugins.module_utils._facts import flow, flowreport, logfiles, logpass, tally
path, now = sys.argv[1], time.time()
counts = flow.Flow(now)
signs = tally.Tally(now - 86400, now, {{}})
reading = logpass.Pass(counts, signs, now - 86400, now)
reading.source(("mta", "mda"))
hosts = logfiles.hosts(path, {{{host!r}}})
for part in logfiles.segments(path, now - 86400, now, os.path.getsize(path))[0]:
    for piece in part:
        reading.feed(piece, path, hosts)
reading.finish()
signs.finish()
day = flowreport.report(counts, now, now - 3600, True, "", None)["day"]
print(day["accepted"], day["delivered"], day["rejected"])
"""


def pflogsumm() -> str | None:
    """Path of pflogsumm; as root on a Debian host it is installed when it is missing."""
    found = shutil.which("pflogsumm", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "pflogsumm"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False, timeout=600)
        found = shutil.which("pflogsumm", path=os.environ.get("PATH", "") + ":/usr/sbin")
    return found


def _run(command: list[str]) -> tuple[float, float, float, str]:
    """Wall and processor seconds, peak memory in MiB and output of one command."""
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        dummy, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise OSError(f"{command[0]} ended with {process.returncode}")
    return time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out


def compare(size_mib: int, rounds: int, classic: bool = False) -> int:
    """Print the comparison; answer 0 when the reader is no slower and within its memory."""
    other = pflogsumm()
    with tempfile.TemporaryDirectory(prefix="triage-log-bench.") as folder:
        path = Path(folder) / "mail.log"
        lines = mail_log.write(path, size_mib << 20, time.time(), 3000, classic=classic)
        print(f"\nlog reader vs pflogsumm: {size_mib} MiB, {lines} lines")
        reader = READER.format(collections=str(ROOT / "playbooks" / "collections"), host=mail_log.HOST)
        commands = {"log reader": [sys.executable, "-c", reader, str(path)]}
        if other:
            commands["pflogsumm"] = [other, str(path)]
        else:
            print("pflogsumm is not installed: apt-get install pflogsumm")
        took: dict[str, list[tuple[float, float, float, str]]] = {name: [] for name in commands}
        for dummy in range(rounds):
            for name, command in commands.items():
                took[name].append(_run(command))
    print(f"{'':>12}{'wall':>11}{'cpu':>11}{'peak memory':>14}")
    medians = {}
    for name, runs in took.items():
        wall, cpu, memory = (statistics.median(column) for column in list(zip(*runs))[:3])
        medians[name] = (wall, cpu, memory)
        print(f"{name:>12}{wall:>9.1f} s{cpu:>9.1f} s{memory:>10.0f} MiB")
    own = medians["log reader"]
    print(f"counted by the reader: accepted, delivered, rejected = {took['log reader'][0][3].strip()}")
    if other:
        ratios = [own[place] / medians["pflogsumm"][place] for place in range(3)]
        print(f"{'ratio':>12}{ratios[0]:>11.2f}{ratios[1]:>11.2f}{ratios[2]:>10.2f}")
        return int(own[2] > LIMIT_MIB or ratios[1] > 1)
    return int(own[2] > LIMIT_MIB)


def main() -> int:
    """Read the options and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB of log (default 1024)")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each (default 1)")
    parser.add_argument("--classic", action="store_true", help="time stamps without a year")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return compare(options.size, options.rounds, options.classic)


if __name__ == "__main__":
    sys.exit(main())
