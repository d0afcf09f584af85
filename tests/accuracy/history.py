# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write two days of a healthy server's mail log: python3 history.py LINES yes|no HOST (yes: classic stamps)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

DAY = 86400


def lines(count: int, classic: bool, name: str, now: float) -> Iterator[str]:
    """Five lines for each message, over two days that ended four hours ago: yesterday has this hour, too."""
    for number in range(count):
        at = time.gmtime(now - 2 * DAY - 4 * 3600 + number * 2 * DAY / count)
        stamp = time.strftime("%b %e %H:%M:%S" if classic else "%Y-%m-%dT%H:%M:%S.000000+00:00", at)
        queue, person = f"{0xA00000 + number // 5:X}", number // 5 % 90
        text = (
            f"postfix/smtpd[300]: connect from unknown[198.19.7.{person + 1}]",
            f"postfix/smtpd[300]: {queue}: client=unknown[198.19.7.{person + 1}]",
            f"postfix/qmgr[209]: {queue}: from=<person{person}@partner.example>, size=2048, nrcpt=1 (queue active)",
            f"postfix/lmtp[310]: {queue}: to=<bob@{name}.example.test>, relay=local, delay=0.1, dsn=2.0.0, status=sent",
            f"postfix/qmgr[209]: {queue}: removed",
        )[number % 5]
        yield f"{stamp} {name} {text}\n"


if __name__ == "__main__":
    with open("/var/log/mail.log.1", "w", encoding="ascii") as old:
        old.writelines(lines(int(sys.argv[1]), sys.argv[2] == "yes", sys.argv[3], time.time()))
