# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as a short message for a chat or a telephone: what is broken, why, and no more.

Each service has a markup of its own, and in each of them a log line could call everybody in the room or hide a link. So
what goes out is text for that service, and nothing in it is markup.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _view, _words

KINDS = ("slack", "mattermost", "teams", "ntfy", "json")
SCHEMA = "mailops.triage/notification/1"

_HOSTS = 8
_LONGEST = 3000
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>:])")
# An invisible break, which no service takes for a part of a name or of a link.
_BREAK = "\u200b"


class Message(NamedTuple):
    """What is told: a title, and lines below it."""

    verdict: str
    title: str
    lines: tuple[str, ...]


class Request(NamedTuple):
    """What to post, and where."""

    url: str
    body: dict[str, Any]


def message(report: Mapping[str, Any]) -> Message:
    """Say in a few lines what a report says.

    :param report: a C(mailops.triage/report/1) document; what is missing or of a wrong type is left out, nothing raises
    """
    view = _view.build(report)
    run = dict(view.run)
    counts = ", ".join(f"{number} {name}" for name, number in view.counts if number)
    lines = [view.summary] if view.summary else []
    lines += [f"Across hosts: {cause.title}" for cause in view.causes[:3]]
    # A host that has nothing but what is true of them all is counted, and not told of.
    telling = [host for host in view.sick if not host.inherited]
    lines += [f"{host.name} {host.verdict}: {', '.join(host.lines[:3])}" for host in telling[:_HOSTS]]
    if len(telling) > _HOSTS:
        lines.append(f"and {_words.count(len(telling) - _HOSTS, 'more host')}")
    if view.acts:
        lines.append("Remedies: " + ", ".join(f"{number} {words}" for words, number in view.acts))
    lines += [f"{label}: {run[label]}" for label in ("Ticket", "Run") if label in run]
    title = f"{view.sign.sign} Mail {view.verdict}" + (f": {counts}" if counts else "")
    return Message(view.verdict, title, _bounded(lines))


def request(kind: str, url: str, told: Message) -> Request:
    """Write a message as a service wants it.

    :param kind: one of C(KINDS)
    :param url: of the service's webhook; of the topic for C(ntfy)
    """
    if kind == "slack":
        text = html.escape("\n".join((told.title, *told.lines)), quote=False)
        return Request(url, {"text": _unlinked(text)})
    if kind == "mattermost":
        # Two blanks before the end of a line keep it a line of its own.
        return Request(url, {"text": "  \n".join(_plain_markdown(line) for line in (told.title, *told.lines))})
    if kind == "teams":
        return Request(url, _card(told))
    if kind == "ntfy":
        server, dummy, topic = url.rstrip("/").rpartition("/")
        return Request(server + "/", {"topic": urllib.parse.unquote(topic), **_push(told)})
    return Request(
        url,
        {"schema": SCHEMA, "verdict": told.verdict, "title": told.title, "text": "\n".join(told.lines)},
    )


def _bounded(lines: list[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(line) > _LONGEST:
            return (*kept, "…")
        kept.append(line)
    return tuple(kept)


def _unlinked(text: str) -> str:
    """Addresses stay readable, and are none to be clicked at or to be called."""
    return text.replace("@", "@" + _BREAK).replace("://", ":" + _BREAK + "//")


def _plain_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _unlinked(text)).replace("&", "&amp;")


def _card(told: Message) -> dict[str, Any]:
    """An adaptive card; of its elements only this one knows no Markdown."""
    first = {"type": "TextRun", "text": told.title, "weight": "Bolder"}
    runs = [[first], *([{"type": "TextRun", "text": _unlinked(line)}] for line in told.lines)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [{"type": "RichTextBlock", "inlines": inlines} for inlines in runs],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _push(told: Message) -> dict[str, Any]:
    """Texts of ntfy know no markup unless it is asked for; five is its highest priority."""
    priority = {"down": 5, "degraded": 4, "healthy": 2}.get(told.verdict, 3)
    return {"title": told.title, "message": "\n".join(told.lines), "priority": priority, "markdown": False}
