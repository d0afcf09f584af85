#!/usr/bin/env python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real mail hosts on one machine: boot them, break them, mend them. See README.md beside this file."""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from labkit import bmc, check, client, faults, host, net, plan  # pylint: disable=wrong-import-position
from labkit.lab import Lab  # pylint: disable=wrong-import-position
from labkit.shell import LabError, say  # pylint: disable=wrong-import-position

SHOWN = ("smtp", "submission", "imap", "pop3", "ssh")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    add("check", "say what the machine lacks").add_argument(
        "--install", action="store_true", help="install missing Debian packages"
    )
    up = add("up", "boot what does not run yet")
    up.add_argument("--hosts", type=int, default=6, help="number of mail hosts (default 6)")
    up.add_argument("--bench-addresses", type=int, default=0, metavar="N", help="let mail1 answer on N addresses more")
    add("down", "stop all hosts and remove every trace")
    add("reset", "give hosts a fresh root and boot them").add_argument("hosts", nargs="+", metavar="HOST")
    for name, text in (("inject", "bring a fault upon a host, wait for its symptom"), ("undo", "take a fault away")):
        one = add(name, text)
        one.add_argument("fault", metavar="FAULT")
        one.add_argument("host", metavar="HOST")
    add("power-cut", "end a host at once and boot it again on its old root").add_argument("host", metavar="HOST")
    one = add("bmc", "start the BMC of a host on the controller's loopback, or stop it")
    one.add_argument("kind", choices=sorted(bmc.PORTS))
    one.add_argument("words", nargs="+", metavar="WORD", help="stop; or on, off, and what is broken: psu, ecc, link")
    inside = add("exec", "run a command as root inside a host: exec HOST -- CMD")
    inside.add_argument("host", metavar="HOST")
    inside.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD")
    add("ctl", "run a command in the controller's network namespace: ctl -- CMD").add_argument(
        "words", nargs=argparse.REMAINDER, metavar="CMD"
    )
    look = add("probe", "say what a user sees of each service of a host")
    look.add_argument("host", metavar="HOST")
    look.add_argument("--from", dest="vantage", default=plan.CONTROLLER, help="ctl, dept-a, dept-b or self")
    add("faults", "list the faults")
    add("status", "list the hosts")
    add("inventory", "print the path of the inventory")
    add("validate", "inject each fault on some host, show what users see, take it away").add_argument(
        "faults", nargs="*", metavar="FAULT", help="default: all"
    )
    add("selfcheck", "boot, send a mail, read it, print timings")
    return parser


def _words(words: list[str]) -> list[str]:
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise LabError("no command given")
    return words


def selfcheck(lab: Lab) -> None:
    """Boot, let a mail flow through submission, LMTP, IMAP and POP3, reset, and print how long each took."""
    timings: dict[str, float] = {}
    begin = time.monotonic()
    lab.up()
    timings["up"] = time.monotonic() - begin
    for name in lab.hosts():
        if plan.is_vantage(name):
            continue
        timings[f"deliver {name}"] = lab.deliver(name)
        count = net.in_namespace(
            plan.namespace(plan.CONTROLLER),
            functools.partial(client.count_messages, plan.address(name), "bob", plan.ACCOUNTS["bob"]),
        )
        if count < 1:
            raise LabError(f"{name}: POP3 shows no message")
    for vantage in plan.VANTAGES:
        answer = lab.probe("mail1", "imaps+verify", vantage)
        if answer != "ok":
            raise LabError(f"mail1 seen from {vantage}: {answer}")
    begin = time.monotonic()
    lab.reset("mail1")
    timings["reset mail1"] = time.monotonic() - begin
    for name, seconds in timings.items():
        print(f"{name:16} {seconds:6.2f} s")


