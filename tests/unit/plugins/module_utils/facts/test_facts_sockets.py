# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies and resolvers as real sockets: alive, hung, refused, missing, denied."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import dependencies, dns, postfix, units
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import HOSTILE, Quiet


@pytest.fixture
def server(request):
    """Start a server that answers each connection with a text, or hangs with None; gives (host, port)."""
    opened = []

    def start(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def serve():
            while True:
                try:
                    link, _address = listener.accept()
                except OSError:
                    return
                opened.append(link)
                if answer is not None:
                    link.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[:2]

    yield start
    for link in opened:
        link.close()


def test_alive(server):
    assert dependencies.converse(("inet", server(b"220 mail1 LMTP\r\n")), "lmtp", 2.0) == ("ok", "220 mail1 LMTP\r\n")
    assert dependencies.converse(("inet", server(b"\0\0\0\rO")), "milter", 2.0) == ("ok", "")
    assert dependencies.converse(("inet", server(b"VERSION\t1\t2\n")), "sasl", 2.0) == ("ok", "")
    assert dependencies.converse(("inet", server(b"451 4.3.2 later\r\n")), "lmtp", 2.0)[0] == "error"


def test_hung_server_still_connects(server):
    for kind in ("milter", "sasl", "lmtp"):
        began = time.monotonic()
        assert dependencies.converse(("inet", server(None)), kind, 0.3)[0] == "timeout"
        assert time.monotonic() - began < 1.5


def test_policy_server_is_only_connected_to(server):
    assert dependencies.converse(("inet", server(None)), "policy", 0.3)[0] == "ok"


def test_refused_missing_denied(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert dependencies.converse(("inet", unused.getsockname()[:2]), "milter", 1.0)[0] == "refused"
    assert dependencies.converse(("unix", str(tmp_path / "none")), "sasl", 1.0)[0] == "missing"
    path = str(tmp_path / "dead")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    assert dependencies.converse(("unix", path), "sasl", 1.0)[0] == "refused"
    assert dependencies.converse(("unix", "/" + "x" * 200), "sasl", 1.0)[0] == "error"


def test_local_socket_whose_queue_is_full(tmp_path):
    path = str(tmp_path / "full")
    clients = []
    with socket.socket(socket.AF_UNIX) as full:
        full.bind(path)
        full.listen(0)
        while len(clients) < 8:
            client = socket.socket(socket.AF_UNIX)
            clients.append(client)
            client.setblocking(False)
            try:
                client.connect(path)
            except BlockingIOError:
                break
        assert dependencies.converse(("unix", path), "sasl", 0.3)[0] == "timeout"
        for client in clients:
            client.close()


def test_everything_the_mta_needs_is_tried(server):
    host, port = server(("220 " + HOSTILE + "\r\n").encode())
    context = Quiet(
        looks={
            postfix.settings: {
                "queue_directory": "/nowhere",
                "mailbox_transport": f"lmtp:inet:{host}:{port}",
                "smtpd_milters": "inet:127.0.0.1:1",
                "smtpd_sasl_auth_enable": "yes",
                "smtpd_sasl_type": "dovecot",
                "smtpd_sasl_path": "private/auth",
            },
            postfix.master_services: [],
            units.companions: {},
        }
    )
    found = {record["kind"]: record for record in dependencies.look(context)}
    assert {kind: record["outcome"] for kind, record in found.items()} == {
        "milter": "refused",
        "sasl": "missing",
        "lmtp": "ok",
    }
    assert "\x1b" not in found["lmtp"]["text"] and found["lmtp"]["used_by"] == "mta"


def answering(reply):
    """A UDP socket that answers one question with reply(question), or not at all."""
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind(("127.0.0.1", 0))

    def serve():
        question, address = link.recvfrom(512)
        for part in reply(question):
            link.sendto(part, address)

    threading.Thread(target=serve, daemon=True).start()
    return link


def test_resolvers_are_asked_at_once(monkeypatch):
    good = answering(lambda question: [b"\0\0", question[:2] + b"\x81\x85" + question[4:]])
    silent = answering(lambda _question: [])
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.bind(("127.0.0.1", 0))
    free = closed.getsockname()[1]
    closed.close()
    ports = {"good": good.getsockname()[1], "silent": silent.getsockname()[1], "closed": free}
    real = socket.getaddrinfo

    def fake(host, port, *rest):
        return real("127.0.0.1", ports.get(host, port), *rest) if host in ports else real(host, port, *rest)

    monkeypatch.setattr(dns.socket, "getaddrinfo", fake)
    began = time.monotonic()
    found = dns.ask_all(["good", "silent", "closed", "not an address"], 0.5)
    assert time.monotonic() - began < 2
    assert [(one["outcome"], one["rcode"]) for one in found] == [
        ("ok", "REFUSED"),
        ("timeout", None),
        ("refused", None),
        ("error", None),
    ]
    good.close()
    silent.close()


def test_shared_looks_are_taken_once_and_remember_their_error():
    taken = []

    def look(_context):
        taken.append(1)
        raise RuntimeError("no")

    context = shared.Context()
    for _turn in range(3):
        with pytest.raises(RuntimeError):
            context.shared(look)
    assert len(taken) == 1


def test_waiting_for_a_hung_look_ends_with_the_budget():
    def hung(_context):
        time.sleep(3)

    context = shared.Context({"time_budget": 0.3})
    threading.Thread(target=context.shared, args=(hung,), daemon=True).start()
    time.sleep(0.05)
    began = time.monotonic()
    with pytest.raises(shared.OutOfTime):
        context.shared(hung)
    assert time.monotonic() - began < 1.5
    with pytest.raises(shared.OutOfTime):
        context.run(["true"])


def test_socket_that_answers_root_but_keeps_postfix_out(tmp_path):
    path = tmp_path / "auth"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    own = path.stat()
    need = dependencies.Need("sasl", str(path), "smtpd_sasl_path", False)
    passwd = f"root:x:0:0::/:/bin/sh\npostfix:x:{own.st_uid + 1}:{own.st_gid + 1}::/:/bin/false\n"
    stranger = dependencies.mail_identity(passwd, "", "postfix")
    member = dependencies.mail_identity(passwd, f"mail:x:{own.st_gid}:alice,postfix\n", "postfix")
    assert stranger == ("postfix", own.st_uid + 1, {own.st_gid + 1}) and own.st_gid in member[2]
    assert dependencies.mail_identity(passwd, "", "nobody-of-that-name") is None
    path.chmod(0o660)
    assert "not writable for postfix: mode 0660" in dependencies.keeps_out(need, "/", stranger)
    assert dependencies.keeps_out(need, "/", member) == "" == dependencies.keeps_out(need, "/", None)
    path.chmod(0o666)
    assert dependencies.keeps_out(need, "/", stranger) == ""
