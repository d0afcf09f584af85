# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladders of IMAP, POP3 and ManageSieve (RFC 3501, 1939, 2449, 2595, 5804).

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Failure

_IMAP_BEGINNING = re.compile(rb"\*|\+|t[0-9]")
_IMAP_GREETING = re.compile(rb"\* (OK|PREAUTH|BYE)\b ?(.*)", re.IGNORECASE | re.DOTALL)
_POP_BEGINNING = re.compile(rb"[-+.]")
_POP_REPLY = re.compile(rb"(\+OK|-ERR)(?: (.*))?$", re.IGNORECASE | re.DOTALL)
_SIEVE_BEGINNING = re.compile(rb'"|\{|[OoNnBb]')
_SIEVE_REPLY = re.compile(rb"(OK|NO|BYE)\b ?(.*)", re.IGNORECASE | re.DOTALL)


def _foreign(session, protocol: str, raw: bytes) -> Failure:
    # Nothing more is said to somebody who speaks another language.
    session.bye = ()
    return Failure("protocol_error", "not %s: %s" % (protocol, session.safe(raw, 200)))


def _login_allowed(session) -> bool:
    if session.setup.account is None:
        return False
    if session.tunnel is None and not session.job.loopback:
        session.note = "login not tried: the session is not encrypted"
        return False
    return True


# IMAP


def _imap_answer(session, tag: bytes):
    """Lines up to the tagged one: (code, text, untagged lines)."""
    untagged = []
    while True:
        raw = yield from session.line()
        head = raw[: len(tag) + 1]
        if head == tag + b" ":
            code, _blank, text = raw[len(head) :].partition(b" ")
            return code.decode("ascii", "replace").upper(), text, untagged
        if raw[:6].upper() == b"* BYE " and tag != b"t9":
            raise Failure("protocol_error", session.safe(raw[6:]), "BYE")
        if raw[:2] != b"* " and raw[:1] != b"+":
            raise _foreign(session, "IMAP", raw)
        if len(untagged) < 200:
            untagged.append(raw)


def _imap_bye(session):
    code, text, _untagged = yield from _imap_answer(session, b"t9")
    return code, text


def _imap_ask(session, rung: str, tag: bytes, command: bytes, outcome: str = "protocol_error"):
    session.begin(rung)
    yield from session.send(tag + b" " + command + b"\r\n")
    code, text, untagged = yield from _imap_answer(session, tag)
    if code != "OK":
        raise Failure(outcome, session.safe(text), session.safe(code, 20))
    return code, text, untagged


def _imap_capability(session, tag: bytes):
    code, text, untagged = yield from _imap_ask(session, "capability", tag, b"CAPABILITY")
    words = set()
    for line in untagged:
        if line[:13].upper() == b"* CAPABILITY ":
            session.passed(code, line[13:])
            words.update(line[13:].decode("ascii", "replace").upper().split())
    if not words:
        session.passed(code, text)
    return words


def _quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _imap(session, implicit_tls: bool):
    yield from session.open(implicit_tls)
    session.expects = _IMAP_BEGINNING
    session.begin("banner")
    raw = yield from session.line()
    match = _IMAP_GREETING.match(raw)
    if match is None:
        raise _foreign(session, "IMAP", raw)
    code = match.group(1).decode("ascii").upper()
    if code == "BYE":
        raise Failure("protocol_error", session.safe(match.group(2)), code)
    session.bye = (b"t9 LOGOUT\r\n", _imap_bye)
    session.greeting = session.safe(match.group(2))
    session.passed(code, match.group(2))
    words = yield from _imap_capability(session, b"t1")
    if "STARTTLS" in words and session.tunnel is None:
        code, _text, _untagged = yield from _imap_ask(session, "starttls", b"t2", b"STARTTLS")
        farewell, session.bye = session.bye, ()
        agreed = yield from session.secure()
        session.bye = farewell
        session.passed(code, agreed)
        words = yield from _imap_capability(session, b"t3")
    if _login_allowed(session):
        if "LOGINDISABLED" in words:
            session.note = "login not tried: LOGIN is disabled"
            return
        user, password = session.setup.account
        login = b"LOGIN " + _quoted(user) + b" " + _quoted(password)
        code, text, _untagged = yield from _imap_ask(session, "login", b"t4", login, "auth_error")
        session.passed(code, text)
        code, text, _untagged = yield from _imap_ask(session, "select", b"t5", b"SELECT INBOX")
        session.passed(code, text)


def imap(session):
    """Port 143; STARTTLS where offered."""
    yield from _imap(session, False)


