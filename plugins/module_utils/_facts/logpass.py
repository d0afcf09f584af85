# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pass over the lines of a log: each line goes to the handler of its daemon, and what is out of the ordinary is
looked through for signatures.

A line belongs to the host and to the daemon that its structured beginning names, and to nobody else: what stands later
in the line can be a sender's words.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
from collections import OrderedDict, namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import logread
from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures import catalogue

# family: one of FAMILIES; handler: of the flow, or None; needles: words, one of which a line with a signature has;
# signs: pairs of a needle and the signatures that have it
Kind = namedtuple("Kind", "family handler needles signs")

_LEVELS = {b"Info:", b"Warning:", b"Error:", b"Fatal:", b"Panic:", b"Debug:"}
_FAIL2BAN = re.compile(rb" *\[\d+\]: (?:[A-Z]+ +)")
_TAG = re.compile(rb"([^\s:\[\]]+)(?:\[\d*\])?:$")
_MOST_TAGS = 5000


FAMILIES = ("mta", "mda", "kernel", "systemd", "bans", "other")


def family(identifier):
    """Which log stream an identifier belongs to: one of FAMILIES."""
    if identifier in ("dovecot", "doveconf", "doveadm"):
        return "mda"
    if identifier in ("kernel", "systemd"):
        return identifier
    if identifier.startswith("fail2ban"):
        return "bans"
    return "mta" if "/" in identifier or identifier in ("sendmail", "sm-mta", "exim", "exim4") else "other"


class Pass(object):
    """What reads lines.

    :param flow: see flow.Flow
    :param tally: see tally.Tally; None: no signatures are looked for
    :param until: epoch; later lines do not count
    """

    def __init__(self, flow, tally, since, now, until=None):
        self.flow, self.tally, self.since, self.now = flow, tally, since, now
        self.until = now + 3600 if until is None else until
        self.oldest = None
        self._kinds = {}
        self._tags = {}
        self._flowing = frozenset()
        self._last, self._outside = None, True

    def source(self, flowing):
        """Lines from now on come from another source.

        :param flowing: families whose flow is counted from it
        """
        self._tags, self._kinds, self._flowing = {}, {}, frozenset(flowing)
        self._last = None

    def kind(self, identifier):
        """The Kind of an identifier."""
        kind = self._kinds.get(identifier)
        if kind is None:
            kind = self._kinds[identifier] = self._new_kind(identifier)
        return kind

    def _new_kind(self, identifier):
        stream = family(identifier)
        handler = None
        if stream in self._flowing:
            handler = self.flow.handlers.get(identifier.rpartition("/")[2] if stream == "mta" else identifier)
        signs = OrderedDict()
        for entry in catalogue.of(identifier) if self.tally is not None else ():
            for needle in entry.needles:
                signs.setdefault(needle.encode("utf-8"), []).append(entry)
        return Kind(stream, handler, tuple(signs), list(signs.items()))

    def line(self, line, source):
        """A parsed line of the journal, see logread.Line."""
        if line is None or not line.trusted or line.when is None or not self.since <= line.when <= self.until:
            return
        kind = self.kind(line.identifier)
        message = line.message.encode("utf-8", "replace")
        if kind.handler is not None:
            self.flow.turn(int(line.when // 60) * 60)
            self.flow.stamp = line.when
            self.flow.lines += 1
            if kind.handler(message):
                return
        self._signs(kind, message, line.when, source)

    def feed(self, piece, source, hosts=None, until=None):
        """Whole lines of a log file.

        :param piece: bytes
        :param source: name that records give as their source
        :param hosts: set of host names (bytes) whose lines count; None: all
        :param until: dict of family to epoch; signatures of the family from then on are known from elsewhere
        """
        flow, tags = self.flow, self._tags
        last, outside, lines = self._last, self._outside, 0
        for line in piece.split(b"\n"):
            if line[4:5] == b"-":
                if line[10:11] == b" ":
                    line = line[:10] + b"T" + line[11:]
                key, parts = line[:16], line[19:].split(b" ", 3)[1:]
            else:
                key, parts = line[:12], line[16:].split(b" ", 2)
            if len(parts) < 3:
                continue
            if key != last:
                last, outside = key, self._turn(line)
            if outside:
                continue
            host, tag, message = parts
            kind = tags.get(tag)
            if kind is None:
                kind = self._tag(tag)
            if kind is False:
                kind, message = self._odd(host, tag, message)
                if kind is None:
                    continue
            elif hosts is not None and host not in hosts:
                continue
            handler = kind.handler
            if handler is not None:
                lines += 1
                flow.stamp = line
                if handler(message):
                    continue
            for needle in kind.needles:
                # The plain search for a dozen words is quicker than one pattern with all of them.
                if needle in message:
                    self._file_signs(kind, line, message, source, until)
                    break
        flow.lines += lines
        self._last, self._outside = last, outside
        flow.absorb()

    def _turn(self, line):
        """A minute begins; is it outside of the window?"""
        moment = logread.moment_of(line, self.now)
        if moment is None or moment + 60 <= self.since or moment > self.until:
            return True
        if self.oldest is None or moment < self.oldest:
            self.oldest = moment
        self.flow.turn(int(moment // 60) * 60)
        return False

    def _tag(self, tag):
        """The Kind of a tag C(identifier[pid]:); False for what is none."""
        if len(self._tags) > _MOST_TAGS:
            self._tags.clear()
        found = _TAG.match(tag) if tag not in _LEVELS else None
        kind = self.kind(found.group(1)[:64].decode("utf-8", "replace")) if found else False
        self._tags[tag] = kind
        return kind

    def _odd(self, host, tag, message):
        """Lines of files that Dovecot and Fail2ban write themselves: without a host."""
        if tag in _LEVELS and host.endswith(b":"):
            return self.kind("dovecot"), host + b" " + tag + b" " + message
        if host.startswith(b"fail2ban.") and (tag == b"" or tag.startswith(b"[")):
            found = _FAIL2BAN.match(tag + b" " + message)
            return (self.kind("fail2ban"), (tag + b" " + message)[found.end() :]) if found else (None, b"")
        return None, b""

    def _file_signs(self, kind, line, message, source, until):
        when = logread.moment_of(line, self.now)
        if when is not None and (until is None or when < until[kind.family]):
            self._signs(kind, message, when, source)

    def _signs(self, kind, message, when, source):
        text, seen = None, set()
        for needle, entries in kind.signs:
            if needle not in message:
                continue
            if text is None:
                text = message[: logread.LONGEST_LINE].decode("utf-8", "replace")
            for entry in entries:
                found = catalogue.compiled(entry.pattern).match(text) if entry.id not in seen else None
                if found:
                    seen.add(entry.id)
                    self.tally.hit(entry, found, when, text, source)

    def finish(self):
        """Hand the good events that the flow noticed to the tally."""
        self.flow.absorb()
        for event, stamp in self.flow.good.items():
            if isinstance(stamp, bytes):
                stamp = logread.moment_of(stamp, self.now)
            if stamp is not None:
                self.tally.good(event, stamp)
