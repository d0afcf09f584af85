# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a restart the harm: neighbours that are dead, daemons that run elsewhere, operators who had a reason."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import daemon, hazards, rising, unit
from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import Refused
from ansible_collections.mailops.triage.plugins.module_utils._facts import mailprocs, postfix, procfs
from ansible_collections.mailops.triage.plugins.module_utils._facts.context import Context

RUNS = {"LoadState": "loaded", "ActiveState": "active", "Type": "forking", "UnitFileState": "enabled"}
DOWN = {**RUNS, "ActiveState": "inactive", "Result": "success"}


def a_daemon(
    product: str = "postfix", block: dict[str, str] | None = None, name: str = "postfix@-.service"
) -> daemon.Daemon:
    """A daemon whose main process is this one."""
    block = RUNS if block is None else block
    own = os.getpid()
    shown = {**block, "MainPID": str(own) if block["ActiveState"] == "active" else "0"}
    belongs = (lambda pid: pid == own) if block["ActiveState"] == "active" else (lambda pid: False)
    return daemon.Daemon(unit.Unit(name, product, shown), belongs)


def look(name: str, value: Any) -> Callable[[Context], Any]:
    """A shared look, known by its name."""

    def known(context: Context) -> Any:
        return value

    known.__name__ = name
    return known


def dead(**more: str) -> list[dict[str, Any]]:
    record = {"kind": "milter", "name": "opendkim", "endpoint": "inet:127.0.0.1:8891", "outcome": "refused"}
    return [{**record, **more}]


def ask(found: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, how: str, one: daemon.Daemon) -> list[str]:
    notes: list[str] = []
    monkeypatch.setattr(hazards.dependencies, "look", lambda context: found)
    hazards._dependency(Context(), one, how, notes.append)
    return notes


@pytest.mark.parametrize("how", ["restart", "reload"])
def test_a_healthy_daemon_is_not_restarted_for_a_dead_neighbour(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="opendkim at inet:127.0.0.1:8891") as refused:
        ask(dead(), monkeypatch, how, a_daemon())
    assert refused.value.code == "dependency"


def test_only_what_is_certain_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(dead(outcome="timeout"), monkeypatch, "restart", a_daemon()) == []
    assert ask(dead(kind="lmtp"), monkeypatch, "restart", a_daemon()) == []
    assert ask([], monkeypatch, "restart", a_daemon()) == []


def test_what_is_down_is_started_beside_a_dead_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(dead(), monkeypatch, "start", a_daemon(block=DOWN)) == []
    (note,) = ask(dead(), monkeypatch, "restart", a_daemon(block=DOWN))
    assert "opendkim" in note


def test_the_database_of_dovecot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hazards.dovecot, "text", lambda context: "passdb {\n  driver = sql\n}\n")
    monkeypatch.setattr(hazards.units, "companions", look("companions", {"mariadb": "mariadb.service"}))
    block = {"Id": "mariadb.service", "UnitFileState": "enabled", "ActiveState": "failed"}
    monkeypatch.setattr(hazards.units, "show", look("show", {"mariadb.service": block}))
    one = a_daemon("dovecot", name="dovecot.service")
    with pytest.raises(Refused, match="mariadb.service is failed"):
        ask([], monkeypatch, "restart", one)
    monkeypatch.setattr(hazards.units, "show", look("show", {"mariadb.service": {**block, "ActiveState": "active"}}))
    assert ask([], monkeypatch, "restart", one) == []


def test_a_daemon_started_by_hand_holds_the_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    master = procfs.Process(4711, 1, "master", "S", 0, 1, 0)
    monkeypatch.setattr(postfix, "mail", lambda context: mailprocs.MailProcesses({"postfix": master}, {}))
    with pytest.raises(Refused, match="process 4711") as refused:
        hazards._elsewhere(Context(), a_daemon(block=DOWN))
    assert refused.value.code == "elsewhere"


@pytest.mark.parametrize(("ended_by", "code"), [("admin", "stopped"), ("self", None), ("unknown", None)])
def test_who_stopped_it(monkeypatch: pytest.MonkeyPatch, ended_by: str, code: str | None) -> None:
    monkeypatch.setattr(hazards.services, "ended_by", lambda context, product: ended_by)
    said = None
    try:
        hazards._operator(Context(), a_daemon(block=DOWN))
    except Refused as refused:
        said = refused.code
    assert said == code


def test_a_failure_is_nobody_s_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hazards.services, "ended_by", lambda context, product: "admin")
    hazards._operator(Context(), a_daemon(block={**DOWN, "ActiveState": "failed", "UnitFileState": "disabled"}))


def test_where_it_listens_is_asked_of_the_kernel() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        one = a_daemon()
        assert f"127.0.0.1:{port}" in daemon.spelled(one.listening())
        assert rising.missing_sockets(one, (port, f"127.0.0.1:{port}")) == []
        with socket.create_connection(("127.0.0.1", port)):
            assert one.queued() == 1
    assert rising.missing_sockets(one, (port,)) == [str(port)]
