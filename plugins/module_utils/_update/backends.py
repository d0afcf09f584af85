# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package manager a host has.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import dpkg
from ansible_collections.mailops.triage.plugins.module_utils._update.apt import Apt
from ansible_collections.mailops.triage.plugins.module_utils._update.dnf import Dnf

BACKENDS = {"apt": Apt, "dnf": Dnf}


def find(asked):
    """The backend of a name, or with C(auto) the host's own; None when there is none.

    :param asked: auto, or a name of BACKENDS
    """
    if asked == "auto":
        # dnf can be installed on Debian, and apt on Red Hat's family: what counts is whose the packages are.
        asked = "apt" if os.path.exists(dpkg.STATUS) else "dnf"
    program = _run.find_program({"apt": "apt-get", "dnf": "dnf"}[asked])
    # The fifth dnf has the same name, and speaks otherwise.
    return None if program is None or os.path.realpath(program).endswith("dnf5") else BACKENDS[asked]()
