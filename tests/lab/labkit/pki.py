# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own certificate authority, one per checkout; every host gets a good and an expired certificate."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from . import plan
from .shell import run

DAY = 86400
_CONFIG = """
[ca]
default_ca = lab
[lab]
database = {work}/index
serial = {work}/serial
new_certs_dir = {work}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[host]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{name}, IP:{address}
"""


def directory() -> Path:
    """Return where the authority and all certificates lie."""
    return plan.STATE_DIR / "pki"


def ensure(hosts: list[str]) -> None:
    """Make the authority and what is missing of the hosts' certificates; renew what ends within half a year."""
    top = directory()
    top.mkdir(parents=True, exist_ok=True)
    top.chmod(0o700)
    ca = top / "ca.pem"
    if not _good(ca):
        for old in top.glob("*.pem"):
            old.unlink()
        run(
            [
                "openssl",
                "req",
                "-x509",
                "-new",
                "-nodes",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-days",
                "3650",
                "-subj",
                "/CN=mail lab test authority",
                "-keyout",
                str(top / "ca.key"),
                "-out",
                str(ca),
            ]
        )
    for host in hosts:
        if not _good(top / f"{host}.pem"):
            now = time.time()
            _issue(host, top / f"{host}.pem", now - DAY, now + 730 * DAY)
            _issue(host, top / f"{host}.expired.pem", now - 100 * DAY, now - 10 * DAY)


def _good(path: Path) -> bool:
    if not path.exists():
        return False
    command = ["openssl", "x509", "-in", str(path), "-noout", "-checkend", str(180 * DAY)]
    return run(command, check=False).returncode == 0


def _issue(host: str, target: Path, start: float, end: float) -> None:
    """Sign one certificate; "openssl ca" because "openssl x509" of Debian 12 cannot set a start date."""
    top, name = directory(), f"{host}.{plan.DOMAIN}"
    key = top / f"{host}.key"
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        (work / "index").touch()
        (work / "serial").write_text(f"{time.time_ns():x}"[-14:].rjust(16, "1") + "\n")
        (work / "conf").write_text(_CONFIG.format(work=work, name=name, address=plan.address(host)))
        if not key.exists():
            run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(key)])
        run(["openssl", "req", "-new", "-key", str(key), "-subj", f"/CN={name}", "-out", str(work / "csr")])
        stamp = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(moment)) for moment in (start, end)]
        run(
            [
                "openssl",
                "ca",
                "-batch",
                "-notext",
                "-config",
                str(work / "conf"),
                "-extensions",
                "host",
                "-cert",
                str(top / "ca.pem"),
                "-keyfile",
                str(top / "ca.key"),
                "-startdate",
                stamp[0],
                "-enddate",
                stamp[1],
                "-in",
                str(work / "csr"),
                "-out",
                str(work / "crt"),
            ]
        )
        shutil.copy(work / "crt", target)
