# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Lab: what tests and the command line use."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from . import base, bmc, check, client, faults, host, inventory, net, pki, plan, state
from .shell import LabError, run, say


class Lab:
    """A handful of real mail hosts on one machine. Every method may be called from several threads."""

    def up(self, count: int = 6, vantages: Iterable[str] = tuple(plan.VANTAGES)) -> str:
        """Boot count mail hosts and the vantage hosts; what already runs stays, what is broken is booted anew.

        :returns: path of the inventory
        :raises LabError: the machine lacks something, or a host does not come up
        """
        if not 1 <= count <= plan.MAX_HOSTS:
            raise LabError(f"hosts: between 1 and {plan.MAX_HOSTS}")
        check.require(install=True)
        base.ensure()
        names = plan.mail_hosts(count) + list(vantages)
        check.room_for(len(names))
        inventory.ensure_keys(names + [name for name in self.hosts() if name not in names])
        pki.ensure([name for name in names if not plan.is_vantage(name)])
        net.build(names)
        records = state.load()["hosts"]
        due = [name for name in names if not state.alive(records.get(name, {}), "leader") or records[name].get("fault")]
        say(f"booting {len(due)} of {len(names)} hosts")
        self._each(due, self._renew)
        self._each([name for name in names if name not in due], self._heal)
        path = inventory.write()
        say(f"up: {' '.join(names)}")
        return path

    def down(self) -> None:
        """Stop every host and remove every mount, group and namespace, also after a crash."""
        left = {path.name for path in plan.RUN_DIR.glob("*")} | self._with_namespace() | set(host.running())
        names = sorted(set(self.hosts()) | left)
        self._each(names, self._remove)
        for kind in bmc.PORTS:
            bmc.stop(kind)
        net.destroy()
        with state.change() as now:
            now["hosts"] = {}
        (plan.STATE_DIR / "inventory.yml").unlink(missing_ok=True)
        say("down")

    def reset(self, *names: str) -> None:
        """Give each host a fresh root and boot it, whatever is wrong with it; ready when this returns."""
        for name in names:
            self._known(name)
        self._each(names, self._renew)
        inventory.write()

    def inject(self, fault: str, name: str) -> dict:
        """Bring a fault upon a host and wait until its symptom is real.

        :returns: the scenario (id, expect, remedy, forbidden, ...), plus "settled_s"
        :raises LabError: a step failed, or the symptom did not come
        """
        self._known(name)
        scenario = faults.load(fault)
        with state.hold(name):
            carried = state.load()["hosts"][name].get("fault")
            if carried:
                raise LabError(f"{name} already carries {carried}: undo it or reset the host first")
            seconds = faults.inject(scenario, name)
        inventory.write()
        return dict(scenario, settled_s=seconds)

    def undo(self, fault: str, name: str) -> None:
        """Take a fault away from a host: by its undo steps where it has some, else by a reset."""
        self._known(name)
        with state.hold(name):
            undone = faults.undo(faults.load(fault), name)
        if undone:
            inventory.write()
        else:
            self.reset(name)

    def run(
        self,
        name: str,
        command: str | Sequence[str],
        check: bool = False,
        timeout: float = 60,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess:
        """Run a command (a string goes to sh) as root inside a host, past its network and its sshd."""
        words = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return host.enter(name, words, check=check, timeout=timeout, stdin=stdin)

    def ctl(self, command: Sequence[str], check: bool = False, timeout: float = 600) -> subprocess.CompletedProcess:
        """Run a command on the machine, in the controller's network namespace."""
        return run(["ip", "netns", "exec", plan.namespace(plan.CONTROLLER), *command], check=check, timeout=timeout)

    def probe(self, name: str, protocol: str, vantage: str = plan.CONTROLLER, timeout: float = 4.0) -> str:
        """Say what a user at a vantage (ctl, dept-a, dept-b, or "self") sees of a service; see client.py."""
        return faults.look(name, protocol, vantage, timeout)

    def wait_ready(self, name: str, timeout: float = 90) -> None:
        """Wait until all services of a host speak."""
        host.wait_ready(name, timeout)

    def deliver(self, name: str, user: str = "bob", timeout: float = 30) -> float:
        """Send a message by submission to user and wait until IMAP shows it; return the seconds it took."""
        subject = f"lab-{time.time_ns()}"
        begin = time.monotonic()
        address, inside = plan.address(name), plan.namespace(plan.CONTROLLER)
        answer = net.in_namespace(
            inside,
            lambda: client.send(
                address, "submission", "probe", plan.ACCOUNTS["probe"], f"{user}@{name}.{plan.DOMAIN}", subject
            ),
        )
        while answer == "ok":
            seen = net.in_namespace(inside, lambda: client.has_message(address, user, plan.ACCOUNTS[user], subject))
            if seen == "ok":
                return time.monotonic() - begin
            if time.monotonic() - begin > timeout:
                answer = f"not in the mailbox after {timeout:g} s: {seen}"
            time.sleep(0.05)
        raise LabError(f"{name}: {answer}")

    def add_addresses(self, name: str, count: int, first: int = 1) -> list[str]:
        """Let one host answer on count further addresses of 203.0.113.0/24, from the given last part on."""
        self._known(name)
        return net.add_addresses(name, count, first)

    cut_segment = staticmethod(net.cut_segment)
    join_segment = staticmethod(net.join_segment)

    def hosts(self) -> list[str]:
        """Return the names of the hosts this lab knows."""
        return list(state.load()["hosts"])

    def status(self) -> dict[str, dict]:
        """Return for each host: address, running, fault."""
        records = state.load()["hosts"]
        return {
            name: {
                "address": plan.address(name),
                "running": state.alive(record, "leader"),
                "fault": record.get("fault"),
                "leader": record.get("leader"),
            }
            for name, record in records.items()
        }

    def _known(self, name: str) -> None:
        if name not in state.load()["hosts"]:
            raise LabError(f"no host {name} in the lab: there are {' '.join(self.hosts()) or 'none (lab.py up)'}")

    @staticmethod
    def _with_namespace() -> set[str]:
        own = {plan.namespace(plan.CONTROLLER), plan.namespace(plan.ROUTER)}
        return {name.removeprefix(plan.PREFIX + "-") for name in net.existing() - own}

    @classmethod
    def _heal(cls, name: str) -> None:
        try:
            host.wait_ready(name, 5)
        except LabError as wrong:
            say(f"{wrong}; booting it anew")
            cls._renew(name)

    @staticmethod
    def _renew(name: str) -> None:
        with state.hold(name):
            host.kill(name)
            net.heal(name)
            state.set_host(name, fault=None, inventory=None, varied=None)
            host.start(name)

    @staticmethod
    def _remove(name: str) -> None:
        with state.hold(name):
            host.kill(name)

    @staticmethod
    def _each(names: Iterable[str], work: Callable[[str], None]) -> None:
        names = list(names)
        with ThreadPoolExecutor(max_workers=8) as pool:
            jobs = [(name, pool.submit(work, name)) for name in names]
            wrong = [f"{name}: {job.exception()}" for name, job in jobs if job.exception()]
        if wrong:
            raise LabError("; ".join(wrong))
