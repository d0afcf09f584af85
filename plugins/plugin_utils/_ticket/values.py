# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values of a ticket, each made what it is meant to be, or nothing.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

All that comes in may have been written by anybody. Texts come out bounded, without control characters and characters
that reorder or hide text; a value of a wrong type comes out empty.
"""

from __future__ import annotations

import datetime
import html
import ipaddress
import re
import typing as t
import urllib.parse

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._intake.knowledge import FAMILIES

TEXT = 64 * 1024
"""Characters of a ticket's text that are kept."""
LINE = 300

_MOST_LINES = 2000
_MOST_ITEMS = 50
_MOMENT = re.compile(
    r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?:[T. ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?"
    r" ?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?\Z",
    re.ASCII | re.IGNORECASE,
)
_ADDRESS = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_PROTOCOLS: dict[str, str] = {
    **{name: family for family, ports in FAMILIES.items() for name in (family, *ports)},
    "pop": "pop3",
    "mta": "smtp",
    "smtps": "submission",
    "managesieve": "sieve",
}
_SEVERITIES: dict[str, tuple[str, ...]] = {
    "critical": ("critical", "blocker", "highest", "emergency", "disaster", "fatal", "immediate", "very high"),
    "major": ("major", "high", "urgent", "error", "severe"),
    "minor": ("minor", "medium", "normal", "moderate", "average", "warning"),
    "info": ("info", "low", "lowest", "trivial", "information", "informational", "planning", "very low"),
}
_STATES: dict[str, tuple[str, ...]] = {
    "open": (
        *("open", "opened", "new", "reopened", "unread", "to do", "in progress", "pending", "waiting", "on hold"),
        *("assigned", "active", "firing", "problem", "triggered"),
    ),
    "closed": (
        *("closed", "resolved", "done", "solved", "cancelled", "canceled", "rejected", "merged", "deleted"),
        *("completed", "recovery", "recovered", "ok", "inactive"),
    ),
}
_KNOWN: dict[str, dict[str, str]] = {
    "severity": {word: meaning for meaning, words in _SEVERITIES.items() for word in words},
    "state": {word: meaning for meaning, words in _STATES.items() for word in words},
}
_JAPANESE = re.compile("[\u3041-\u30ff\uff66-\uff9d]")


def scalar(value: t.Any) -> str:
    """A text or a number as text; else an empty one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def scalars(value: t.Any) -> list[str]:
    """The texts and numbers of a list, or of a lone value, that are not empty; no mapping, nothing nested deeper."""
    found = [scalar(item).strip() for item in (value if isinstance(value, list) else [value])[: 4 * _MOST_ITEMS]]
    return list(dict.fromkeys(item for item in found if item))[:_MOST_ITEMS]


def line(value: t.Any, joined: str = " ", limit: int = LINE) -> str:
    """One line; the items of a list are put together."""
    return clean(joined.join(scalars(value)), limit) if scalars(value) else ""


def body(value: t.Any, is_html: bool) -> str:
    """A text of many lines."""
    text = "\n".join(scalars(value))[:TEXT]
    if is_html:
        text = without_tags(text)
    lines = [clean(one, 4000) for one in text.splitlines()[:_MOST_LINES]]
    # One empty line is a paragraph; more of them, or of blank ones, say nothing.
    kept = [one for index, one in enumerate(lines) if one or (index and lines[index - 1])]
    return "\n".join(kept).strip()[:TEXT]


def without_tags(text: str) -> str:
    """HTML as text. What looks like no tag stays: C(5 < 6), C(<alice@example.com>)."""
    # Some systems send their HTML as text of HTML.
    return _strip(html.unescape(_strip(html.unescape(_strip(text)))))


_BREAKS = ("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "pre", "ul", "ol", "table")
_TAG = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,15})(?=[\s/>])|!--|!DOCTYPE\b")


def _strip(text: str) -> str:
    """Leave out the tags, and what style sheets and scripts hold, in one pass."""
    kept: list[str] = []
    at = 0
    while True:
        begin = text.find("<", at)
        if begin < 0:
            break
        tag = _TAG.match(text, begin + 1)
        end = text.find("-->" if tag and tag.group() == "!--" else ">", begin) if tag else -1
        if tag is None or end < 0:
            kept.append(text[at : begin + 1])
            at = begin + 1
            if tag is not None:
                # No tag ends any more: looking for it again and again would take the square of the time.
                break
            continue
        kept.append(text[at:begin])
        name = (tag.group(1) or "").lower()
        if name in _BREAKS:
            kept.append("\n")
        at = end + (3 if tag.group() == "!--" else 1)
        if name in ("style", "script") and not tag.group().startswith("/"):
            close = text.find(f"</{name}", at)
            at = close if close >= 0 else len(text)
    kept.append(text[at:])
    return "".join(kept)


def address(value: t.Any) -> str:
    """A mail address, also out of C(Name <address>), or an IP address."""
    text = scalar(value[0] if isinstance(value, list) and value else value)[:400].strip()
    inner = text.rpartition("<")[2].partition(">")[0].strip()
    if _ADDRESS.match(inner):
        return inner
    try:
        return str(ipaddress.ip_address(inner))
    except ValueError:
        return ""


def link(value: t.Any) -> str:
    """An address of the web."""
    text = scalar(value)[:1000].strip()
    if not text.isprintable() or any(char in text for char in " \"'<>\\"):
        return ""
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.hostname and not parts.password else ""


def hosts(value: t.Any) -> list[str]:
    """Names and addresses of hosts, without scheme, port and path around them."""
    found: list[str] = []
    for item in scalars(value):
        for name in item[:2000].replace(",", " ").replace(";", " ").split():
            name = clean(bare_host(name), 253)
            if name and name not in found:
                found.append(name)
    return found[:_MOST_ITEMS]


def bare_host(name: str) -> str:
    """C(mail1) out of C(https://mail1:9115/probe), C(mail1:9100), C([2001:db8::1]:25)."""
    name = name.partition("://")[2] or name
    name = name.partition("/")[0]
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name


def protocols(value: t.Any) -> list[str]:
    """The protocols, by the names that users have for them: C(pop3), C(imap), C(submission), C(smtp), C(sieve)."""
    words = [word for item in scalars(value) for word in item[:200].casefold().replace(",", " ").split()]
    named = {_PROTOCOLS[word] for word in words if word in _PROTOCOLS}
    return [name for name in FAMILIES if name in named]


def meaning(field: str, value: t.Any, own: t.Mapping[str, str]) -> str | None:
    """What a word of the system means.

    :param field: C(severity) or C(state)
    :param own: the system's own words, which go before those that many systems use
    """
    for word in scalars(value):
        word = " ".join(word[:100].casefold().split())
        found = own.get(word) or _KNOWN[field].get(word)
        if found:
            return found
    return None


def moment(value: t.Any) -> str | None:
    """A point in time as ISO 8601: UTC where the zone is known, else as it stands. Numbers are epoch seconds or ms."""
    text = scalar(value[0] if isinstance(value, list) and value else value)[:60].strip()
    try:
        if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
            seconds = float(text)
            seconds = seconds / 1000 if seconds > 1e11 else seconds
            return _iso(datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)) if seconds > 1e8 else None
        match = _MOMENT.match(text)
        if not match:
            return None
        parts = [int(part or 0) for part in match.groups()[:6]]
        when = datetime.datetime(parts[0], parts[1], parts[2], parts[3], parts[4], min(parts[5], 59))
        zone = (match.group(7) or "").upper()
        if not zone:
            return when.isoformat()
        if zone[0] in "+-":
            minutes = int(zone[1:3]) * 60 + int(zone[-2:])
            when -= datetime.timedelta(minutes=minutes if zone[0] == "+" else -minutes)
        return _iso(when.replace(tzinfo=datetime.timezone.utc))
    except (ValueError, OverflowError, OSError):
        return None


def _iso(when: datetime.datetime) -> str:
    return when.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def language(value: t.Any, text: str) -> str | None:
    """The language to answer in, null where that is not known: as told, else Japanese where the text is."""
    told = scalar(value)[:2].casefold()
    if told in ("en", "ja"):
        return told
    return "ja" if _JAPANESE.search(text) else None
