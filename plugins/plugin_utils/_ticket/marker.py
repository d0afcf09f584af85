# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last line of a comment, by which a later run knows it again.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

The line names run and stage, and has a digest of the comment: the same answer is not sent twice, whatever the ticket
system made of its text meanwhile.
"""

from __future__ import annotations

import hashlib
import html
import re
import typing as t

from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import natural

_ODD = re.compile(r"[^A-Za-z0-9.:+-]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_LONGEST_LINE = 300


def plain(run: str) -> str:
    """A run's identifier as it stands in markers: nothing in it means anything to a search."""
    return _ODD.sub("-", run)[:80]


def begin(run: str, stage: str) -> str:
    """What the markers of all versions of a comment have in common."""
    return f"[mailops.triage run={plain(run)} stage={stage} "


def make(run: str, stage: str, content: str) -> str:
    """The marker of a comment.

    :param content: the comment without it
    """
    return f"{begin(run, stage)}text={hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:12]}]"


def find(marker: str, comments: t.Iterable[tuple[str, str]]) -> tuple[str | None, bool]:
    """Look for our comment among those of a ticket.

    A marker counts only as a line of its own: somebody who answers to our comment may have quoted it. Where several
    comments have it, the oldest one is ours.

    :param comments: C((id, text)) of each; the text may be HTML
    :returns: the comment's id, or None, and whether it says the same already
    """
    start = marker[: marker.index("text=")]
    ours = []
    for identity, text in comments:
        lines = _lines(text)
        if marker in lines:
            return identity, True
        if any(line.startswith(start) and line.endswith("]") for line in lines):
            ours.append(identity)
    return (min(ours, key=natural) if ours else None), False


def _lines(text: str) -> list[str]:
    """The short lines of a text or of HTML."""
    # Some systems hand out HTML whose tags are written as entities.
    text = html.unescape(text) if "<" not in text and "&" in text else text
    bare = html.unescape(_TAG.sub("\n", text)) if "<" in text else text
    return [line.strip() for line in bare.splitlines() if len(line) <= _LONGEST_LINE]
