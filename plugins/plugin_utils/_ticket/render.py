# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of an answer: plain, Markdown or HTML, in English or Japanese, never longer than a ticket can take.

The templates lie beside this file, one for each format. What a report, a host or a ticket says is escaped for the
format; in Markdown it stands in code spans, where neither links nor mentions nor commands are read.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import functools
import typing as t
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ansible_collections.mailops.triage.plugins.plugin_utils._faces._safe import inert, number
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import marker as marking
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.answers import Answer
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.hide import Hide
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.letter import MOST_BYTES, Letter
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.told import SIZES, Document, told
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.words import WORDS

_HERE = Path(__file__).resolve().parent
_ENDINGS = {"text": "txt", "markdown": "md", "html": "html"}


def content(
    source: Document,
    before: Document | None,
    stage: str,
    event: t.Mapping[str, t.Any],
    answer: Answer,
    *,
    language: str = "en",
    approve: str = "",
    url: str = "",
    hide: Hide | None = None,
) -> str:
    """The comment without its marker, as long as the system can take it.

    :param source: the report
    :param before: the report of the first diagnosis, when something was done in between
    :param language: C(en) or C(ja)
    :param approve: how to approve, in the site's own words
    :param url: where the whole report can be read
    :param hide: keeps secrets out
    """
    hide = hide or Hide()
    # With the marker's line, and what the system wants around it.
    room = MOST_BYTES - 400
    longest = (answer.longest or MOST_BYTES) - 200 - sum(map(len, answer.wrap))
    given = {
        "word": _own(WORDS[language]),
        "approve": hide(inert(approve, 600)),
        "url": hide(inert(url, 300)),
    }
    text = ""
    for size in SIZES:
        what = _hidden(told(source, before, stage, event, size), hide)
        text = _template(answer.format).render(told=what, **given)
        text = _tidy(text)
        for old, new in answer.replace.items():
            text = _replaced(text, old, new)
        if len(text.encode("utf-8", "replace")) <= room and len(text) <= longest:
            return text
    # Only where a system takes very little: the beginning says what matters most, and plain text can be cut anywhere.
    return text if answer.format == "html" else text[: min(longest, room // 4)].rstrip()


def letter(
    text: str, answer: Answer, system: str, ticket: str, source: Document, stage: str, state: str, written: float
) -> Letter:
    """Put the marker below a comment and address it.

    :param text: what L(content) made
    :param written: epoch seconds
    """
    run = str((source.get("run") or {}).get("id") or "")
    line = marking.make(run, stage, "\0".join((text, *answer.wrap)))
    shown = f"<p>{line}</p>" if answer.format == "html" else line
    fleet = source.get("fleet") or {}
    return Letter(
        system=system,
        ticket=ticket,
        run=run,
        stage=stage,
        state=state,
        verdict=inert(fleet.get("verdict"), 20),
        summary=inert(fleet.get("summary"), 200),
        comment=f"{answer.wrap[0]}{text}\n\n{shown}{answer.wrap[1]}",
        marker=line,
        started=min(max(number((source.get("run") or {}).get("started")) or 0.0, 0.0), written),
        written=written,
    )


@functools.lru_cache(maxsize=3)
def _template(format_name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=format_name == "html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # a process renders an answer once or twice
        finalize=_spanned if format_name == "markdown" else None,
    )
    environment.filters["own"] = Markup
    return environment.get_template(f"answer.{_ENDINGS[format_name]}.j2")


def _spanned(value: object) -> object:
    """For Markdown: whatever is not our own word becomes a code span."""
    if isinstance(value, (Markup, int)):
        return value
    text = str(value).replace("`", "'").strip()
    return Markup("`{}`").format(Markup(text)) if text else ""


def _own(words: t.Any) -> t.Any:
    """Our own words, marked as such."""
    if isinstance(words, dict):
        return {key: _own(value) for key, value in words.items()}
    return Markup(words)


def _hidden(value: t.Any, hide: Hide) -> t.Any:
    """The same without secrets; a host may have written one into its log."""
    if isinstance(value, dict):
        return {key: _hidden(item, hide) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item, hide) for item in value]
    return hide(value) if isinstance(value, str) else value


def _replaced(text: str, old: str, new: str) -> str:
    """Replace a text without regard to case."""
    lowered, wanted = text.lower(), old.lower()
    if len(lowered) != len(text):
        return text.replace(old, new)
    pieces: list[str] = []
    begin = 0
    while True:
        found = lowered.find(wanted, begin)
        if found < 0:
            return "".join([*pieces, text[begin:]])
        pieces += [text[begin:found], new]
        begin = found + len(old)


def _tidy(text: str) -> str:
    """No more than one empty line in a row, none at the ends."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip("\n")
