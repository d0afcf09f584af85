# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's wires: a bridge in the controller's namespace, a router, client segments behind it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import plan
from .shell import LabError, ip, ip_batch, run

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def existing() -> set[str]:
    """Return the lab's network namespaces that exist now (full names)."""
    listed = ip("netns list").stdout.split("\n")
    return {line.split()[0] for line in listed if line.startswith(plan.PREFIX + "-")}


def build(hosts: list[str]) -> None:
    """Make whatever is missing of namespaces, links, addresses and routes for hosts; existing parts stay."""
    have = existing()
    if plan.namespace(plan.CONTROLLER) not in have:
        _build_core()
    for host in hosts:
        if plan.namespace(host) not in have:
            _build_host(host)


def _build_core() -> None:
    controller, router = plan.namespace(plan.CONTROLLER), plan.namespace(plan.ROUTER)
    for name in (controller, router):
        ip(f"netns add {name}")
    ip_batch(
        [
            "link set lo up",
            "link add br0 type bridge",
            f"address add {plan.CONTROLLER_ADDRESS}/24 dev br0",
            "link set br0 up",
            f"link add v-router type veth peer name eth0 netns {router}",
            "link set v-router master br0 up",
            f"route add 198.51.100.0/24 via {plan.ROUTER_ADDRESS}",
        ],
        controller,
    )
    ip_batch(["link set lo up", f"address add {plan.ROUTER_ADDRESS}/24 dev eth0", "link set eth0 up"], router)
    _sysctl(router, "net/ipv4/ip_forward", "1")
    # The router must not tell a vantage point to talk to a neighbour directly, nor spend its budget of ICMP errors.
    _sysctl(router, "net/ipv4/conf/all/send_redirects", "0")
    _sysctl(controller, "net/ipv4/ping_group_range", "0 2147483647")


def _build_host(host: str) -> None:
    name = plan.namespace(host)
    ip(f"netns add {name}")
    if plan.is_vantage(host):
        address, gateway, dummy = plan.VANTAGES[host]
        router = plan.namespace(plan.ROUTER)
        ip_batch(
            [
                f"link add r-{host} type veth peer name eth0 address {plan.mac(host)} netns {name}",
                f"address add {gateway}/25 dev r-{host}",
                f"link set r-{host} up",
            ],
            router,
        )
        prefix = 25
    else:
        ip_batch(
            [
                f"link add {_port(host)} type veth peer name eth0 address {plan.mac(host)} netns {name}",
                f"link set {_port(host)} master br0 up",
            ],
            plan.namespace(plan.CONTROLLER),
        )
        address, gateway, prefix = plan.address(host), plan.ROUTER_ADDRESS, 24
    ip_batch(
        [
            "link set lo up",
            f"address add {address}/{prefix} dev eth0",
            "link set eth0 up",
            f"route add default via {gateway}",
        ],
        name,
    )


def _port(host: str) -> str:
    return f"v-{host}"


def _sysctl(name: str, key: str, value: str) -> None:
    # /proc/sys/net shows the network namespace of the thread that looks.
    in_namespace(name, lambda: Path("/proc/sys", key).write_text(value))


def heal(host: str) -> None:
    """Take away everything a fault may have put on the wires of host: link down, router tables."""
    if not plan.is_vantage(host):
        ip(f"-n {plan.namespace(plan.CONTROLLER)} link set {_port(host)} up")
    ip_batch(
        [f"route replace default via {plan.VANTAGES[host][1] if plan.is_vantage(host) else plan.ROUTER_ADDRESS}"],
        plan.namespace(host),
    )
    router_table(host, None)
    run(["ip", "netns", "exec", plan.namespace(host), "nft", "flush", "ruleset"])


def link(host: str, up: bool) -> None:
    """Plug the host's cable into the switch or pull it."""
    ip(f"-n {plan.namespace(plan.CONTROLLER)} link set {_port(host)} {'up' if up else 'down'}")


def router_table(name: str, rules: list[str] | None) -> None:
    """Replace (or, with None, remove) the router's forward rules that go under one name."""
    table = "lab_" + name.replace("-", "_")
    text = f"table ip {table}\ndelete table ip {table}\n"
    if rules is not None:
        text += f"table ip {table} {{ chain forward {{ type filter hook forward priority 0; policy accept;\n"
        text += "\n".join(rules) + "\n}\n}\n"
    run(["ip", "netns", "exec", plan.namespace(plan.ROUTER), "nft", "-f", "-"], stdin=text)


def cut_segment(vantage: str, host: str | None = None) -> None:
    """Drop at the router what the segment of a vantage point sends: to one host, or to all servers.

    The controller is spared: it stands in the servers' network, and could not ask the vantage point what it sees.
    """
    target = f"ip daddr {plan.address(host)} " if host else f"ip daddr != {plan.CONTROLLER_ADDRESS} "
    router_table(host or vantage, [f"ip saddr {plan.VANTAGES[vantage][2]} {target}drop"])


def join_segment(vantage: str, host: str | None = None) -> None:
    """Undo cut_segment."""
    router_table(host or vantage, None)


def add_addresses(host: str, count: int, first: int = 1) -> list[str]:
    """Let one host answer on count more addresses, routed from the controller.

    :param first: last part of the first address; hosts that share the bench network begin at different ones
    :returns: the addresses
    """
    if not 0 < first < first + count <= 255:
        raise LabError("bench addresses: between 1 and 254")
    added = [f"{plan.BENCH_NET}.{n}" for n in range(first, first + count)]
    ip_batch([f"address replace {one}/32 dev eth0" for one in added], plan.namespace(host))
    for where in (plan.CONTROLLER, plan.ROUTER):
        ip_batch([f"route replace {one}/32 via {plan.address(host)}" for one in added], plan.namespace(where))
    return added


def destroy() -> None:
    """Remove every namespace of the lab; links and addresses go with them."""
    for name in existing():
        ip(f"netns delete {name}", check=False)


def _enter(path: str) -> None:
    """Move the calling thread into a network namespace."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(handle, _CLONE_NEWNET):
            raise LabError(f"cannot enter namespace {path}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Let the calling thread, and what it starts, live in a network namespace for a while."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(f"/run/netns/{name}")
        try:
            yield
        finally:
            _enter(f"/proc/self/fd/{home}")
    finally:
        os.close(home)


def in_namespace(name: str, work: Callable[[], Any]) -> Any:
    """Run work() in a thread of this process that lives in a network namespace; return or raise what it does."""
    box: dict[str, Any] = {}

    def enter() -> None:
        try:
            _enter(f"/run/netns/{name}")
            box["value"] = work()
        except Exception as failure:
            box["error"] = failure

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if "error" in box:
        raise box["error"]
    return box["value"]
