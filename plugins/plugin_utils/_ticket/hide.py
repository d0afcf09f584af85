# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets kept out of texts: what a ticket system answers may echo what it was sent.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import base64
import typing as t
from urllib.parse import quote, quote_plus

HIDDEN = "********"
_SHORTEST = 4
"""A shorter secret is no secret: to hide it would make the text unreadable and tell what it is."""


class Hide:
    """Replaces secrets, and the forms in which they are sent, by asterisks.

    :param secrets: what must not be shown; anything that is no text, or too short, is left out
    """

    def __init__(self, secrets: t.Iterable[object] = ()) -> None:
        self._known: set[str] = set()
        self.add(*secrets)

    def add(self, *secrets: object) -> None:
        """Hide these, too."""
        for secret in secrets:
            # Read from a file, a secret ends in a line break that nobody sends.
            text = str(secret).strip() if isinstance(secret, str) else ""
            if len(text) >= _SHORTEST:
                coded = base64.b64encode(text.encode("utf-8")).decode("ascii")
                self._known |= {text, quote(text, safe=""), quote_plus(text), coded}

    def add_login(self, user: str, password: str) -> None:
        """Hide a user's password, and the two as basic authentication sends them."""
        self.add(password)
        if len(password) >= _SHORTEST:
            self._known.add(base64.b64encode(f"{user}:{password}".encode()).decode("ascii"))

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text
