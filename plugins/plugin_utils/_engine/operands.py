# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the condition of a rule apart, so that a person can be told which part of it holds and which does not.

Note that this plugin util is PRIVATE to the collection. It can have breaking changes at any time.

A condition is cut where JMESPath's own lexer sees C(&&) and C(||) outside of brackets; the pieces are expressions
again.
"""

from __future__ import annotations

import functools
import typing as t

try:
    import jmespath.lexer
except ImportError:
    # The rules that these pieces come from cannot be loaded without it either, and say so.
    HAVE_JMESPATH = False
else:
    HAVE_JMESPATH = True

_OPENING = ("lparen", "lbracket", "lbrace", "filter")
_CLOSING = ("rparen", "rbracket", "rbrace")
_COMPARING = ("eq", "ne", "lt", "lte", "gt", "gte")


def alternatives(text: str) -> list[list[str]]:
    """The ways in which a condition can hold, each with the parts that must hold together.

    C(a && (b || c) || d) gives [[a, b || c], [d]].
    """
    return [_together(way) for way in _split(text, "or")]


def compared(text: str) -> list[str]:
    """What a part looks at: both sides of a comparison, but for literals; else the facts that a function is given."""
    parts = _split(text, "or", "and")
    if len(parts) > 1:
        return list(dict.fromkeys(path for part in parts for path in compared(part)))
    sides = _split(text, *_COMPARING)
    if len(sides) == 1:
        return _paths(text) if "(" in text else []
    return list(dict.fromkeys(_bare(side) for side in sides if not _literal(side)))


def guards(text: str) -> bool:
    """Is the part a mere "if it is there at all"?"""
    plain = "".join(text.split())
    return plain.endswith("!=`null`")


def _paths(text: str) -> list[str]:
    """The paths that a text names, but for those inside of its own brackets, which start elsewhere."""
    found: list[str] = []
    depth = 0
    tokens = _tokens(text)
    for token, following in zip(tokens, [*tokens[1:], {"type": "eof"}]):
        if token["type"] in ("lbracket", "lbrace", "filter"):
            depth += 1
        elif token["type"] in ("rbracket", "rbrace"):
            depth -= 1
        elif token["type"] == "unquoted_identifier" and not depth and following["type"] != "lparen":
            if found and found[-1].endswith("."):
                found[-1] += token["value"]
            else:
                found.append(token["value"])
        elif token["type"] == "dot" and not depth and found:
            found[-1] += "."
    return list(dict.fromkeys(path.rstrip(".") for path in found))


def _together(text: str) -> list[str]:
    pieces = _split(text, "and")
    if len(pieces) == 1:
        return [_bare(text)]
    return [
        part for piece in pieces for part in (_together(piece) if len(_split(piece, "or")) == 1 else [_bare(piece)])
    ]


def _split(text: str, *kinds: str) -> list[str]:
    """Cut a text at the tokens of these kinds that stand outside of brackets."""
    text = _bare(text)
    depth = 0
    pieces: list[str] = []
    begin = 0
    for token in _tokens(text):
        if token["type"] in _OPENING:
            depth += 1
        elif token["type"] in _CLOSING:
            depth -= 1
        elif depth == 0 and token["type"] == "pipe":
            return [text]
        elif depth == 0 and token["type"] in kinds:
            pieces.append(text[begin : token["start"]].strip())
            # The lexer's own "end" is the start for some tokens of one character.
            begin = token["start"] + len(token["value"])
    return [*pieces, text[begin:].strip()]


def _bare(text: str) -> str:
    """The text without brackets that enclose all of it."""
    text = text.strip()
    while True:
        tokens = _tokens(text)
        if len(tokens) < 2 or tokens[0]["type"] != "lparen" or tokens[-1]["type"] != "rparen":
            return text
        depth = 0
        for token in tokens[:-1]:
            depth += (token["type"] in _OPENING) - (token["type"] in _CLOSING)
            if depth == 0:
                return text
        text = text[1:-1].strip()


def _literal(text: str) -> bool:
    return [token["type"] for token in _tokens(text)] == ["literal"]


@functools.lru_cache(maxsize=4096)
def _tokens(text: str) -> list[t.Any]:
    """Nobody changes the list; the same conditions come back for every host that is explained."""
    return [token for token in jmespath.lexer.Lexer().tokenize(text) if token["type"] != "eof"]
