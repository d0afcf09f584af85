# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS for looking, not for trusting: no verification, and old versions where the local library still can.

A probe that insisted on today's versions would call an old but working server dead.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import hashlib
import ssl
import warnings

from ansible_collections.mailops.triage.plugins.module_utils._probe.der import DerError, certificate
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

# SSL_OP_LEGACY_SERVER_CONNECT: servers without RFC 5746. The ssl module names it only since Python 3.12.
_LEGACY_SERVER = 0x4


def make_context() -> ssl.SSLContext:
    """A client context that accepts any certificate. Make one per sweep: it is the dear part of a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        # No anonymous ciphers: a server that knows them (Postfix) would then show no certificate.
        context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    except ssl.SSLError:
        # A library without security levels (before OpenSSL 1.1) has nothing to lower.
        context.set_ciphers("ALL:!aNULL:!eNULL")
    context.options |= _LEGACY_SERVER
    with warnings.catch_warnings():
        # Python warns of old versions, rightly for everything but a probe.
        warnings.simplefilter("ignore")
        context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
        versions = getattr(ssl, "TLSVersion", None)
        # Python 3.6 has no such attribute, and no minimum of its own either.
        attribute = "minimum_version"
        if versions is not None and hasattr(context, attribute):
            try:
                setattr(context, attribute, versions.TLSv1)
            except (ValueError, ssl.SSLError):
                # Built without it: then the least that the library has.
                setattr(context, attribute, versions.MINIMUM_SUPPORTED)
    return context


def reason(error: ssl.SSLError) -> str:
    """The library's reason in words."""
    named = getattr(error, "reason", None)
    return clean(named.replace("_", " ").lower() if named else error, 120)


class Tunnel:
    """One TLS session over two memory buffers; the caller moves the bytes."""

    __slots__ = ("_object", "_incoming", "_outgoing")

    def __init__(self, context: ssl.SSLContext, server_name):
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        try:
            self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        except ValueError:
            # A name that cannot go into server_name (UnicodeError is a ValueError too): do without.
            self._object = context.wrap_bio(self._incoming, self._outgoing)

    def handshake(self) -> bool:
        """Go on with the handshake; True when it is complete. Raises ssl.SSLError."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def feed(self, data: bytes) -> None:
        """Take bytes that came from the network."""
        self._incoming.write(data)

    def pending(self) -> bytes:
        """The bytes that must go to the network."""
        return self._outgoing.read()

    def read(self):
        """Decrypted bytes, b"" at the peer's end of the session, None when more must come. Raises ssl.SSLError."""
        try:
            return self._object.read(16384)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return b""

    def write(self, data: bytes) -> None:
        """Encrypt; collect the result with pending()."""
        self._object.write(data)

    def finish(self) -> None:
        """Say goodbye (close_notify), without waiting for the answer."""
        try:
            self._object.unwrap()
        except (ssl.SSLError, OSError, ValueError):
            pass

    def describe(self) -> str:
        """Version and cipher."""
        cipher = self._object.cipher()
        return clean("%s %s" % (self._object.version(), cipher[0] if cipher else ""), 80)

    def peer(self) -> bytes:
        """The server's certificate in DER; empty when it showed none."""
        return self._object.getpeercert(True) or b""


def describe_certificate(data: bytes, known: dict):
    """The contract's certificate record, None without a certificate.

    :param known: cache by DER; a fleet often shares one certificate
    """
    if not data:
        return None
    if data not in known:
        try:
            known[data] = certificate(data)
        except DerError as error:
            known[data] = {
                "not_before": None,
                "not_after": None,
                "subject": "",
                "issuer": "",
                "names": [],
                "serial": "",
                "sha256": hashlib.sha256(data).hexdigest(),
                "self_signed": False,
                "error": str(error),
            }
    return known[data]
