# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposed patch window as HTML: a fragment for any page, or a page that needs nothing but itself.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ansible_collections.mailops.triage.plugins.plugin_utils._faces import _week_view, html

# Pixels: where the map begins, and the side of an hour.
_LEFT, _TOP, _SIDE = 32, 18, 20
_OPACITIES = (".06", ".25", ".45", ".7", "1")


def fragment(found: Mapping[str, Any]) -> Markup:
    """The heat map and the windows, to be put into a page as it is: it has neither style nor script.

    :param found: what C(patch_window) answers; what is missing or of a wrong type is left out
    """
    return _fragment(_week_view.build(found))


def page(found: Mapping[str, Any]) -> str:
    """The same as a complete HTML5 document, to be written as UTF-8."""
    style = html.asset("page.css")
    view = _week_view.build(found)
    return html.template("window.html.j2").render(
        view=view,
        policy=f"default-src 'none'; style-src '{html.digest(style)}'; base-uri 'none'; form-action 'none'",
        style=Markup(style),
        fragment=_fragment(view),
    )


def _fragment(view: _week_view.Proposal) -> Markup:
    return Markup(
        html.template("week.html.j2").render(
            view=view, days=_week_view.DAYS, left=_LEFT, top=_TOP, side=_SIDE, opacities=_OPACITIES
        )
    )
