# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words and signs every face of a report shares, so that the terminal and the page say the same.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from typing import NamedTuple


class Sign(NamedTuple):
    """How one state is written: a word, a sign beside it, the sign where only ASCII can be shown, worst first."""

    word: str
    sign: str
    ascii: str
    rank: int


# Signs of East Asian "ambiguous" width are avoided: they take two columns on many Japanese terminals.
VERDICTS: dict[str, Sign] = {
    "down": Sign("down", "✗", "X", 0),
    "degraded": Sign("degraded", "!", "!", 1),
    "unknown": Sign("unknown", "?", "?", 2),
    "maintenance": Sign("maintenance", "-", "-", 3),
    "healthy": Sign("healthy", "✓", "+", 4),
}

SEVERITIES: dict[str, int] = {"critical": 0, "major": 1, "minor": 2, "info": 3}


class Outcome(NamedTuple):
    """What a probe saw, in two lengths: for a narrow cell, and for the legend."""

    word: str
    meaning: str


OUTCOMES: dict[str, Outcome] = {
    "ok": Outcome("works", "the dialogue went to its end"),
    "refused": Outcome("refused", "connection refused: nobody listens, or a rule rejects"),
    "filtered": Outcome("blocked", "a firewall or router answered that the way is closed"),
    "timeout": Outcome("timeout", "no answer at all within the time allowed"),
    "reset": Outcome("cut off", "connected, then the other side hung up"),
    "no_banner": Outcome("silent", "connected, but no greeting came"),
    "tls_error": Outcome("TLS error", "the encrypted session could not be set up"),
    "auth_error": Outcome("login refused", "the login of the test account was refused"),
    "protocol_error": Outcome("error reply", "the server answered with an error"),
    "skipped": Outcome("not probed", "not tried"),
}

SCOPES: dict[str, str] = {
    "none": "nobody is affected",
    "client": "one user or client",
    "segment": "one network segment",
    "host": "single hosts",
    "site": "a site",
    "fleet": "the whole fleet",
}

PATTERNS: dict[int, str] = {1: "hardware", 2: "traffic", 3: "bug of OS or application", 4: "passing trouble"}

PROTOCOLS: tuple[str, ...] = (
    "smtp",
    "submission",
    "submissions",
    "imap",
    "imaps",
    "pop3",
    "pop3s",
    "lmtp",
    "sieve",
    "ssh",
)

ACTION_STATES: dict[str, str] = {
    "planned": "planned",
    "done": "done",
    "refused": "refused to do",
    "failed": "tried and failed",
    "nothing": "nothing to do for",
}

ACTION_COUNTS: dict[str, str] = {
    "done": "done",
    "failed": "failed",
    "refused": "refused",
    "planned": "not done yet",
    "nothing": "not needed",
}

LOGINS: dict[str, str] = {
    "ok": "logged in",
    "skipped": "login not tried",
    "unreachable": "could not connect to log in",
    "auth": "login refused",
    "no_python": "logged in, but no usable Python there",
    "timeout": "login timed out",
    "failed": "login or examination failed",
}

# Names that mean "the host looked at itself", whatever vantage points a site has.
LOCAL_VANTAGES: frozenset[str] = frozenset({"loopback", "host", "local", "self", "localhost"})


def verdict(name: str) -> Sign:
    """The sign of a verdict; a verdict this version does not know is shown like `unknown`."""
    return VERDICTS.get(name, VERDICTS["unknown"])


def confidence(value: object) -> str:
    """A confidence of 0..1 in words: `confirmed` (0.90 and up), `probable` (0.70 and up), else `possible`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "confidence not stated"
    if value >= 0.90:
        return "confirmed"
    return "probable" if value >= 0.70 else "possible"


def count(number: int, singular: str, plural: str = "") -> str:
    """`1 host`, `2 hosts`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
