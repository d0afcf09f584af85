# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Echo by the system's ping command, for a process that may have no ICMP socket of its own.

A process per host is dear, so only hosts on which nothing connected are asked this way, a few at a time.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os
import queue
import re
import subprocess
import threading
from time import monotonic

from ansible_collections.mailops.triage.plugins.module_utils._probe.ping import COUNT, SPACING_SECONDS, empty
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

MAX_PROCESSES = 16

_PATHS = ("/usr/bin/ping", "/bin/ping", "/usr/sbin/ping", "/sbin/ping")
_COUNTS = re.compile(r"([0-9]{1,6}) packets transmitted, ([0-9]{1,6}) (?:packets )?received")
_TIMES = re.compile(r"(?:rtt|round-trip) min/avg/max\S* = [\d.]+/([0-9]{1,9}(?:\.[0-9]+)?)/")


def parse(text: str) -> dict:
    """The contract's ping record from what ping printed (iputils, busybox, BSD)."""
    counts = _COUNTS.search(text)
    if counts is None:
        return empty("skipped", clean(text.strip() or "ping said nothing", 120))
    sent, received = int(counts.group(1)), int(counts.group(2))
    times = _TIMES.search(text)
    if received:
        outcome, words = "ok", ""
    elif "nreachable" in text or "rohibited" in text:
        outcome, words = "unreachable", "ICMP destination unreachable"
    else:
        outcome, words = "timeout", "no echo"
    return {
        "outcome": outcome,
        "sent": sent,
        "received": received,
        "loss_percent": round(100.0 * (sent - received) / sent, 1) if sent else None,
        "rtt_ms": round(float(times.group(1)), 2) if times and received else None,
        "text": words,
    }


def command(family: str, address: str) -> list:
    """The command line; None without a ping command."""
    for path in _PATHS:
        if os.access(path, os.X_OK):
            return [
                path,
                "-6" if family == "ipv6" else "-4",
                "-n",
                "-c",
                str(COUNT),
                "-i",
                str(SPACING_SECONDS),
                "-W",
                "1",
                address,
            ]
    return None


def _run(family: str, address: str, seconds: float) -> dict:
    line = command(family, address)
    if line is None:
        return empty("skipped", "no ICMP socket is permitted and there is no ping command")
    try:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors="replace",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        )
    except OSError as error:
        return empty("skipped", clean("ping: %s" % error, 120))
    try:
        return parse(process.communicate(timeout=max(0.1, seconds))[0])
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return empty("skipped", "no time left to ping")


def ping_all(hosts: list, deadline: float) -> dict:
    """Ping hosts, a few at a time.

    :param hosts: (family, address) pairs
    :param deadline: monotonic time after which nothing is begun and what runs is ended
    :returns: {(family, address): record}
    """
    results = {host: empty("skipped", "no time left to ping") for host in hosts}
    todo = queue.Queue()
    for host in hosts:
        todo.put(host)

    def work():
        while monotonic() < deadline:
            try:
                host = todo.get_nowait()
            except queue.Empty:
                return
            results[host] = _run(host[0], host[1], deadline - monotonic())

    threads = [threading.Thread(target=work, daemon=True) for _number in range(min(MAX_PROCESSES, len(hosts)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()) + 0.5)
    return dict(results)
