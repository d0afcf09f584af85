# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts put into the shape that rules compare: sums, names of signals, and what a log line says of a process.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

Nothing is judged here. What is taken out of a log line is only a number or a name of a process: a signature has
already proved who wrote the line.
"""

from __future__ import annotations

import re
import typing as t

Document = dict[str, t.Any]

# Linux on every architecture but Alpha, MIPS and SPARC; the controller's own numbers may be those of a Mac.
_SIGNALS = {
    3: "SIGQUIT",
    4: "SIGILL",
    5: "SIGTRAP",
    6: "SIGABRT",
    7: "SIGBUS",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    13: "SIGPIPE",
    15: "SIGTERM",
    24: "SIGXCPU",
    25: "SIGXFSZ",
    31: "SIGSYS",
}
_DOVECOT_CRASH = re.compile(r"service\(([\w-]+)\): child \d+ killed with signal (\d+)")
_POSTFIX_CRASH = re.compile(r"process (?:\S*/)?([\w-]+) pid \d+ killed by signal (\d+)")
_OOM_VICTIM = re.compile(r"Kill(?:ed)? process (\d+) \(([^)]*)\)")
_SPOKEN = {
    "imap": ("imap", "imaps"),
    "imap-login": ("imap", "imaps"),
    "pop3": ("pop3", "pop3s"),
    "pop3-login": ("pop3", "pop3s"),
    "managesieve": ("sieve",),
    "managesieve-login": ("sieve",),
    "auth": ("imap", "imaps", "pop3", "pop3s", "sieve", "submission", "submissions"),
    "smtpd": ("smtp", "submission", "submissions"),
    "postscreen": ("smtp",),
}
"""What a user cannot speak when this program falls over."""


def signal_name(number: int) -> str:
    """Such as SIGSEGV; one without a name stays a number."""
    return _SIGNALS.get(number, f"signal {number}")


def ending(state: Document) -> str | None:
    """How the main process of a unit ended, in words; None when it did not, or nobody knows."""
    code, status = state.get("exec_code"), state.get("exec_status")
    if code == "exited":
        return f"exit status {status}"
    if code in ("killed", "dumped") and status is not None:
        return signal_name(status) + (" with a core dump" if code == "dumped" else "")
    return None


def crashes(log: Document | None) -> list[Document] | None:
    """Which programs of the mail servers were ended by a signal, by the word of their masters."""
    if log is None:
        return None
    found = []
    for daemon, signature, pattern in (
        ("dovecot", "dovecot_child_sig", _DOVECOT_CRASH),
        ("postfix", "child_signal", _POSTFIX_CRASH),
    ):
        record = log["signatures"].get(signature) or {}
        match = pattern.search(record.get("sample") or "")
        if match:
            program, number = match.group(1), int(match.group(2))
            found.append(
                {
                    "daemon": daemon,
                    "program": program,
                    "signal": number,
                    "signal_name": signal_name(number),
                    "protocols": list(_SPOKEN.get(program, ())),
                    "current": record["current"],
                    "last": record["last"],
                    "sample": record["sample"],
                }
            )
    return found


def oom(log: Document | None, memory: Document | None, processes: Document | None) -> Document:
    """Whom the kernel killed for lack of memory, and who holds most of it now beside the mail system."""
    sample = ((log or {}).get("signatures", {}).get("oom_kill") or {}).get("sample") or ""
    match = _OOM_VICTIM.search(sample)
    mail = {process["pid"] for process in (processes or {}).get("mail", []) if process["daemon"] != "other"}
    largest = [process for process in (memory or {}).get("top", []) if process["pid"] not in mail]
    return {
        "victim": match.group(2) if match else None,
        "victim_pid": int(match.group(1)) if match else None,
        "consumer": largest[0] if largest else None,
    }


def with_deleted(disk: Document | None) -> Document | None:
    """Each file system with what deleted but open files hold of it."""
    if disk is None:
        return None
    systems = []
    for system in disk["filesystems"]:
        held = [file for file in disk["deleted_open"] if file["mount"] == system["mount"]]
        total = sum(file["bytes"] for file in held)
        size = system["total_bytes"] or 0
        systems.append(
            {
                **system,
                "deleted_bytes": total,
                "deleted_percent": round(100.0 * total / size, 1) if size else 0.0,
                "deleted": held[:5],
            }
        )
    return {**disk, "filesystems": systems}


def fastest(views: t.Iterable[Document], rung: str | None = None) -> float | None:
    """The shortest time in which a service answered well, in milliseconds; of one rung or of the whole dialogue."""
    times = []
    for service in views:
        if rung is None:
            if service["outcome"] == "ok":
                times.append(service.get("ms"))
        else:
            times += [step.get("ms") for step in service.get("rungs", []) if step["rung"] == rung and step.get("ok")]
    return min((time for time in times if time is not None), default=None)
