# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break real hosts, diagnose them, and hold the verdicts against what each fault expects.

The demo, the lab tests and the accuracy table all use this. The faults of a batch strike different hosts of one
fleet and one run judges them all, beside a host that is well: cheap, and closer to a bad day than one by one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

import variation
from labkit import background, faults
from labkit.lab import Lab
from labkit.plan import CONTROLLER, STATE_DIR, namespace
from labkit.shell import LabError

CONTROL = "mail1"
"""The host that stays well in every batch."""

WARM_UP = 5.0
"""Seconds for which people use the broken hosts before they are diagnosed."""

BACKGROUND_SECONDS = 400
"""Longest time that this goes on, should nobody end it."""


@dataclasses.dataclass
class Outcome:
    """One fault on one host: what was expected, what was said."""

    fault: str
    host: str
    scenario: dict[str, Any]
    seconds: float
    judged: dict[str, Any] | None
    problem: str = ""

    @property
    def roots(self) -> list[dict[str, Any]]:
        """The root causes that the report names."""
        found = (self.judged or {}).get("findings", [])
        return [finding for finding in found if finding["kind"] == "root_cause"]

    def wrong(self) -> dict[str, str]:
        """For each measure that is not right, what was said instead; empty when all is right."""
        if self.judged is None:
            return {"detected": self.problem or "the host is not in the report"}
        expect = self.scenario["expect"]
        said: dict[str, str] = {}
        if self.judged["verdict"] not in expect["verdict"]:
            said["detected"] = f"verdict {self.judged['verdict']}: {self.judged['summary']}"
        wanted, named = set(expect["root_causes"]), {root["id"] for root in self.roots}
        if wanted != named:
            said["root cause"] = f"named {sorted(named)}, not {sorted(wanted)}"
        risks = {finding["id"] for finding in self.judged["findings"] if finding["kind"] == "risk"}
        if not set(expect.get("risks", [])) <= risks:
            said["risk"] = f"named {sorted(risks)}"
        if expect["category"] and wanted and expect["category"] not in {root["category"] for root in self.roots}:
            said["category"] = f"named {sorted({root['category'] for root in self.roots})}"
        if wanted and self.judged["scope"] != expect["scope"]:
            said["scope"] = f"named {self.judged['scope']}"
        self._offenders(said)
        self._remedies(said)
        return said

    def _offenders(self, said: dict[str, str]) -> None:
        """Who is to be contained must be named, as the subject or as an argument of the remedy."""
        for finding, offender in self.scenario["expect"].get("offenders", {}).items():
            named = [
                name
                for root in self.roots
                if root["id"] == finding
                for name in (root["subject"], *root["remedy"]["args"].values())
            ]
            if offender not in named:
                said["offender"] = f"{finding} names {named}, not {offender}"

    def _remedies(self, said: dict[str, str]) -> None:
        offered = [root["remedy"] for root in self.roots]
        wanted = self.scenario["remedy"]
        if wanted["action"] != "none" and not any(
            remedy["action"] == wanted["action"] and remedy["auto"] == wanted["auto"] for remedy in offered
        ):
            said["remedy"] = f"offered {[(remedy['action'], remedy['auto']) for remedy in offered]}"
        for name in self.scenario["forbidden"]:
            action, dummy, daemon = name.partition(":")
            for remedy in offered:
                service = remedy["args"].get("service", "")
                if remedy["action"] == action and (not daemon or _DAEMONS[daemon] in service):
                    said["forbidden"] = f"offered {action} {service}"


_DAEMONS = {"mta": "postfix", "mda": "dovecot"}


def batches(names: list[str], hosts: list[str]) -> Iterator[dict[str, str]]:
    """Spread faults over the hosts: each batch maps hosts to faults; a fault that needs the machine comes alone.

    Those whose symptoms may take equally long come together: a batch waits for its slowest.
    """
    known = {name: faults.load(name) for name in names}
    together = [name for name in names if not known[name]["needs"].get("exclusive")]
    together.sort(key=lambda name: float(known[name]["settle"].get("timeout", faults.SETTLE_S)))
    for start in range(0, len(together), len(hosts)):
        yield dict(zip(hosts, together[start : start + len(hosts)]))
    for name in names:
        if name not in together:
            yield {hosts[0]: name}


