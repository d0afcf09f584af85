# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: a ticket system that nobody vouches for gets no token."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.mailops.triage.plugins.plugin_utils._ticket import answers, client
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.address import address
from ansible_collections.mailops.triage.plugins.plugin_utils._ticket.exchange import Trouble
from ansible_collections.mailops.triage.tests.unit.plugins.plugin_utils.ticket import desk as desks

ANSWER = answers.build({"auth": "bearer", "create": [{"method": "POST", "path": "/c"}]}, "test")
ONCE = client.Patience(0, 30.0)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A key, and a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tickets.example.test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    return folder / "cert.pem", folder / "key.pem"


def test_only_who_is_vouched_for_gets_the_token(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    desk = desks.Desk(lambda asked: (201, None), context)
    try:
        assert desk.url.startswith("https:")
        with pytest.raises(Trouble, match=r"(?i)certificate"):
            client.deliver(ANSWER, address(desk.url, token=desks.TOKEN), desks.letter(ANSWER), ONCE)
        assert desk.asked == []
        trusting = address(desk.url, token=desks.TOKEN, ca_path=str(cert))
        assert client.deliver(ANSWER, trusting, desks.letter(ANSWER), ONCE).comment == "created"
        assert desk.asked[0].headers["authorization"] == f"Bearer {desks.TOKEN}"
    finally:
        desk.close()
