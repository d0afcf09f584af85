# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules that act on a mail host have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """The gate that a remedy goes through, and the attributes of all that acts."""

    ACTS = r"""
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying the target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check mode), when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates
      no change.
    support: full
  platform:
    description: Target OS/families that can be operated against.
    support: full
    platforms: linux
"""

    DOCUMENTATION = r"""
notes:
  - Every remedy goes through the same gate. It is refused, which is no failure, while an operator's marker
    C(/etc/mailops-triage/maintenance) is there, while another run is at the host, while packages are being worked at or
    a backup is running, and while what it would do could not be remembered. A refusal comes with RV(code) and RV(why).
  - What is done is told to the host's journal under the identifier C(mailops-triage), and remembered in
    C(/var/lib/mailops-triage), which belongs to root alone.
options:
  guard:
    description: Who asks, and how patient the gate is.
    type: dict
    required: true
    suboptions:
      run:
        description: Identifier of the run. The host stays this run's until it had the time to prove what it did.
        type: str
        required: true
      ticket:
        description: Identifier of the ticket that asked for it.
        type: str
      by:
        description: Who asked, and from where; shown to whoever finds the host taken.
        type: str
      finding:
        description: Identifier of the finding that the remedy is for.
        type: str
      wait:
        description: Seconds to wait for another run, a package run or a backup to end.
        type: float
        default: 90.0
      starts_per_hour:
        description:
          - How often a daemon may be started within an hour. After that there is one start after each pause of 15, 30
            and 60 minutes.
        type: int
        default: 3
      grace:
        description: Seconds after a start in which there is no other.
        type: float
        default: 120.0
"""
