# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny mail servers in threads, on loopback, to probe in the tests."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import ssl
import threading

from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import sweep
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

FIXTURES = pathlib.Path(__file__).parent / "fixtures"

HOSTILE = "{{ lookup('pipe','id') }} <script>alert(1)</script> \x1b[31m\x07\x00 \u202e"


class Talk:
    """One connection, as a stub sees it."""

    def __init__(self, stub, sock):
        self.stub = stub
        self.sock = sock
        self._buffer = b""

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def hear(self) -> bytes:
        """The next line, without its end; b"" when the probe has left."""
        while b"\n" not in self._buffer:
            data = self.sock.recv(4096)
            if not data:
                return b""
            self._buffer += data
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        line = line.rstrip(b"\r")
        self.stub.heard.append(line)
        return line

    def secure(self, certificate: str = "good") -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FIXTURES / f"{certificate}.pem")
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def wait(self) -> None:
        """Say nothing until the probe leaves."""
        while self.sock.recv(4096):
            pass

    def answer(self, answers: dict, default: bytes = b"500 what?\r\n") -> None:
        """Answer each command by its first word (of the whole line, in capitals); a callable gets the connection."""
        while True:
            line = self.hear()
            if not line:
                return
            words = line.upper().split()
            reply = next((answers[word] for word in words[:2] if word in answers), default)
            if callable(reply):
                reply(self)
            else:
                self.say(reply)
            if words[0] == b"QUIT" or b"LOGOUT" in words[:2]:
                return


class Stub:
    """A listening socket and its threads; count connections and keep what was heard."""

    def __init__(self, script, address: str = "127.0.0.1", port: int = 0):
        self.script = script
        self.heard = []
        self.connections = 0
        self.now = 0
        self.peak = 0
        self.clean_ends = 0
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((address, port))
        self._listener.listen(512)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _peer = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self.now += 1
                self.peak = max(self.peak, self.now)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock) -> None:
        talk = Talk(self, sock)
        try:
            self.script(talk)
            self.clean_ends += 1
        except OSError:
            pass
        finally:
            with self._lock:
                self.now -= 1
            talk.sock.close()

    def close(self) -> None:
        # shutdown() wakes the thread in accept(), close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextlib.contextmanager
def stub(script, address: str = "127.0.0.1", port: int = 0):
    server = Stub(script, address, port)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def black_hole(address: str = "127.0.0.1"):
    """A port that answers no SYN: a listener whose queue is full and never emptied."""
    listener = socket.socket()
    listener.bind((address, 0))
    listener.listen(0)
    clients = []
    for _number in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        clients.append(client)
    try:
        yield listener.getsockname()[1]
    finally:
        for client in clients:
            client.close()
        listener.close()


def closed_port(address: str = "127.0.0.1") -> int:
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind((address, 0))
        return sock.getsockname()[1]


SMTP = {
    b"EHLO": b"250-stub\r\n250-SIZE 1000\r\n250 8BITMIME\r\n",
    b"LHLO": b"250-stub\r\n250 SIZE 1000\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


def smtp_script(greeting: bytes = b"220 stub ESMTP\r\n", **answers):
    """A mail server that is well, but for the answers given."""

    def script(talk):
        talk.say(greeting)
        talk.answer({**SMTP, **{verb.encode(): reply for verb, reply in answers.items()}})

    return script


def starttls_script(
    certificate: str = "good",
    offer: bytes = b"250-stub\r\n250 STARTTLS\r\n",
    inside: bytes = b"250-stub\r\n250 SIZE 1000\r\n",
    **answers,
):
    """A mail server with STARTTLS."""

    def script(talk):
        def upgrade(talk):
            talk.say(b"220 2.0.0 Ready to start TLS\r\n")
            talk.secure(certificate)
            talk.answer({**SMTP, b"EHLO": inside, b"LHLO": inside, **more})

        more = {verb.encode(): reply for verb, reply in answers.items()}
        talk.say(b"220 stub ESMTP\r\n")
        talk.answer({**SMTP, b"EHLO": offer, b"LHLO": offer, b"STARTTLS": upgrade})

    return script


def silent(talk):
    talk.wait()


def probe_all(services: list, address: str = "127.0.0.1", **options) -> list:
    """The records of several (protocol, port) of one host."""
    options = {"timeout": 10, "ping": False, **options}
    services = [{"protocol": protocol, "port": port} for protocol, port in services]
    result = sweep([{"name": "host", "address": address, "services": services}], options)
    records = result["hosts"]["host"]["services"]
    for record in records:
        check_record(record)
    return records


def probe(protocol: str, port: int, address: str = "127.0.0.1", **options) -> dict:
    """The record of one service."""
    (record,) = probe_all([(protocol, port)], address, **options)
    return record


def check_record(record: dict) -> None:
    """What holds for every record, whatever the server did."""
    assert set(record) == {
        "protocol",
        "port",
        "family",
        "address",
        "outcome",
        "rung",
        "code",
        "text",
        "ms",
        "rungs",
        "retransmits",
        "certificate",
    }
    assert record["outcome"] in {
        "ok",
        "refused",
        "filtered",
        "timeout",
        "reset",
        "no_banner",
        "tls_error",
        "auth_error",
        "protocol_error",
        "skipped",
    }
    assert (record["outcome"] == "ok") == (record["rung"] == "done")
    for text in [record["text"]] + [rung["text"] for rung in record["rungs"]]:
        assert clean(text) == text
    for rung in record["rungs"]:
        assert rung["ms"] >= 0
    if record["outcome"] not in ("ok", "skipped"):
        failed = [rung for rung in record["rungs"] if not rung["ok"] and rung["rung"] == record["rung"]]
        assert failed and failed[-1]["text"] == record["text"] and failed[-1]["code"] == record["code"]


def names(record: dict) -> list:
    """The rungs reached, in order."""
    return [rung["rung"] for rung in record["rungs"]]
