# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a patch night as one page that needs nothing but itself.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _night_words, _safe, html


def render(report: Mapping[str, Any]) -> str:
    """Make the HTML page of a `mailops.triage/night-report/1` document.

    :returns: a complete HTML5 document, to be written as UTF-8
    """
    style = html.asset("page.css")
    states = _night_words.STATES
    hosts = sorted(report["hosts"].items(), key=lambda item: (states[item[1]["state"]].rank, _safe.natural(item[0])))
    worst = min(
        (states[host["state"]] for dummy, host in hosts), key=lambda state: state.rank, default=states["nothing"]
    )
    return html.template("night.html.j2").render(
        report=report,
        hosts=hosts,
        worst=worst,
        states=states,
        policy=f"default-src 'none'; style-src '{html.digest(style)}'; base-uri 'none'; form-action 'none'",
        # The only text that is not escaped is our own file.
        style=Markup(style),
        words=_night_words,
        safe=_safe,
    )
