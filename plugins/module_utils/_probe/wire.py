# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection: its bytes, lines and TLS, as generators that never block.

A generator yields READ or WRITE when it must wait for its socket, and the loop resumes it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import errno
import socket
import ssl
import struct

from ansible_collections.mailops.triage.plugins.module_utils._probe.errors import Failure, connection_failure
from ansible_collections.mailops.triage.plugins.module_utils._probe.tls import Tunnel, describe_certificate, reason
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

READ = 1
WRITE = 2

# Longest reply that is read, all its lines together. Real ones have a few hundred bytes.
MAX_REPLY = 65536


# struct tcp_info of linux/tcp.h: eight bytes, then 32-bit counters, of which tcpi_total_retrans is the 24th.
_TOTAL_RETRANS = struct.Struct("=100xI")


def retransmits(sock):
    """Segments that had to be sent again on a connection, the first SYN included; None where the kernel won't say."""
    try:
        return _TOTAL_RETRANS.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TOTAL_RETRANS.size))[0]
    except (AttributeError, OSError, struct.error):
        return None


class Wire:
    """The connection below a ladder.

    :param job: what to probe (see job.Job)
    :param setup: what all ladders of a sweep share (see job.Setup)
    """

    def __init__(self, job, setup):
        self.job = job
        self.setup = setup
        self.sock = None
        self.tunnel = None
        self.buffer = bytearray()
        # Bytes of the running rung's reply that have left the buffer as lines.
        self.reply_bytes = 0
        self.rung = "connect"
        self.certificate = None
        self.connected = False
        # connect() ended in EHOSTUNREACH.
        self.unreachable = False
        self.retransmits = None

    def safe(self, text, limit: int = 300) -> str:
        """Text from outside, made harmless, without the account's secrets."""
        if self.setup.secrets:
            if not isinstance(text, bytes):
                text = str(text).encode("utf-8", "replace")
            text = bytes(text[: 8 * limit])
            for secret in self.setup.secrets:
                text = text.replace(secret, b"***")
        return clean(text, limit)

    def connect(self):
        """Open the connection."""
        try:
            self.sock = socket.socket(self.job.af, socket.SOCK_STREAM)
            self.sock.setblocking(False)
            number = self.sock.connect_ex(self.job.sockaddr)
        except OSError as error:
            number = error.errno or errno.EINVAL
        if number not in (0, errno.EINPROGRESS):
            if number == errno.ENETUNREACH:
                # Refused by the own routing table, not by the network.
                if self.job.spare and self.job.family == "ipv6":
                    raise Failure("skipped", "this host has no route for %s" % self.job.family)
                raise Failure("filtered", "no route from here: network is unreachable")
            self.unreachable = number == errno.EHOSTUNREACH
            raise connection_failure(number, "connect")
        if number:
            yield WRITE
            number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                self.unreachable = number == errno.EHOSTUNREACH
                raise connection_failure(number, "connect")
        self.connected = True

    def _transmit(self, data: bytes):
        while data:
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                yield WRITE
                continue
            except OSError as error:
                raise connection_failure(error.errno or errno.EPIPE, self.rung) from None
            data = data[sent:]

    def _receive(self):
        """Raw bytes; a Failure at the end of the connection."""
        while True:
            yield READ
            try:
                data = self.sock.recv(16384)
            except BlockingIOError:
                continue
            except OSError as error:
                raise connection_failure(error.errno or errno.ECONNRESET, self.rung) from None
            if not data:
                said = ", after: %s" % self.safe(bytes(self.buffer), 120) if self.buffer else ""
                raise Failure("reset", "closed by the peer at %s%s" % (self.rung, said))
            return data

    def send(self, data: bytes):
        """Send a command."""
        if self.tunnel is not None:
            try:
                self.tunnel.write(data)
            except ssl.SSLError as error:
                raise Failure("tls_error", reason(error)) from None
            data = self.tunnel.pending()
        yield from self._transmit(data)

    def _more(self):
        """Add what comes next to the buffer."""
        while True:
            if self.tunnel is None:
                self.buffer += yield from self._receive()
                return
            try:
                data = self.tunnel.read()
            except ssl.SSLError as error:
                raise Failure("tls_error", reason(error)) from None
            if data == b"":
                raise Failure("reset", "closed by the peer at %s" % self.rung)
            if data:
                self.buffer += data
                return
            yield from self._transmit(self.tunnel.pending())
            self.tunnel.feed((yield from self._receive()))

    def line(self):
        """The next line, without its end; the lines of one rung share one bound."""
        scanned = 0
        while True:
            at = self.buffer.find(b"\n", scanned)
            if at >= 0:
                self.reply_bytes += at + 1
            if self.reply_bytes > MAX_REPLY or at < 0 and self.reply_bytes + len(self.buffer) > MAX_REPLY:
                which = "reply" if self.reply_bytes else "line"
                raise Failure("protocol_error", "%s too long: %s" % (which, self.safe(bytes(self.buffer[:400]), 100)))
            if at >= 0:
                line = bytes(self.buffer[:at])
                del self.buffer[: at + 1]
                return line.rstrip(b"\r")
            scanned = len(self.buffer)
            yield from self._more()

    def secure(self):
        """TLS handshake inside the running rung; returns version and cipher."""
        # What came before the handshake is not part of the protected dialogue.
        del self.buffer[:]
        tunnel = Tunnel(self.setup.context, self.job.server_name)
        try:
            while not tunnel.handshake():
                yield from self._transmit(tunnel.pending())
                tunnel.feed((yield from self._receive()))
            yield from self._transmit(tunnel.pending())
        except ssl.SSLError as error:
            alert = tunnel.pending()
            if alert:
                self.last_words(alert)
            raise Failure("tls_error", reason(error)) from None
        self.tunnel = tunnel
        self.certificate = describe_certificate(tunnel.peer(), self.setup.certificates)
        return tunnel.describe()

    def last_words(self, data: bytes) -> None:
        """Send without waiting; nobody listens to the result."""
        try:
            if self.tunnel is not None:
                self.tunnel.write(data)
                data = self.tunnel.pending()
            self.sock.send(data)
        except (OSError, ValueError):
            pass

    def close(self) -> None:
        """Close the socket, with a close_notify where TLS ran."""
        if self.sock is None:
            return
        if self.tunnel is not None:
            self.tunnel.finish()
            alert, self.tunnel = self.tunnel.pending(), None
            if alert:
                self.last_words(alert)
        if self.connected:
            self.retransmits = retransmits(self.sock)
        self.sock.close()
        self.sock = None
