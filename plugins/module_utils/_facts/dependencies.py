# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the MTA leans on over a socket, and whether it really answers there.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import errno
import os
import re
import select
import socket
import struct
import threading
import time
from collections import namedtuple

from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, procfs, units
from ansible_collections.mailops.triage.plugins.module_utils._text import clean, whole

# kind: milter, sasl, lmtp, policy; endpoint as in the setting; chroot: the daemon that connects is confined to the
# queue directory
Need = namedtuple("Need", "kind endpoint setting chroot")

_TIMEOUT_S = 2.0
_POLICY = re.compile(r"check_policy_service\s+\{?\s*((?:inet|unix):\S+?)(?=[,}\s]|$)")
_RESTRICTIONS = (
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
)
# First words of the milter protocol: option negotiation, version 6, every action and protocol step offered as Postfix
# does (a filter that misses one it needs hangs up); and its goodbye.
_MILTER_HELLO = struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)
_MILTER_QUIT = struct.pack("!Ic", 1, b"Q")
_KNOWN_PORTS = {8891: "opendkim", 8893: "opendmarc", 11332: "rspamd", 10023: "postgrey", 783: "spamassassin"}
_WORDS = ("opendkim", "opendmarc", "rspamd", "clamav", "spamass", "amavis", "postgrey", "policyd-spf", "dovecot")
# Scanners that speak no milter themselves: what listens there is a daemon of its own, in a unit of its own.
_MILTERS = (("clamav", "clamav-milter"), ("spamass", "spamass-milter"), ("amavis", "amavisd-milter"))


def needs(settings, services):
    """What a Postfix configuration connects to.

    :param settings: dict of every setting in force
    :param services: parsed master.cf, see postfix.parse_master
    :returns: list of Need without repeats
    """
    found = []
    servers = [service for service in services if service["command"] == "smtpd"]
    chroot = any(service["chroot"] for service in servers)

    def value(name, options=None):
        text = options[name] if options and name in options else settings.get(name, "")
        return postfix.expand(text, settings).strip()

    def add(kind, endpoint, setting):
        if endpoint and not any(need.kind == kind and need.endpoint == endpoint for need in found):
            found.append(Need(kind, endpoint, setting, chroot))

    layers = [{}] + [service["options"] for service in servers]
    for options in layers:
        for setting in ("smtpd_milters", "non_smtpd_milters"):
            for endpoint in split_milters(value(setting, options)):
                add("milter", endpoint, setting)
        if value("smtpd_sasl_auth_enable", options) == "yes" and value("smtpd_sasl_type", options) == "dovecot":
            add("sasl", value("smtpd_sasl_path", options), "smtpd_sasl_path")
        for setting in _RESTRICTIONS:
            for endpoint in _POLICY.findall(value(setting, options)):
                add("policy", endpoint, setting)
    for setting in ("mailbox_transport", "virtual_transport", "local_transport"):
        transport, colon, endpoint = value(setting).partition(":")
        if transport == "lmtp" and endpoint:
            add("lmtp", endpoint, setting)
    return found


def split_milters(text):
    """Endpoints of a milter list; the braces of C({ inet:host:port, timeout=... }) hold one each."""
    found = []
    for braced, plain in re.findall(r"\{\s*([^{}]*)\}|([^\s,{}]+)", text):
        endpoint = braced.split(",")[0].strip() if braced else plain
        if ":" in endpoint:
            found.append(endpoint)
    return found


def address(endpoint, queue_directory, chroot):
    """Where an endpoint is.

    :returns: ("unix", path) or ("inet", (host, port))
    :raises ValueError: when it is written in no form known
    """
    scheme, colon, rest = endpoint.partition(":")
    if scheme in ("unix", "local"):
        return "unix", _socket_path(rest, queue_directory, chroot)
    if scheme in ("inet", "inet6"):
        if "@" in rest:
            # Sendmail's way of writing it.
            port, sign, host = rest.partition("@")
        else:
            host, sign, port = rest.rpartition(":")
            host, port = (host, port) if sign else (rest, "24")
        if not 0 < whole(port, 0) < 65536:
            raise ValueError("no port in " + endpoint)
        return "inet", (host.strip("[]") or "127.0.0.1", int(port))
    if not colon or "/" in scheme:
        return "unix", _socket_path(endpoint, queue_directory, chroot)
    raise ValueError("unknown form: " + endpoint)


def _socket_path(path, queue_directory, chroot):
    if not path.startswith("/"):
        return os.path.join(queue_directory, path)
    return queue_directory.rstrip("/") + path if chroot and not path.startswith(queue_directory) else path


def product(need, place):
    """Name of what stands behind an endpoint: a product where path or port tell, else the endpoint."""
    if need.kind in ("sasl", "lmtp"):
        return "dovecot" if need.kind == "sasl" or "dovecot" in need.endpoint else need.endpoint
    text = str(place[1]) if place[0] == "unix" else ""
    if need.kind == "milter":
        for word, name in _MILTERS:
            if word in text:
                return name
    for word in _WORDS:
        if word in text:
            return {"spamass": "spamassassin"}.get(word, word)
    if place[0] == "inet":
        return _KNOWN_PORTS.get(place[1][1], need.endpoint)
    return need.endpoint


