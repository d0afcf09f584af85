# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One login as a mail client tries it: python3 login.py ADDRESS PROTOCOL USER [TIMEOUT [PASSWORD]]; prints the answer.

Without a password, or with an empty one, it is the user's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labkit import client, plan  # pylint: disable=wrong-import-position

if __name__ == "__main__":
    address, protocol, user, *more = sys.argv[1:]
    timeout = float(more[0]) if more else 10.0
    password = more[1] if len(more) > 1 and more[1] else plan.ACCOUNTS[user]
    print(client.probe(address, protocol, user, password, f"{user}@{plan.DOMAIN}", timeout))
