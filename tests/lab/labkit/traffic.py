# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real traffic of every kind against one lab host: python3 traffic.py KIND HOST [--seed N] [--count N] ...

It prints who the offender was, and what the crowd met with, as one line of JSON. The same seed gives the same senders,
recipients and addresses. It ends after its count, after its seconds, or when the host has gone.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from labkit import crowd, plan, state  # pylint: disable=wrong-import-position

Job = Callable[[], None]


class Traffic:
    """What all kinds share: the host, the dice, how much, and the counts."""

    def __init__(self, host: str, seed: int, count: int, seconds: float, stay: float) -> None:
        self.name = f"{host}.{plan.DOMAIN}"
        self.address = plan.address(host)
        self.rng = random.Random(f"{seed}")
        self.count, self.seconds, self.stay = count, seconds, stay
        self.tally = crowd.Tally()
        # Runs of one seed must not repeat their message ids, or the second run would be a loop.
        self._run = format(time.time_ns(), "x")
        self._number = itertools.count(1)

    def message(self, sender: str, *recipients: str) -> crowd.Message:
        """A message with an id of its own."""
        return crowd.Message(sender, list(recipients), f"{next(self._number)}.{self._run}@client.example.test")

    def person(self, number: int) -> str:
        """Somebody who is here."""
        return f"{sorted(plan.ACCOUNTS)[number % len(plan.ACCOUNTS)]}@{self.name}"

    def mailbox(self, number: int) -> str:
        """One of many addresses that are all delivered to somebody here, where the delimiter is a plus sign."""
        return f"{sorted(plan.ACCOUNTS)[number % 2]}+{number}@{self.name}"

    def block(self) -> str:
        """The first three parts of a block of addresses that no honest client of any kind comes from."""
        return f"198.18.{self.rng.randrange(256)}"

    def account(self) -> str:
        """The account that is misused; the probe's own stays out of it."""
        return self.rng.choice([name for name in sorted(plan.ACCOUNTS) if name != "probe"])

    def send(self, source: str, messages: list[crowd.Message], login: str | None = None) -> Job:
        """One connection that carries some messages."""
        return functools.partial(crowd.smtp, self.address, source, messages, self.tally, login)


