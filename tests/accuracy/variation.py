# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No two servers are alike: what differs from host to host before a fault strikes, drawn by a seed.

A fault's variation depends on the seed and the fault alone, so that a case that failed can be played again by itself.
Seed 0 is the plain lab host, as the demo, the lab tests and the recordings have it.
"""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path
from typing import Any

from labkit import faults, host, inventory, plan, state
from labkit.shell import run

OWN_PLACE = re.compile(r"\bmount\b|\bdd\b|fallocate|truncate|head -c|fsfreeze")
"""A fault that is about places needs them as it knows them."""

SCRIPT = """\
if [ "$CLASSIC" = yes ]; then
  echo 'module(load="builtin:omfile" Template="RSYSLOG_TraditionalFileFormat")' > /etc/rsyslog.d/00-classic.conf
  systemctl restart rsyslog
fi
if [ "$DROP_IN" = yes ]; then
  for unit in postfix@- dovecot; do
    mkdir -p /etc/systemd/system/$unit.service.d
    printf '[Unit]\\nDescription=Mail of the house\\n[Service]\\nLimitNOFILE=65536\\n' \
      > /etc/systemd/system/$unit.service.d/house.conf
  done
  systemctl daemon-reload
fi
postconf -e "recipient_delimiter = $DELIMITER" "message_size_limit = $LARGEST" "smtpd_banner = $BANNER"
if [ "$VOLUME" = 0 ]; then
  postfix reload 2>/dev/null
else
  systemctl stop postfix@- dovecot
  mkdir /srv/queue
  mount -t tmpfs -o size="$VOLUME"m,mode=755 queue /srv/queue
  cp -a /var/spool/postfix/. /srv/queue/
  mount --bind /srv/queue /var/spool/postfix
  systemctl start dovecot
  systemctl start postfix@-
fi
"""

HISTORY = Path(__file__).with_name("history.py")
"""Runs inside the host, and writes the log of the days before."""


@dataclasses.dataclass(frozen=True)
class Variation:
    """What is different on one host."""

    roles_given: bool = True
    classic: bool = False
    history: int = 0
    delimiter: str = "+"
    largest: int = 10240000
    banner: str = "$myhostname ESMTP $mail_name"
    root_megabytes: int = 400
    drop_in: bool = False
    queue_megabytes: int = 0
    """Size of the queue's own file system; 0: it lies on the root file system."""

    def __str__(self) -> str:
        """Only what is not as on the plain host, in a few words."""
        words = [] if self.roles_given else ["no mail_roles"]
        words += ["classic time stamps"] if self.classic else []
        words += [f"{self.history} older log lines"] if self.history else []
        words += [f"delimiter '{self.delimiter}'"] if self.delimiter != "+" else []
        words += [f"message_size_limit {self.largest}"] if self.largest != 10240000 else []
        words += ["another banner"] if "mail_name" not in self.banner else []
        words += [f"root of {self.root_megabytes} MB"] if self.root_megabytes != 400 else []
        words += ["units with a drop-in"] if self.drop_in else []
        words += [f"queue on {self.queue_megabytes} MB of its own"] if self.queue_megabytes else []
        return ", ".join(words) or "plain"


PLAIN = Variation()


def _about_places(scenario: dict[str, Any]) -> bool:
    return any(OWN_PLACE.search(text) for step in scenario["inject"] for text in step.values())


def draw(seed: int, fault: str) -> Variation:
    """What the host of a fault is like under a seed."""
    if seed == 0:
        return PLAIN
    own_queue = fault not in faults.names() or not _about_places(faults.load(fault))
    dice = random.Random(f"{seed} {fault}")
    return Variation(
        roles_given=dice.random() < 0.6,
        classic=dice.random() < 0.5,
        history=dice.choice((0, 0, 500, 20000)),
        delimiter=dice.choice(("+", "-", "")),
        largest=dice.choice((5120000, 10240000, 15360000)),
        banner=dice.choice(("$myhostname ESMTP $mail_name", "$myhostname ESMTP", "mail ready")),
        root_megabytes=dice.choice((320, 400, 480)),
        drop_in=dice.random() < 0.3,
        queue_megabytes=dice.choice((0, 0, 80, 120)) if own_queue else 0,
    )


def order(seed: int, faults: list[str]) -> list[str]:
    """Which faults meet in a batch, and so which host gets which."""
    shuffled = list(faults)
    if seed:
        random.Random(f"{seed}").shuffle(shuffled)
    return shuffled


def apply(name: str, one: Variation, scenario: dict[str, Any]) -> None:
    """Make a healthy host be like that; it serves again when this returns."""
    if one == PLAIN:
        return
    size = f"remount,size={one.root_megabytes}m"
    run(["mount", "-o", size, str(plan.run_dir(name) / "layer")])
    values = {
        "CLASSIC": "yes" if one.classic else "no",
        "DROP_IN": "yes" if one.drop_in else "no",
        "DELIMITER": one.delimiter,
        "LARGEST": str(one.largest),
        "BANNER": one.banner,
        "VOLUME": str(one.queue_megabytes),
    }
    words = [f"{key}={value}" for key, value in values.items()]
    host.enter(name, ["env", *words, "sh", "-eu", "-c", SCRIPT], check=True)
    if one.history:
        arguments = [str(one.history), values["CLASSIC"], name]
        host.enter(name, ["python3", "-", *arguments], check=True, stdin=HISTORY.read_text(encoding="utf-8"))
    if not one.roles_given and "mail_roles" not in scenario["inventory"]:
        state.set_host(name, varied={"mail_roles": None})
        inventory.write()
    host.wait_ready(name)
