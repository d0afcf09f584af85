# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that came from outside: log lines, banners, reply texts, queue reasons.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

# C0 and C1 controls, and the Unicode characters that reorder or hide text on a terminal or in a browser.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")


_WHOLE = re.compile("[0-9]{1,18}$")


def whole(text, otherwise=None):
    """The number that a text of ASCII digits means, else another value.

    str.isdigit() is true of digits that int() refuses, and int() refuses to read a number of some thousand digits.
    """
    return int(text) if _WHOLE.match(text) else otherwise


def clean(value, limit: int = 300) -> str:
    """Make a bounded single line of a value that an attacker may have written.

    :param value: str, bytes (decoded as UTF-8, wrong bytes replaced) or anything str() takes
    :param limit: longest result, in characters; a longer text ends in an ellipsis
    :returns: text without control, bidirectional-override or zero-width characters; runs of them become one space
    """
    if isinstance(value, bytes):
        # Cut before decoding: a banner of a megabyte must not cost a megabyte of work.
        value = value[: 4 * limit + 4].decode("utf-8", "replace")
    text = str(value)
    cut = len(text) > 8 * limit
    text = _UNSAFE.sub(" ", text[: 8 * limit]).strip()
    if len(text) > limit or cut:
        text = text[: limit - 1].rstrip() + "\u2026"
    return text
