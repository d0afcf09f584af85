# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzz tests share: recorded texts, and ways to damage them."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TESTS = Path(__file__).resolve().parents[1]
RECORDED = TESTS / "facts" / "recorded"

# The same examples in every run: a test that fails does so everywhere. How long one example takes is not judged here:
# a loaded machine would fail. What never ends fails by the time limit of the whole run.
QUICK = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

_NASTY = [
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"<",
    b">",
    b"[",
    b"]",
    b": ",
    b'"',
    b"\\",
    b"{",
    b"}",
    b"=",
    b",",
    b"/",
    b"-",
    b"%",
    b"\xff\xfe",
]
_NASTY += [b"9" * 5000, b"-1", b"1e999", b"NaN", b"0x", b"A" * 5000, "٣٤\u202e\x1b[2J".encode(), b"[" * 3000, b"1.2.3"]


def seed(name: str) -> bytes:
    """The beginning of a recorded text: long enough to hold every kind of line."""
    return (RECORDED / name).read_bytes()[:20000]


def damaged(*seeds: bytes) -> st.SearchStrategy[bytes]:
    """Recorded texts with pieces cut out, doubled and put in; and bytes that nobody recorded."""
    edit = st.tuples(st.floats(0, 1), st.integers(0, 40), st.one_of(st.sampled_from(_NASTY), st.binary(max_size=8)))
    edits = st.lists(edit, min_size=1, max_size=8)
    return st.one_of(st.builds(_damage, st.sampled_from(seeds), edits), st.binary(max_size=300))


def _damage(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, put in edits:
        place = int(where * len(data))
        data = data[:place] + put + data[place + length :]
    return data