def validate(lab: Lab, wanted: list[str]) -> None:
    """Inject every fault, several hosts at a time; print what was seen; fail when one has no symptom or no cure."""
    mail = [name for name in lab.hosts() if not plan.is_vantage(name)]
    waiting = [fault for fault in (wanted or faults.names()) if not faults.load(fault)["needs"].get("exclusive")]
    alone = [fault for fault in (wanted or faults.names()) if fault not in waiting]
    wrong: list[str] = []

    def worker(name: str, queue: list[str]) -> None:
        while queue:
            fault = queue.pop(0)
            print("\n".join(_validate_one(lab, fault, name, wrong)), flush=True)

    with ThreadPoolExecutor(max_workers=len(mail)) as pool:
        list(pool.map(lambda name: worker(name, waiting), mail))
    worker(mail[0], alone)
    if wrong:
        raise LabError("; ".join(wrong))


def _validate_one(lab: Lab, fault: str, name: str, wrong: list[str]) -> list[str]:
    lines = []
    try:
        scenario = lab.inject(fault, name)
        lines.append(f"{fault} on {name}: symptom after {scenario['settled_s']} s")
    except LabError as failure:
        wrong.append(str(failure))
        lines.append(f"{fault} on {name}: FAILED {failure}")
    for vantage in (plan.CONTROLLER, "dept-a", "self"):
        seen = {protocol: lab.probe(name, protocol, vantage, 3) for protocol in SHOWN}
        lines.append(f"    {vantage:7} " + " | ".join(f"{protocol} {answer[:60]}" for protocol, answer in seen.items()))
    try:
        begin = time.monotonic()
        lab.undo(fault, name)
        lines.append(f"    undone after {time.monotonic() - begin:.1f} s")
    except LabError as failure:
        wrong.append(f"{fault} undo: {failure}")
        lines.append(f"    UNDO FAILED {failure}")
    lab.reset(name)
    return lines


def _up(lab: Lab, options: argparse.Namespace) -> None:
    print(lab.up(options.hosts))
    if options.bench_addresses:
        lab.add_addresses("mail1", options.bench_addresses)


def _inject(lab: Lab, options: argparse.Namespace) -> None:
    scenario = lab.inject(options.fault, options.host)
    say(f"{scenario['id']} {scenario['name']} on {options.host}: symptom after {scenario['settled_s']} s")


def _bmc(options: argparse.Namespace) -> None:
    if options.words == ["stop"]:
        bmc.stop(options.kind)
    else:
        print(json.dumps(bmc.start(options.kind, options.words)))


def _exec(lab: Lab, options: argparse.Namespace) -> None:
    done = lab.run(options.host, _words(options.words), timeout=600)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)


def _ctl(options: argparse.Namespace) -> None:
    # Replace this process: a terminal, signals and long runs behave as without the lab.
    os.execvp("ip", ["ip", "netns", "exec", plan.namespace(plan.CONTROLLER), *_words(options.words)])


def _list_faults() -> None:
    for fault in faults.names():
        scenario = faults.load(fault)
        print(f"{scenario['id']:6} {scenario['category']:14} {scenario['title']}")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    lab = Lab()
    command = options.command
    try:
        if command == "check":
            check.require(options.install)
            print("nothing is missing")
        elif command == "up":
            _up(lab, options)
        elif command == "down":
            lab.down()
        elif command == "reset":
            lab.reset(*options.hosts)
        elif command == "power-cut":
            host.power_cut(options.host)
        elif command == "bmc":
            _bmc(options)
        elif command == "inject":
            _inject(lab, options)
        elif command == "undo":
            lab.undo(options.fault, options.host)
        elif command == "exec":
            _exec(lab, options)
        elif command == "ctl":
            _ctl(options)
        elif command == "probe":
            for protocol in ("ping", *client.PORTS):
                if protocol != "sieve":
                    print(f"{protocol:12} {lab.probe(options.host, protocol, options.vantage)}")
        elif command == "faults":
            _list_faults()
        elif command == "status":
            print(json.dumps(lab.status(), indent=1))
        elif command == "inventory":
            print(plan.STATE_DIR / "inventory.yml")
        elif command == "validate":
            validate(lab, options.faults)
        else:
            selfcheck(lab)
        sys.stdout.flush()
    except LabError as wrong:
        print(f"lab: {wrong}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # "| head" has seen enough
    return 0


if __name__ == "__main__":
    sys.exit(main())
