# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold one logged-in IMAP session open until the server ends it: python3 hold.py ADDRESS (bounded by timeout(1))."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labkit import client, plan  # pylint: disable=wrong-import-position

if __name__ == "__main__":
    talk = client.Dialogue(sys.argv[1], client.PORTS["imaps"], 30.0)
    talk.tls()
    talk.greeting("* OK")
    talk.imap("login", f"LOGIN alice {plan.ACCOUNTS['alice']}")
    talk.imap("select", "SELECT INBOX")
    talk.send("idle", "b IDLE")
    talk.sock.settimeout(None)
    while talk.sock.recv(4096):
        pass
