# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let tests import this checkout as what it is to Ansible: ``ansible_collections.mailops.triage``.

The importer of ansible-core is pointed at the link that also makes a plain checkout run, so tests need no copy of
the collection and no particular working directory.
"""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Install the importer once; ansible-test and pytest-ansible bring their own."""
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

    if AnsibleCollectionConfig.collection_finder is None:
        _AnsibleCollectionFinder(paths=[str(CHECKOUT / "playbooks" / "collections")])._install()
