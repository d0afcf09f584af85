# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one page that needs nothing but itself: no network, no files beside it, no trust in what it shows.

The template, style sheet and script lie beside this file. The page's Content-Security-Policy names the style and the
script by their hashes, so that nothing else can ever run in it, whatever a mail server wrote into a log.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _findings, _view, _why, _words

_HERE = Path(__file__).resolve().parent
# Beyond so many sick hosts their blocks carry less, and beyond the second number the table alone has to do: a page
# about a thousand broken hosts must still open quickly on a phone.
_MANY = 200
_TOLD = 400
_EXPLAINED = 100


def render(report: Mapping[str, Any], explanations: Mapping[str, Any] | None = None) -> str:
    """Make the HTML page of a `mailops.triage/report/1` document.

    :param report: the report; what is missing or of a wrong type is left out, nothing raises for what is inside it
    :param explanations: for some hosts why they were judged so; their blocks get one more section, folded
    :returns: a complete HTML5 document, to be written as UTF-8
    """
    style, script = asset("page.css"), asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    view = _view.build(report)
    reasons = {one.name: one for one in (_why.why(*item) for item in list((explanations or {}).items())[:_EXPLAINED])}
    told = [
        host
        for host in view.hosts
        if host.sick or host.verdict == "maintenance" or host.causes or host.actions or host.name in reasons
    ]
    return template("page.html.j2").render(
        view=view,
        policy=policy,
        # The only texts that are not escaped are our own two files.
        style=Markup(style),
        script=Markup(script),
        words=_words,
        reasons=reasons,
        by_place=_findings.by_place,
        bars=_bars(view),
        told=told[:_TOLD],
        untold=len(told[_TOLD:]),
        many=len(view.sick) > _MANY,
    )


@functools.lru_cache(maxsize=4)
def template(name: str) -> Template:
    """A template of this folder, compiled once in a process; what is put into it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # a process renders a page once, as a rule
    )
    return environment.get_template(name)


def asset(name: str) -> str:
    """A style sheet or script of this folder."""
    # A browser hashes the text with newlines normalised: a checkout with CRLF must not lock the page out.
    return "\n" + (_HERE / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def digest(text: str) -> str:
    """How a Content-Security-Policy names a style or a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _bars(view: _view.Report) -> list[tuple[str, float, float]]:
    """(verdict, start, width) in percent, for the bar of the whole fleet."""
    total = sum(number for dummy, number in view.counts) or 1
    bars, start = [], 0.0
    for name, number in view.counts:
        if number:
            bars.append((name, round(start, 3), round(100 * number / total, 3)))
        start += 100 * number / total
    return bars
