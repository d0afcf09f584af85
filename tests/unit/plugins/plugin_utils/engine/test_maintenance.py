# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The maintenance marker: a marker that is not understood must not be taken for none."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.plugin_utils._engine.maintenance import MaintenanceError, maintenance

NOON = 1767268800.0  # 2026-01-01T12:00:00Z


@pytest.mark.parametrize(
    ("value", "active"),
    [
        (None, False),
        (False, False),
        ({}, False),
        (True, True),
        ({"reason": "new disk"}, True),
        ({"until": "2026-01-01T13:00:00Z"}, True),
        ({"until": "2026-01-01T11:00:00Z"}, False),
        ({"until": "2026-01-01T13:30:00+02:00"}, False),
        ({"from": "2026-01-01T12:30:00Z"}, False),
        ({"from": "2026-01-01", "until": "2026-01-02"}, True),
    ],
)
def test_when_it_counts(value: Any, active: bool) -> None:
    assert maintenance(value, NOON)["active"] is active


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("yes please", "true, false or a mapping"),
        ({"untill": "2026-01-01"}, "unknown key 'untill'"),
        ({"until": "tomorrow"}, "'until' is 'tomorrow', which is no ISO 8601 time"),
    ],
)
def test_mistakes(value: Any, message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        maintenance(value, NOON)