def play(
    lab: Lab,
    batch: dict[str, str],
    report_dir: Path,
    say: Callable[[str], None],
    show: bool = False,
    seed: int = 0,
    rate: float = 0.0,
    hosts: Sequence[str] = (),
    before: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Strike the hosts of a batch at the same time, and diagnose the fleet.

    :param batch: host -> fault
    :param show: let the playbook print to the terminal
    :param seed: how hosts differ before they are struck; 0 for not at all
    :param rate: what people do at each host in a second, at the one that is well too; 0 for idle hosts
    :param hosts: diagnose these only, and not all mail hosts of the lab
    :param before: is called with each host just before it is struck
    :returns: an outcome per fault, and one for the control host, which must be healthy
    """
    say(f"breaking {', '.join(f'{host} ({fault})' for host, fault in batch.items())}")
    outcomes = _strike(lab, batch, seed, before)
    # Only when the symptoms are there: what proves them must not depend on who else is at the host just then.
    with _ordinary_day([CONTROL, *batch], rate, seed):
        begun = time.monotonic()
        done = diagnose(report_dir, show=show, hosts=hosts)
        seconds = time.monotonic() - begun
    report = report_dir / "triage.json"
    if done.returncode or not report.exists():
        said = f"{done.stdout or ''}{done.stderr or ''}"[-2000:]
        problem = f"the playbook ended with {done.returncode}: {said}"
        return [dataclasses.replace(outcome, problem=problem) for outcome in outcomes.values()]
    judged = json.loads(report.read_text(encoding="utf-8"))["hosts"]
    return [
        dataclasses.replace(outcome, seconds=seconds, judged=None if outcome.problem else judged.get(host))
        for host, outcome in outcomes.items()
    ]


@contextlib.contextmanager
def _ordinary_day(hosts: list[str], rate: float, seed: int) -> Iterator[None]:
    """Let people use the hosts, for some seconds before the body and during it."""
    if not rate:
        yield
        return
    with background.traffic(hosts, BACKGROUND_SECONDS, rate, seed):
        time.sleep(WARM_UP)
        yield


def _strike(lab: Lab, batch: dict[str, str], seed: int, before: Callable[[str], None] | None) -> dict[str, Outcome]:
    """Bring the faults of a batch upon their hosts; the control host joins them."""
    outcomes = {}
    with ThreadPoolExecutor(max_workers=len(batch)) as pool:
        jobs = {host: pool.submit(insist, lab, fault, host, seed, before) for host, fault in batch.items()}
        for host, job in jobs.items():
            outcomes[host] = Outcome(batch[host], host, faults.load(batch[host]), 0.0, None, str(job.exception() or ""))
    healthy = {"expect": {"verdict": ["healthy"], "root_causes": [], "category": None, "scope": "none"}}
    control = {"kind": "healthy", **healthy, "remedy": {"action": "none", "auto": False}, "forbidden": []}
    outcomes[CONTROL] = Outcome("healthy", CONTROL, control, 0.0, None)
    return outcomes


def insist(lab: Lab, fault: str, host: str, seed: int = 0, before: Callable[[str], None] | None = None) -> None:
    """Strike, and once more on a fresh host when the symptom did not come: without it there is nothing to judge."""
    try:
        strike(lab, fault, host, seed, before)
    except LabError:
        lab.reset(host)
        strike(lab, fault, host, seed, before)


def strike(lab: Lab, fault: str, host: str, seed: int = 0, before: Callable[[str], None] | None = None) -> None:
    """Make a host differ from the others as the seed says, and bring a fault upon it."""
    variation.apply(host, variation.draw(seed, fault), faults.load(fault))
    if before:
        before(host)
    lab.inject(fault, host)


def keep(outcome: Outcome, report_dir: Path, target: Path) -> None:
    """Keep what a run saw of one fault, and of the host that was well beside it: a case for the unit tests."""
    target.mkdir(parents=True, exist_ok=True)
    case = recorded(outcome, report_dir)
    (target / f"{outcome.fault}.json.gz").write_bytes(gzip.compress(json.dumps(case, sort_keys=True).encode(), mtime=0))


def recorded(outcome: Outcome, report_dir: Path) -> dict[str, Any]:
    """What a run saw of the host of a fault, and of the one that was well beside it."""
    run = json.loads((report_dir / "run.json").read_text(encoding="utf-8"))
    sweep = json.loads((report_dir / "sweep.json").read_text(encoding="utf-8"))
    for view in sweep["vantages"].values():
        view["hosts"] = {host: seen for host, seen in view["hosts"].items() if host in (outcome.host, CONTROL)}
    hosts = {
        host: json.loads((report_dir / "facts" / f"{host}.json").read_text(encoding="utf-8"))
        for host in (outcome.host, CONTROL)
    }
    return {"host": outcome.host, "run": run, "sweep": sweep, "hosts": hosts}


def kept(path: Path) -> dict[str, Any]:
    """Read a case that was kept."""
    case: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return case


def command(report_dir: Path, *more: str, hosts: Sequence[str] = ()) -> list[str]:
    """The command line of a diagnosis in the lab, as a person at the controller would type it."""
    limit = ",".join(hosts) or "mailservers"
    return [
        *("ip", "netns", "exec", namespace(CONTROLLER)),
        str(Path(sys.executable).parent / "ansible-playbook"),
        *("-i", str(STATE_DIR / "inventory.yml"), str(ROOT / "playbooks" / "diagnose.yml"), "-l", limit),
        *("-e", f"triage_report_dir={report_dir}"),
        # What earlier batches did to these hosts on purpose is nobody's recurring fault.
        *("-e", f"triage_history_dir={report_dir}"),
        *more,
    ]


def environment() -> dict[str, str]:
    """Environment of a run: no configuration of the machine may make a test pass."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return {**kept, "ANSIBLE_LOCALHOST_WARNING": "false", "LC_ALL": "C.UTF-8"}


def diagnose(
    report_dir: Path, *more: str, show: bool = False, hosts: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the playbook on the lab's mail hosts; keep what it prints, or show it."""
    line = command(report_dir, *more, hosts=hosts)
    try:
        return subprocess.run(
            line, env=environment(), cwd=ROOT, capture_output=not show, text=True, timeout=300, check=False
        )
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(line, 124, "", str(late))


def all_faults() -> list[str]:
    """The ids of all faults, in the order of their files."""
    return faults.names()
