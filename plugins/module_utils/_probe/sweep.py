# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe many mail hosts at once: names, ICMP, and every service up to the depth its protocol allows.

Plain facts and no retries: a caller that wants to be sure before it calls a service dead may sweep again.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import resource
import socket
import time
import typing
from time import monotonic

from ansible_collections.mailops.triage.plugins.module_utils._probe import mailbox, smtp, ssh
from ansible_collections.mailops.triage.plugins.module_utils._probe.job import Job, Setup, descriptor_limit
from ansible_collections.mailops.triage.plugins.module_utils._probe.loop import Loop
from ansible_collections.mailops.triage.plugins.module_utils._probe.neighbour import Neighbours
from ansible_collections.mailops.triage.plugins.module_utils._probe.options import check_options, check_targets
from ansible_collections.mailops.triage.plugins.module_utils._probe.ping import Pinger, empty
from ansible_collections.mailops.triage.plugins.module_utils._probe.ping_command import ping_all
from ansible_collections.mailops.triage.plugins.module_utils._probe.resolve import Resolver, literal
from ansible_collections.mailops.triage.plugins.module_utils._probe.session import Session
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

LADDERS = {
    "smtp": smtp.smtp,
    "submission": smtp.submission,
    "submissions": smtp.submissions,
    "lmtp": smtp.lmtp,
    "imap": mailbox.imap,
    "imaps": mailbox.imaps,
    "pop3": mailbox.pop3,
    "pop3s": mailbox.pop3s,
    "sieve": mailbox.sieve,
    "ssh": ssh.ssh,
}


_NO_LINK = {
    "ipv4": "no answer to ARP (host unreachable)",
    "ipv6": "no answer to neighbour discovery (host unreachable)",
}


