# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences of rules with facts in them, such as C({it.mount} is full).

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

What stands in braces is one JMESPath expression of the rule's author, compiled when the rule is loaded. What
it finds is cleaned and put in as text: it is never looked at again, so a fact that itself holds braces or a
template stays what it is.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.triage.plugins.module_utils._text import clean
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.expressions import UNKNOWN, Expression
from ansible_collections.mailops.triage.plugins.plugin_utils._engine.units import duration, size

_FIELD = re.compile(r"\{([^{}]+)\}")


class Wording:
    """A sentence with places for facts.

    :raises ExpressionError: when one of the places is wrong
    """

    def __init__(self, text: str, schema: dict[str, t.Any] | None = None) -> None:
        self.text = text
        parts = _FIELD.split(text)
        self._texts = parts[::2]
        self._fields = [Expression(part, schema) for part in parts[1::2]]

    @property
    def pattern(self) -> str:
        """The sentence with a C(*) for each place: what it may become."""
        return "*".join(self._texts)

    def say(self, document: t.Mapping[str, t.Any]) -> str:
        """Put the facts in; one that is not known becomes "?"."""
        said = self._texts[0]
        for field, text in zip(self._fields, self._texts[1:]):
            said += show(field.search(document), field.text) + text
        return said

    def each(self, document: t.Mapping[str, t.Any]) -> list[str]:
        """Put the facts in; for a place that holds a list, once for each of its elements."""
        said = [self._texts[0]]
        for field, text in zip(self._fields, self._texts[1:]):
            value = field.search(document)
            choices = value if isinstance(value, list) else [value]
            said = [begun + show(choice, field.text) + text for begun in said for choice in choices]
        return said


def show(value: t.Any, path: str = "") -> str:
    """A fact as a person reads it: bytes with a unit when the path says that they are bytes, lists joined."""
    if value is None or value is UNKNOWN:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        if path.endswith("_bytes"):
            return size(value)
        if path.endswith("_s"):
            return duration(value)
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, (list, tuple)):
        said = list(dict.fromkeys(show(item, path) for item in value))
        return ", ".join(said[:5]) + (", …" if len(said) > 5 else "")
    return clean(value)
