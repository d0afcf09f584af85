# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base image: a Debian system made once with debootstrap, configured once, shared by all hosts as lower layer.

Two stages, each cached under a hash of what it is made from: the bare packages, and the configured system on top.
A stage is built under a temporary name and renamed when complete, so that an interrupted build poisons nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import plan, updates
from .shell import LabError, run, say

BASE_DIR = plan.LAB_DIR / "base"
APT_DIR = Path("/etc/apt")


def packages() -> list[str]:
    """Return the package names of base/packages.txt."""
    lines = (BASE_DIR / "packages.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def mirror() -> str:
    """Return the Debian mirror this machine itself uses (MAILOPS_LAB_MIRROR overrides).

    :raises LabError: the apt sources name no Debian archive
    """
    if os.environ.get("MAILOPS_LAB_MIRROR"):
        return os.environ["MAILOPS_LAB_MIRROR"]
    files = [*sorted(APT_DIR.glob("sources.list.d/*")), APT_DIR / "sources.list"]
    for path in files:
        for line in path.read_text(errors="replace").splitlines() if path.is_file() else ():
            found = re.match(r"(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s+)?)(\S+?/debian)/?(?:\s|$)", line)
            if found:
                return found.group(1)
    raise LabError(f"no Debian archive in /etc/apt/sources.list*: set MAILOPS_LAB_MIRROR to one with {plan.SUITE}")


def _hash(parts: list[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()[:12]


def bare_key() -> str:
    """Return the cache key of the bare stage: suite and packages."""
    return _hash([plan.SUITE.encode(), " ".join(packages()).encode()])


def full_key() -> str:
    """Return the cache key of the configured stage: the bare one, set-up script, files, accounts, updates."""
    parts = [bare_key().encode(), repr(sorted(plan.ACCOUNTS.items())).encode(), (BASE_DIR / "setup.sh").read_bytes()]
    parts.append(f"updates {updates.VERSION}".encode())
    for path in sorted((BASE_DIR / "files").rglob("*")):
        if path.is_file():
            parts += [str(path.relative_to(BASE_DIR)).encode(), path.read_bytes()]
    return _hash(parts)


def base_path() -> Path:
    """Return where the configured base of the present recipe lies (or will lie)."""
    return plan.CACHE_DIR / f"base-{full_key()}"


def ensure() -> Path:
    """Build what is missing and return the configured base; a second caller waits for the first."""
    plan.CACHE_DIR.mkdir(parents=True, exist_ok=True)
    with open(plan.CACHE_DIR / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in plan.CACHE_DIR.glob("building-*"):  # we hold the lock: nobody is building these any more
            shutil.rmtree(left, ignore_errors=True)
        bare = _stage(plan.CACHE_DIR / f"bare-{bare_key()}", _debootstrap)
        return _stage(base_path(), lambda target: _configure(bare, target))


def _stage(final: Path, build: Callable[[Path], None]) -> Path:
    if not final.is_dir():
        work = Path(tempfile.mkdtemp(prefix="building-", dir=plan.CACHE_DIR))
        os.chmod(work, 0o755)
        build(work)
        os.rename(work, final)
    return final


def _debootstrap(target: Path) -> None:
    source = mirror()
    say(f"building the bare {plan.SUITE} system from {source} (one to three minutes)")
    wanted = "--include=" + ",".join(packages())
    # In a mount namespace of its own: killed half-way, debootstrap leaves no /proc mounted below the cache.
    build = ["debootstrap", "--variant=minbase", wanted, plan.SUITE, str(target), source]
    run(["unshare", "--mount", *build], timeout=1800)
    shutil.rmtree(target / "var/cache/apt/archives", ignore_errors=True)
    say("bare system built")


def _configure(bare: Path, target: Path) -> None:
    say("configuring the base")
    run(["cp", "-a", "--reflink=auto", f"{bare}/.", str(target)], timeout=600)
    # Not cp -a: the owner of the checkout must not become the owner of /etc inside the image.
    run(["cp", "-r", "--no-preserve=ownership", f"{BASE_DIR / 'files'}/.", str(target)])
    accounts = " ".join(f"{user}:{password}" for user, password in plan.ACCOUNTS.items())
    shutil.copy(BASE_DIR / "setup.sh", target / "root/setup.sh")
    names = {"LAB_ACCOUNTS": accounts, "LAB_DOMAIN": plan.DOMAIN, "LAB_LOGIN": plan.LOGIN_USER}
    run(
        ["chroot", str(target), "/bin/sh", "-e", "/root/setup.sh"],
        timeout=600,
        env={"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **names},
    )
    (target / "root/setup.sh").unlink()
    updates.add(target, plan.SUITE, mirror())
    say("base configured")