class _Sweep:
    """One call."""

    def __init__(self, targets: list, options: dict):
        self.targets = {name: (address, services) for name, address, services in targets}
        self.options = options
        self.setup = Setup(options)
        self.began = monotonic()
        self.deadline = self.began + options["deadline"]
        limit, self.limits = descriptor_limit()
        self.loop = Loop(self.deadline, limit, options["per_host"], self._done)
        self.pinger = Pinger(self.loop)
        self.neighbours = Neighbours()
        self.resolver: typing.Optional[Resolver] = None
        self.waiting = {}
        self.resolved = {}
        self.chosen = {}
        self.sessions = {name: [] for name in self.targets}
        self.echoes = {}

    # Names

    def _resolve(self) -> None:
        known, names = [], []
        for name, (address, _services) in self.targets.items():
            if literal(address):
                known.append((name, "ok", [address], "", 0.0))
            else:
                self.waiting.setdefault(address, []).append(name)
                names.append(address)
        self._begin(known)
        if names:
            self.resolver = Resolver(names)
            self.loop.errands += 1
            self.loop.watch(self.resolver.reader.fileno(), self._collect_names)
            # A name that takes longer would leave no time for its services; it keeps at least half of the whole.
            seconds = self.options["deadline"]
            patience = max(seconds / 2, seconds - 2 * self.options["timeout"])
            self.loop.at(self.began + min(patience, 11.0), self._give_up_names)

    def _collect_names(self) -> None:
        found = []
        for address, (outcome, addresses, text), ms in self.resolver.collect():
            for name in self.waiting.pop(address, ()):
                found.append((name, outcome, addresses, text, ms))
        self._begin(found)
        if not self.waiting:
            self._give_up_names()

    def _give_up_names(self) -> None:
        if self.resolver is None:
            return
        seconds = monotonic() - self.began
        self.loop.unwatch(self.resolver.reader.fileno())
        self.resolver.close()
        self.resolver = None
        self.loop.errands -= 1
        late = "no answer from the resolver within %.1f s" % seconds
        self._begin(
            [(name, "error", [], late, round(seconds * 1000, 1)) for names in self.waiting.values() for name in names]
        )
        self.waiting = {}

    def _begin(self, found: list) -> None:
        """Start everything for targets whose addresses are known."""
        pings = []
        for name, outcome, addresses, text, ms in found:
            self.resolved[name] = {"outcome": outcome, "addresses": addresses, "text": text, "ms": ms}
            chosen = {}
            for address in addresses:
                family, plain = literal(address)
                if family in self.options["families"]:
                    chosen.setdefault(family, plain)
            if outcome == "ok" and not chosen:
                self.resolved[name]["text"] = "no address of the families asked for"
            self.chosen[name] = chosen
            self._queue(name, chosen)
            first = next(iter(sorted(chosen)), None)
            if first and self.options["ping"] and not self.pinger.refusal(first):
                pings.append((name, first, chosen[first]))
        for (name, _family, _address), echo in zip(pings, self.pinger.add([ping[1:] for ping in pings])):
            self.echoes[name] = echo

    def _queue(self, name: str, chosen: dict) -> None:
        address, services = self.targets[name]
        server_name = None if literal(address) else address.rstrip(".")
        for order, (protocol, port) in enumerate(services):
            for family in sorted(chosen):
                job = Job(name, order, protocol, port, family, chosen[family], server_name, len(chosen) > 1)
                session = Session(job, self.setup)
                self.sessions[name].append(session)
                self.loop.add(session, LADDERS[protocol])

    # Results

    def _done(self, session) -> None:
        if session.unreachable:
            # The table forgets failed neighbours, so it is read while this one is fresh.
            self.neighbours.refresh()

    def _judge_neighbour(self, session) -> None:
        """EHOSTUNREACH may come from the network or from our own failed question who has that address."""
        silent = session.outcome == "timeout" and not session.connected
        unreachable = session.outcome == "filtered" and session.unreachable
        if (silent or unreachable) and self.neighbours.incomplete(session.job.address):
            session.outcome = "timeout"
            session.text = session.rungs[-1]["text"] = _NO_LINK[session.job.family]

    def _judge_echo(self, ping: dict, chosen: dict) -> None:
        """The same for the echo, where the "unreachable" is this host's own."""
        for family in sorted(chosen)[:1]:
            if ping["outcome"] == "unreachable" and self.neighbours.incomplete(chosen[family]):
                ping.update(outcome="timeout", text=_NO_LINK[family])

    def _source(self, name: str) -> typing.Optional[str]:
        """The address that this host's packets to the target come from, which is what a filter there sees."""
        for family, address in sorted(self.chosen[name].items()):
            kind = socket.AF_INET if family == "ipv4" else socket.AF_INET6
            try:
                with socket.socket(kind, socket.SOCK_DGRAM) as asked:
                    # Nothing is sent: connecting a datagram socket only looks up the route.
                    asked.connect((address, 9))
                    return str(asked.getsockname()[0]).partition("%")[0]
            except OSError:
                continue
        return None

    def _services(self, name: str) -> list:
        sessions = sorted(self.sessions[name], key=lambda session: (session.job.order, session.job.family))
        if sessions:
            return [session.result() for session in sessions]
        text = "no address: %s" % self.resolved[name]["text"]
        return [
            {
                "protocol": protocol,
                "port": port,
                "family": None,
                "address": None,
                "outcome": "skipped",
                "rung": "resolve",
                "code": None,
                "text": text,
                "ms": 0.0,
                "rungs": [],
                "retransmits": None,
                "certificate": None,
            }
            for protocol, port in self.targets[name][1]
        ]

    def _pings(self) -> dict:
        """Ping record per target."""
        records, late = {}, {}
        for name, chosen in self.chosen.items():
            family = next(iter(sorted(chosen)), None)
            if not self.options["ping"]:
                records[name] = empty("skipped", "not asked for")
            elif family is None:
                records[name] = empty("skipped", "no address")
            elif name in self.echoes:
                records[name] = self.echoes[name].result()
            elif any(session.connected for session in self.sessions[name]):
                records[name] = empty("skipped", self.pinger.refusal(family))
            else:
                late[name] = (family, chosen[family])
        if late:
            answers = ping_all(sorted(set(late.values())), self.deadline)
            records.update((name, answers[host]) for name, host in late.items())
        return records

    def run(self) -> dict:
        """Sweep, and put the result together."""
        started = time.time()
        try:
            self._resolve()
            self.loop.run()
            self._give_up_names()
            pings = self._pings()
        finally:
            self.pinger.close()
            self.loop.close()
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, self.limits)
            except (OSError, ValueError):
                # The raised limit harms nobody.
                pass
        self.neighbours.refresh(True)
        hosts = {}
        for name in self.targets:
            for session in self.sessions[name]:
                self._judge_neighbour(session)
            self._judge_echo(pings[name], self.chosen[name])
            hosts[name] = {
                "resolve": self.resolved[name],
                "ping": pings[name],
                "neighbour": self.neighbours.state(self.chosen[name]),
                "source": self._source(name),
                "services": self._services(name),
            }
        return {
            "vantage": clean(self.options["vantage"], 100),
            "started": round(started, 3),
            "seconds": round(monotonic() - self.began, 3),
            "hosts": hosts,
        }


def sweep(targets: list, options: dict) -> dict:
    """Probe all targets concurrently.

    Opens connections, says what the protocols allow without delivering anything, logs in only with the account it is
    given, writes nothing. All text in the result that came from a server is bounded and without control characters.

    :param targets: list of {"name": str, "address": name or IP literal (default: name),
        "services": [{"protocol": one of options.PORTS, "port": int (default: the protocol's)}]}
    :param options: timeout (s, per rung, default 3), deadline (s, whole call, default 15), per_host (connections into
        one address at once, default and most 8), helo (default: this host's name when fully qualified, else the address
        literal), sender (default: the null sender), recipient (default "postmaster"), account (None or {"user",
        "password"}: IMAP LOGIN and SELECT, POP3 STAT, AUTH PLAIN on submission; sent only inside TLS or to a loopback
        address), ping (default True), vantage (name for the result, default: the host name), families (default
        ["ipv4", "ipv6"])
    :returns: {"vantage", "started" (epoch s), "seconds", "hosts": {name: {"resolve", "ping", "neighbour", "source",
        "services"}}}
    :raises options.OptionError: (a ValueError) a target or an option makes no sense
    """
    return _Sweep(check_targets(targets), check_options(options)).run()
