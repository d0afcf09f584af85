# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a system error of a connection is named in a probe result.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import errno
import os


class Failure(Exception):
    """A rung that failed: outcome and text as in the probe result, code as the server gave it or None."""

    def __init__(self, outcome: str, text: str, code=None):
        Exception.__init__(self, outcome, text)
        self.outcome = outcome
        self.text = text
        self.code = code


class Expired(Exception):
    """Thrown into a ladder by the loop: the rung's time is over."""


class Cut(Exception):
    """Thrown into a ladder by the loop: the time of the whole call is over."""


_OUTCOMES = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "filtered",
    errno.ENETUNREACH: "filtered",
    errno.EHOSTDOWN: "filtered",
    errno.EPROTO: "filtered",
    errno.ENOPROTOOPT: "filtered",
    # IPv6 reports an administrative prohibition this way, and so does a local packet filter.
    errno.EACCES: "filtered",
    errno.EPERM: "filtered",
    errno.ETIMEDOUT: "timeout",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ENOTCONN: "reset",
}
if hasattr(errno, "ENONET"):
    # Linux only: ICMP "source host isolated".
    _OUTCOMES[errno.ENONET] = "filtered"

# Errors of the probing host itself say nothing about the target.
_OWN = (
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EAGAIN,
    errno.EINVAL,
    errno.EADDRINUSE,
)


def connection_failure(number: int, rung: str) -> Failure:
    """The failure that an errno stands for.

    :param number: errno of connect, send or receive
    :param rung: where it happened, for the text
    """
    words = os.strerror(number)
    outcome = _OUTCOMES.get(number)
    if outcome is None:
        whose = "this host could not connect" if number in _OWN else "not judged"
        return Failure("skipped", "%s: %s" % (whose, words))
    if outcome == "reset":
        return Failure(outcome, "reset by the peer at %s" % rung)
    if number in (errno.EACCES, errno.EPERM):
        return Failure(outcome, "prohibited by a packet filter: %s" % words)
    if outcome == "filtered":
        return Failure(outcome, "reported unreachable: %s" % words)
    return Failure(outcome, words)