def imaps(session):
    """Port 993."""
    yield from _imap(session, True)


# POP3


def _pop_answer(session):
    """First line of an answer: (code, text)."""
    raw = yield from session.line()
    match = _POP_REPLY.match(raw)
    if match is None:
        raise _foreign(session, "POP3", raw)
    return match.group(1).decode("ascii").upper(), match.group(2) or b""


def _pop_ask(session, rung: str, command: bytes, outcome: str = "protocol_error"):
    session.begin(rung)
    yield from session.send(command + b"\r\n")
    code, text = yield from _pop_answer(session)
    if code != "+OK":
        raise Failure(outcome, session.safe(text), code)
    return code, text


def _pop_capability(session):
    session.begin("capability")
    yield from session.send(b"CAPA\r\n")
    code, text = yield from _pop_answer(session)
    words = []
    if code == "+OK":
        while True:
            line = yield from session.line()
            if line == b".":
                break
            if len(words) < 200:
                words.append(line.decode("ascii", "replace").upper())
        text = " ".join(words)
    # A server of before 1998 answers -ERR here and is none the worse for it.
    session.passed(code, text)
    return words


def _pop3(session, implicit_tls: bool):
    yield from session.open(implicit_tls)
    session.expects = _POP_BEGINNING
    session.begin("banner")
    code, text = yield from _pop_answer(session)
    session.bye = (b"QUIT\r\n", _pop_answer)
    if code != "+OK":
        raise Failure("protocol_error", session.safe(text), code)
    session.greeting = session.safe(text)
    session.passed(code, text)
    words = yield from _pop_capability(session)
    if "STLS" in words and session.tunnel is None:
        code, _text = yield from _pop_ask(session, "starttls", b"STLS")
        farewell, session.bye = session.bye, ()
        agreed = yield from session.secure()
        session.bye = farewell
        session.passed(code, agreed)
    if _login_allowed(session):
        user, password = session.setup.account
        yield from _pop_ask(session, "login", b"USER " + user, "auth_error")
        # Both commands are one rung, under one clock.
        yield from session.send(b"PASS " + password + b"\r\n")
        code, text = yield from _pop_answer(session)
        if code != "+OK":
            raise Failure("auth_error", session.safe(text), code)
        session.passed(code, text)
        session.passed(*(yield from _pop_ask(session, "stat", b"STAT")))


def pop3(session):
    """Port 110; STLS where offered."""
    yield from _pop3(session, False)


def pop3s(session):
    """Port 995."""
    yield from _pop3(session, True)


# ManageSieve


def _sieve_answer(session):
    """Capability lines up to OK, NO or BYE: (code, text, lines)."""
    lines = []
    while True:
        raw = yield from session.line()
        match = _SIEVE_REPLY.match(raw)
        if match is not None:
            return match.group(1).decode("ascii").upper(), match.group(2), lines
        if raw[:1] not in (b'"', b"{") and not lines:
            raise _foreign(session, "ManageSieve", raw)
        if len(lines) < 200:
            lines.append(raw)


def _sieve_bye(session):
    code, text, _lines = yield from _sieve_answer(session)
    return code, text


def _sieve_good(session, answer):
    code, text, lines = answer
    if code != "OK":
        raise Failure("protocol_error", session.safe(text), code)
    words = {line.decode("utf-8", "replace").upper().split('"')[1] for line in lines if line.count(b'"') > 1}
    implementation = [line for line in lines if line.upper().startswith(b'"IMPLEMENTATION"')]
    return code, implementation[0][16:].strip(b' "') if implementation else text, words


def sieve(session):
    """Port 4190; STARTTLS where offered."""
    yield from session.open(False)
    session.expects = _SIEVE_BEGINNING
    session.begin("banner")
    answer = yield from _sieve_answer(session)
    session.bye = (b"LOGOUT\r\n", _sieve_bye)
    code, text, words = _sieve_good(session, answer)
    session.greeting = session.safe(text)
    session.passed(code, text)
    if "STARTTLS" in words:
        session.begin("starttls")
        yield from session.send(b"STARTTLS\r\n")
        code, _text, _words = _sieve_good(session, (yield from _sieve_answer(session)))
        farewell, session.bye = session.bye, ()
        agreed = yield from session.secure()
        session.bye = farewell
        session.passed(code, agreed)
        # The server shows what it can do once more, unasked.
        session.begin("capability")
        code, text, _words = _sieve_good(session, (yield from _sieve_answer(session)))
        session.passed(code, text)
