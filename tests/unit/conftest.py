# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this checkout importable as ansible_collections.mailops.triage."""

from __future__ import annotations

import sys
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[2] / "playbooks" / "collections"


def pytest_configure() -> None:
    """Install ansible-core's importer for collections; below ansible-test it is there already."""
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    if AnsibleCollectionConfig.collection_finder is None:
        # A private class, as every test runner for collections uses it: there is no public way.
        _AnsibleCollectionFinder(paths=[str(COLLECTIONS)])._install()
        sys.path.insert(0, str(COLLECTIONS))
