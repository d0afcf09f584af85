# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ordinary day on some lab hosts: python3 background.py HOST ... [--seconds N] [--rate N] [--seed N]

Mail from other houses, mail of the own people, mail programs that look for new mail, now and then a mistyped name or
password: what goes on under every fault of a real server. All of it is honest, from addresses of its own. It ends by
itself after its seconds, or when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labkit import client, crowd, plan  # pylint: disable=wrong-import-position

# How often of a hundred; the rest is mail from other houses.
SUBMITS, READS, FETCHES, WRONG_NAMES, WRONG_PASSWORDS = 6, 22, 8, 3, 1
WIDTH = 3
PEOPLE = ("alice", "bob")
"""Those who read mail; the probe's account gets mail, but belongs to those who measure."""


def _fetch(address: str, source: str, user: str, tally: crowd.Tally) -> None:
    """A mail program that asks over POP3 whether there is mail."""
    answer = "ok"
    try:
        talk = client.Dialogue(address, client.PORTS["pop3s"], 20.0, source=source)
        with talk.sock:
            talk.tls()
            with talk.sock:
                talk.pop3("banner", None)
                talk.pop3("user", f"USER {user}")
                talk.pop3("pass", f"PASS {plan.ACCOUNTS[user]}")
                talk.pop3("stat", "STAT")
                talk.pop3("quit", "QUIT")
                tally.add("logins")
    except client.Bad as bad:
        answer = str(bad)
    tally.ended(answer)


class Day:
    """The traffic of one host."""

    def __init__(self, host: str, seed: int, rate: float, seconds: float) -> None:
        self.name, self.address = f"{host}.{plan.DOMAIN}", plan.address(host)
        self.rate, self.seconds = rate, seconds
        self.rng = random.Random(f"{seed} {host}")
        self.tally = crowd.Tally()
        self.others = crowd.addresses(self.rng, 40)
        # People do not move house with the seed. Nobody else has these: who is slowed down for a wrong password is one.
        homes = iter(crowd.addresses(random.Random(host), 2 * len(PEOPLE)))
        self.desks = {user: [next(homes), next(homes)] for user in PEOPLE}
        self._run = format(time.time_ns(), "x")

    def run(self) -> None:
        """Do as people do, until the seconds are over."""
        crowd.together(WIDTH, self._paced(), self.tally, self.seconds)

    def _paced(self) -> Iterator[functools.partial[None]]:
        due = time.monotonic()
        number = 0
        while True:
            due = max(due + self.rng.expovariate(self.rate), time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
            number += 1
            yield self.job(number)

    def job(self, number: int) -> functools.partial[None]:
        """The next thing that somebody does."""
        dice = self.rng.randrange(100)
        user = self.rng.choice(PEOPLE)
        desk = self.rng.choice(self.desks[user])
        for limit, job in (
            (SUBMITS, functools.partial(self._send, number, desk, f"{user}@{plan.DOMAIN}", user)),
            (READS, functools.partial(self._read, desk, user, plan.ACCOUNTS[user], self.rng.random())),
            (FETCHES, functools.partial(_fetch, self.address, desk, user, self.tally)),
            (WRONG_PASSWORDS, functools.partial(self._read, desk, user, "mistyped", 0.0)),
        ):
            if dice < limit:
                return job
            dice -= limit
        sender = f"person{self.rng.randrange(60)}@partner{self.rng.randrange(20)}.example"
        source = self.rng.choice(self.others)
        to = "alcie" if dice < WRONG_NAMES else self.rng.choice(sorted(plan.ACCOUNTS))
        return functools.partial(self._send, number, source, sender, None, to)

    def _send(self, number: int, source: str, sender: str, login: str | None, to: str = "bob") -> None:
        mail = crowd.Message(sender, [f"{to}@{self.name}"], f"{number}.{self._run}@{sender.partition('@')[2]}")
        crowd.smtp(self.address, source, [mail], self.tally, login)

    def _read(self, source: str, user: str, password: str, stay: float) -> None:
        crowd.imap_login(self.address, source, user, password, self.tally, stay)


@contextlib.contextmanager
def traffic(hosts: Sequence[str], seconds: float, rate: float = 2.0, seed: int = 0) -> Iterator[None]:
    """Let an ordinary day go on in a process of its own, and end that process."""
    command = [sys.executable, __file__, *hosts, "--rate", str(rate), "--seed", str(seed), "--seconds", str(seconds)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.kill()
        child.wait()


def main() -> None:
    """Run until the time is over; print what each host's people met with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", nargs="+", metavar="HOST")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=2.0, help="things done on each host in a second (default 2)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    parent = os.getppid()
    end = time.monotonic() + options.seconds
    days = [Day(host, options.seed, options.rate, options.seconds) for host in options.hosts]
    with crowd.at_home():
        threads = [threading.Thread(target=day.run, daemon=True) for day in days]
        for thread in threads:
            thread.start()
    while time.monotonic() < end and os.getppid() == parent and any(thread.is_alive() for thread in threads):
        time.sleep(0.5)
    print(json.dumps({day.name: dict(day.tally.counts) for day in days}), flush=True)
    # A dialogue with a host that hangs would keep this process for its own time-outs.
    os._exit(0)


if __name__ == "__main__":
    main()