def look(context):
    """Shared look: the contract's records of everything the MTA connects to, each really connected to."""
    settings = context.shared(postfix.settings)
    folder = postfix.value(context, "queue_directory")
    wanted = needs(settings, context.shared(postfix.master_services))[:32]
    records, threads = [None] * len(wanted), []
    for place, need in enumerate(wanted):
        thread = threading.Thread(target=_try_one, args=(records, place, need, folder))
        thread.daemon = True
        thread.start()
        threads.append(thread)
    identity = mail_identity(
        procfs.try_text(context.path("/etc/passwd"), 1 << 20),
        procfs.try_text(context.path("/etc/group"), 1 << 20),
        postfix.value(context, "mail_owner") or "postfix",
    )
    deadline = time.monotonic() + min(_TIMEOUT_S + 1.0, context.left())
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    installed = context.shared(units.companions)
    found = []
    for need, record in zip(wanted, list(records)):
        record = record or _record(need, need.endpoint, "timeout", "no answer in time", _TIMEOUT_S)
        if record["outcome"] == "ok":
            # It answered root; the daemons of Postfix are somebody else.
            kept_out = keeps_out(need, folder, identity)
            if kept_out:
                record.update(outcome="denied", text=clean(kept_out, 160))
        if record["name"] in _KNOWN_PORTS.values() and record["name"] not in installed:
            # The port is only a habit: somebody else may listen there.
            record["name"] = record["endpoint"]
        found.append(record)
    return found


def mail_identity(passwd, group, owner):
    """(name, uid, set of gids) of the user that Postfix daemons run as, or None when there is none.

    Read from the files and not asked of the name service: that may be what hangs.
    """
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[0] == owner and fields[2].isdigit() and fields[3].isdigit():
            gids = {int(fields[3])}
            for entry in group.splitlines():
                parts = entry.split(":")
                if len(parts) >= 4 and owner in parts[3].split(",") and parts[2].isdigit():
                    gids.add(int(parts[2]))
            return owner, int(fields[2]), gids
    return None


def keeps_out(need, folder, identity):
    """Why the mode of a local socket keeps Postfix from connecting, or an empty text when it does not."""
    try:
        kind, path = address(need.endpoint, folder, need.chroot)
        info = os.stat(path) if kind == "unix" and identity is not None else None
    except (OSError, ValueError):
        return ""
    if info is None or identity[1] == 0:
        return ""
    bit = 0o200 if info.st_uid == identity[1] else 0o020 if info.st_gid in identity[2] else 0o002
    if info.st_mode & bit:
        return ""
    return "the socket is not writable for {0}: mode {1:04o}, owner {2}:{3}".format(
        identity[0], info.st_mode & 0o7777, info.st_uid, info.st_gid
    )


def _record(need, name, outcome, text, seconds):
    return {
        "kind": need.kind,
        "name": clean(name, 120),
        "endpoint": clean(need.endpoint, 200),
        "used_by": "mta",
        "setting": need.setting,
        "outcome": outcome,
        "text": clean(text, 160),
        "ms": round(seconds * 1000.0, 1),
    }


def _try_one(records, number, need, folder):
    began, name = time.monotonic(), need.endpoint
    try:
        place = address(need.endpoint, folder, need.chroot)
        name = product(need, place)
        outcome, text = converse(place, need.kind, _TIMEOUT_S)
    except ValueError as error:
        outcome, text = "error", str(error)
    records[number] = _record(need, name, outcome, text, time.monotonic() - began)


def converse(place, kind, timeout: float):
    """Connect, and let the other side say its first word where the protocol has one.

    A hung server still connects: the kernel does that. So milters are greeted, and SASL and LMTP servers have to speak.

    :param place: as address() gives it
    :param timeout: seconds for connecting and for the answer, together
    :returns: (outcome, text); outcome is ok, refused, timeout, missing, denied or error
    """
    deadline = time.monotonic() + timeout
    try:
        link = _connect(place, deadline)
    except OSError as error:
        return _outcome(error), error.strerror or str(error)
    with link:
        try:
            if kind == "milter":
                link.send(_MILTER_HELLO)
            elif kind == "policy":
                return "ok", ""
            if not _wait(link, select.POLLIN, deadline):
                return "timeout", "connected, no answer within %.0f s" % timeout
            answer = link.recv(512)
            if not answer:
                return "error", "closed the connection at once"
            link.send(_MILTER_QUIT if kind == "milter" else b"QUIT\r\n" if kind == "lmtp" else b"")
        except OSError as error:
            return _outcome(error), error.strerror or str(error)
    if kind == "lmtp" and not answer.startswith(b"220"):
        return "error", answer.decode("utf-8", "replace")
    return "ok", "" if kind != "lmtp" else answer.decode("utf-8", "replace")


def _connect(place, deadline):
    if place[0] == "unix":
        family, target = socket.AF_UNIX, place[1]
    else:
        host, port = place[1]
        host = {"localhost": "127.0.0.1"}.get(host, host)
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        family, target = found[0], found[4]
    link = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        code = link.connect_ex(target)
        while code == errno.EAGAIN:
            # A full queue of a local socket: nobody takes its connections.
            if time.monotonic() >= deadline:
                raise OSError(errno.ETIMEDOUT, "nobody accepts connections")
            time.sleep(0.05)
            code = link.connect_ex(target)
        if code == errno.EINPROGRESS:
            if not _wait(link, select.POLLOUT, deadline):
                raise OSError(errno.ETIMEDOUT, "no answer to the connection")
            code = link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except Exception:
        link.close()
        raise
    return link


def _wait(link, what, deadline):
    poll = select.poll()
    poll.register(link, what)
    return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000.0 + 1))


def _outcome(error):
    code = error.errno
    if code == errno.ECONNREFUSED:
        return "refused"
    if code in (errno.ENOENT, errno.ENOTDIR):
        return "missing"
    if code in (errno.EACCES, errno.EPERM) and os.geteuid() == 0:
        # Of an ordinary login that says nothing about Postfix.
        return "denied"
    return "timeout" if code == errno.ETIMEDOUT else "error"