def peak(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Many senders, from many networks, to people who are here: all of it is welcome."""
    sources = crowd.addresses(traffic.rng, min(traffic.count, 120))

    def jobs() -> Iterator[Job]:
        for number in range(0, traffic.count, 4):
            source = sources[number // 4 % len(sources)]
            sender = f"person{number % 97}@partner{number % 31}.example"
            yield traffic.send(source, [traffic.message(sender, traffic.person(number + more)) for more in range(4)])

    return {}, jobs()


def bulk(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """The house's own newsletter: one account, from its one address, to many who are here."""
    account, source = traffic.account(), f"198.51.100.{plan.VANTAGES[crowd.HOME][0].rpartition('.')[2]}"
    sender = f"{account}@{plan.DOMAIN}"

    def jobs() -> Iterator[Job]:
        for start in range(0, traffic.count, 50):
            numbers = range(start, min(start + 50, traffic.count))
            yield traffic.send(source, [traffic.message(sender, traffic.mailbox(one)) for one in numbers], account)

    return {"account": account, "sender": sender}, jobs()


def hijack(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """A stolen password: one account, from many networks, to strangers whose exchanger takes nothing."""
    account = traffic.account()
    sources = crowd.addresses(traffic.rng, min(max(traffic.count // 8, 8), 40))

    def jobs() -> Iterator[Job]:
        for start in range(0, traffic.count, 8):
            source = sources[start // 8 % len(sources)]
            spam = [traffic.message(f"{account}@{plan.DOMAIN}", f"victim{start + more}@slow.test") for more in range(8)]
            yield traffic.send(source, spam, account)

    return {"account": account, "sender": f"{account}@{plan.DOMAIN}"}, jobs()


def flood(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """A dictionary attack from one block: connection after connection, names that nobody here has."""
    block = traffic.block()
    sources = crowd.addresses(traffic.rng, 60, block)

    def jobs() -> Iterator[Job]:
        for number in range(traffic.count):
            guessed = [f"name{traffic.rng.randrange(10**6)}@{traffic.name}" for _more in range(12)]
            yield traffic.send(sources[number % 60], [traffic.message(f"x{number}@spam.example", *guessed)])

    return {"block": f"{block}.0/24"}, jobs()


def slow(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Clients that connect and say nothing, each from an address of one block."""
    block = traffic.block()
    sources = crowd.addresses(traffic.rng, 60, block)
    hold = functools.partial(crowd.idle, traffic.address)
    jobs = (
        functools.partial(hold, sources[number % 60], "smtp", traffic.seconds, traffic.tally)
        for number in range(traffic.count)
    )
    return {"block": f"{block}.0/24"}, jobs


def connect(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Connections from everywhere that end as soon as they were greeted."""
    sources = crowd.addresses(traffic.rng, 200)
    hello = functools.partial(crowd.smtp, traffic.address)
    jobs = (
        functools.partial(hello, sources[number % 200], [], traffic.tally, stay=traffic.stay)
        for number in range(traffic.count)
    )
    return {}, jobs


def guess(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Passwords tried on many accounts over IMAP and submission, from addresses of one block."""
    block = traffic.block()
    sources = crowd.addresses(traffic.rng, 200, block)

    def jobs() -> Iterator[Job]:
        for number in range(traffic.count):
            attempt = crowd.sasl_login if number % 4 == 3 else crowd.imap_login
            user = f"name{number % 40}"
            secret = f"guess-{traffic.rng.randrange(10**9)}"
            yield functools.partial(attempt, traffic.address, sources[number % 200], user, secret, traffic.tally)

    return {"block": f"{block}.0/24"}, jobs()


def bounces(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Mail to unknown people of a domain that this host takes everything for, with senders who never sent it."""
    sources = crowd.addresses(traffic.rng, 60)

    def jobs() -> Iterator[Job]:
        for number in range(0, traffic.count, 5):
            spam = [
                traffic.message(f"forged{number + more}@slow.test", f"nobody{number + more}@relayed.test")
                for more in range(5)
            ]
            yield traffic.send(sources[number // 5 % 60], spam)

    return {"sender": "<>", "domain": "relayed.test"}, jobs()


def to_domain(traffic: Traffic, domain: str) -> tuple[dict[str, str], Iterator[Job]]:
    """Mail of some accounts to one domain elsewhere."""
    names = sorted(plan.ACCOUNTS)

    def jobs() -> Iterator[Job]:
        for start in range(0, traffic.count, 10):
            login = names[start // 10 % len(names)]
            numbers = range(start, min(start + 10, traffic.count))
            mail = [traffic.message(f"{login}@{plan.DOMAIN}", f"person{one}@{domain}") for one in numbers]
            yield traffic.send(plan.VANTAGES[crowd.HOME][0], mail, login)

    return {"domain": domain}, jobs()


def relay(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Strangers who send to strangers, without a login."""
    sources = crowd.addresses(traffic.rng, 20)

    def jobs() -> Iterator[Job]:
        for start in range(0, traffic.count, 5):
            spam = [
                traffic.message(f"stranger{start + more}@spam.example", f"victim{start + more}@slow.test")
                for more in range(5)
            ]
            yield traffic.send(sources[start // 5 % 20], spam)

    return {}, jobs()


def reconnect(traffic: Traffic) -> tuple[dict[str, str], Iterator[Job]]:
    """Everybody's mail program at once, again and again, each from its own address."""
    sources = crowd.addresses(traffic.rng, 200)
    names = [name for name in sorted(plan.ACCOUNTS) if name != "probe"]

    def jobs() -> Iterator[Job]:
        for number in range(traffic.count):
            user, source = names[number % len(names)], sources[number % 200]
            password = plan.ACCOUNTS[user]
            yield functools.partial(
                crowd.imap_login, traffic.address, source, user, password, traffic.tally, traffic.stay
            )

    return {}, jobs()


KINDS: dict[str, Callable[[Traffic], tuple[dict[str, str], Iterator[Job]]]] = {
    "peak": peak,
    "bulk": bulk,
    "hijack": hijack,
    "flood": flood,
    "slow": slow,
    "connect": connect,
    "guess": guess,
    "bounces": bounces,
    "loop": functools.partial(to_domain, domain="loop.test"),
    "outbound": functools.partial(to_domain, domain="tarpit.test"),
    "relay": relay,
    "reconnect": reconnect,
}


def generate(
    kind: str,
    host: str,
    *,
    seed: int = 1,
    count: int = 100,
    width: int = 8,
    seconds: float = 120,
    rate: float = 0,
    stay: float = 0.2,
) -> dict[str, Any]:
    """Make traffic of one kind against a host; return the offender and the counts."""
    traffic = Traffic(host, seed, count, seconds, stay)
    offender, jobs = KINDS[kind](traffic)
    record, begun = state.load()["hosts"][host], time.monotonic()
    with crowd.at_home():
        crowd.together(width, jobs, traffic.tally, seconds, rate, functools.partial(state.alive, record, "leader"))
    taken = round(time.monotonic() - begun, 1)
    return {"kind": kind, "offender": offender, "seconds": taken, "met": dict(traffic.tally.counts)}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("host")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100, help="messages, connections or logins")
    parser.add_argument("--width", type=int, default=8, help="connections at the same time")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="connections begun in a second (default: as many as go)"
    )
    parser.add_argument("--stay", type=float, default=0.2, help="seconds that a login or connection lasts")
    print(json.dumps(generate(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
