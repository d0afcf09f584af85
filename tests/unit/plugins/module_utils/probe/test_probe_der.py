# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate parser against certificates that openssl made."""

from __future__ import annotations

import re
import ssl

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._probe.der import DerError, certificate
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.probe.stubs import FIXTURES


def der(name: str) -> bytes:
    text = (FIXTURES / f"{name}.pem").read_text(encoding="ascii")
    pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    return ssl.PEM_cert_to_DER_cert(pem.group(0))


def test_all_fields():
    # As "openssl x509 -noout -dates -serial -fingerprint -sha256 -ext subjectAltName" shows them.
    assert certificate(der("good")) == {
        "not_before": 1577836800,
        "not_after": 3155857445,
        "subject": "CN=mail1.example.org, O=Beispiel G\u00e4rtnerei",
        "issuer": "CN=Example Test CA, O=Example Trust",
        "names": ["mail1.example.org", "imap.example.org", "192.0.2.11", "2001:db8::11"],
        "serial": "1a2b3c4d5e71",
        "sha256": "5d54cb2f1f9de954baaa8d60e74e93dd00320e710468f9076c536f5b3eed6ce5",
        "self_signed": False,
    }


def test_expired_and_self_signed():
    found = certificate(der("expired"))
    assert (found["not_before"], found["not_after"]) == (1551441600, 1559390400)
    assert found["self_signed"] is True
    assert found["names"] == []


def test_first_version_without_extensions():
    found = certificate(der("legacy"))
    assert found["subject"] == found["issuer"] == "CN=legacy.example.org"
    assert found["serial"] == "36c32502d259913a85e892485d92d277eb1ef155"


def test_same_name_but_another_key_is_not_self_signed():
    assert certificate(der("ca"))["self_signed"] is True
    found = certificate(der("rekeyed"))
    assert found["subject"] == found["issuer"]
    assert found["self_signed"] is False


def test_hostile_name_is_inert_text():
    subject = certificate(der("hostile"))["subject"]
    assert subject.startswith("CN={{ lookup('pipe','id') }}<script>")
    assert subject.isprintable()


@pytest.mark.parametrize("name", ["good", "legacy", "ca"])
def test_cut_off_anywhere(name):
    whole = der(name)
    for length in range(len(whole)):
        with pytest.raises(DerError):
            certificate(whole[:length])


def test_damaged_anywhere_never_worse_than_der_error():
    whole = der("good")
    for at in range(len(whole)):
        for value in (0x00, 0x30, 0x84, 0xFF):
            damaged = whole[:at] + bytes([value]) + whole[at + 1 :]
            try:
                found = certificate(damaged)
            except DerError:
                continue
            assert found["subject"].isprintable()


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x80", b"\x30\x00", b"not a certificate", b"\xff" * 64])
def test_not_a_certificate(data):
    with pytest.raises(DerError):
        certificate(data)
