# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab host: assemble its root, boot it, enter it, wait until it serves, take it away."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from . import base, client, net, pki, plan, state
from .shell import CLEAN_ENV, LabError, run

BOOT_TIMEOUT = 90.0
# Daemons a vantage host has no use for.
MAIL_UNITS = (
    "postfix.service",
    "postfix@-.service",
    "dovecot.service",
    "dovecot.socket",
    "opendkim.service",
    "unbound.service",
)


def assemble(host: str, lower: Path) -> None:
    """Mount a fresh root for host: the base below, above it a small tmpfs (a full disk stays harmless), own files."""
    top, root = plan.run_dir(host), plan.root_dir(host)
    layer = top / "layer"
    for path in (root, layer):
        path.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", f"size={plan.ROOT_SIZE},mode=755", f"lab-{host}", str(layer)])
    for name in ("upper", "work"):
        (layer / name).mkdir()
    run(
        [
            "mount",
            "-t",
            "overlay",
            f"lab-{host}",
            "-o",
            f"lowerdir={lower},upperdir={layer / 'upper'},workdir={layer / 'work'}",
            str(root),
        ]
    )
    _personalise(host, root)


def _personalise(host: str, root: Path) -> None:
    name = f"{host}.{plan.DOMAIN}"
    (root / "etc/hostname").write_text(name + "\n")
    (root / "etc/mailname").write_text(name + "\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{plan.address(host)} {name} {host}\n")
    (root / "etc/machine-id").write_text(uuid.uuid5(uuid.NAMESPACE_DNS, name).hex + "\n")
    keys = root / "home" / plan.LOGIN_USER / ".ssh/authorized_keys"
    shutil.copy(plan.STATE_DIR / "id_ed25519.pub", keys)
    keys.chmod(0o644)
    if plan.is_vantage(host):
        for unit in MAIL_UNITS:
            link = root / "etc/systemd/system" / unit
            link.unlink(missing_ok=True)
            link.symlink_to("/dev/null")
        return
    for source, target, mode in (
        (f"{host}.pem", "host.pem", 0o644),
        (f"{host}.key", "host.key", 0o600),
        ("ca.pem", "ca.pem", 0o644),
    ):
        shutil.copy(pki.directory() / source, root / "etc/ssl/mail" / target)
        (root / "etc/ssl/mail" / target).chmod(mode)


def boot(host: str) -> None:
    """Start the host's systemd in its network namespace and in control groups of its own; record its processes."""
    groups = plan.cgroup_dirs(host)
    for group in groups:
        group.mkdir(exist_ok=True)
    joins = "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)
    command = [
        "systemd-nspawn",
        "--quiet",
        "--keep-unit",
        "--register=no",
        f"--directory={plan.root_dir(host)}",
        f"--machine={plan.namespace(host)}",
        f"--hostname={host}.{plan.DOMAIN}",
        f"--network-namespace-path=/run/netns/{plan.namespace(host)}",
        "--capability=CAP_NET_ADMIN,CAP_SYS_PACCT",
        "--system-call-filter=acct",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=pipe",
        "--boot",
    ]
    log = open(plan.run_dir(host) / "console.log", "w")
    # Pure version-2 groups inside: only there does systemd notice that the last process of a unit is gone.
    child = subprocess.Popen(
        ["sh", "-c", joins + 'exec "$@"', "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
        env=dict(CLEAN_ENV, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1", SYSTEMD_NSPAWN_TMPFS_TMP="0"),
    )
    log.close()
    leader = _wait_for_leader(host, child)
    state.set_host(
        host,
        nspawn=child.pid,
        nspawn_start=state.start_time(child.pid),
        leader=leader,
        leader_start=state.start_time(leader),
        root=str(plan.root_dir(host)),
        booted=time.time(),
    )


def _wait_for_leader(host: str, child: subprocess.Popen) -> int:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if child.poll() is not None:
            break
        for pid in _children(child.pid):
            if _is_leader(pid):
                return pid
        time.sleep(0.02)
    lines = (plan.run_dir(host) / "console.log").read_text(errors="replace").split("\n")
    child.kill()
    raise LabError(f"{host} does not boot: " + (" | ".join(line for line in lines if line)[-400:] or "no message"))


def running() -> dict[str, int]:
    """Return the nspawn process of each host of this lab, from the process table: right even when the state is lost."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_text(errors="replace").split("\0")
            if words[0].endswith("systemd-nspawn"):
                roots = [word.removeprefix("--directory=") for word in words if word.startswith("--directory=")]
                if roots and Path(roots[0]).parent.parent == plan.RUN_DIR:
                    found[Path(roots[0]).parent.name] = int(path.parent.name)
    return found


def _recorded(host: str) -> dict:
    """Return the host's record; when its processes are not on record, look for them."""
    record = state.load()["hosts"].get(host, {})
    if not state.alive(record, "nspawn") and host in running():
        record = {"nspawn": running()[host]}
        leaders = [pid for pid in _children(record["nspawn"]) if _is_leader(pid)]
        record.update({"leader": leaders[0]} if leaders else {})
        record.update({key + "_start": state.start_time(pid) for key, pid in list(record.items())})
    return record


def _is_leader(pid: int) -> bool:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        return f"\nNSpid:\t{pid}\t1\n" in status and status.startswith("Name:\tsystemd\n")
    return False


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def leader(host: str) -> int:
    """Return the pid (as the machine counts) of the host's process 1.

    :raises LabError: the host does not run
    """
    record = state.load()["hosts"].get(host, {})
    if not state.alive(record, "leader"):
        raise LabError(f"{host} is not running (lab.py status; lab.py up)")
    return record["leader"]


def enter(host: str, command: Sequence[str], check: bool = False, timeout: float = 60, stdin: str | None = None):
    """Run a command as root inside host, past its network: it works whatever is broken there."""
    pid = leader(host)
    wrapped = ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", "env", "-i"]
    wrapped += [f"{key}={value}" for key, value in CLEAN_ENV.items()]
    return run([*wrapped, *command], check=check, timeout=timeout, stdin=stdin)


def wait_ready(host: str, timeout: float = BOOT_TIMEOUT) -> None:
    """Wait until every service of host really speaks, seen from the controller.

    Order matters: an smtpd that is asked before the milter or the SASL socket answer is throttled for a minute.

    :raises LabError: not within timeout seconds; the text says which service said what
    """
    steps = ["ssh"] if plan.is_vantage(host) else ["ssh", "imap", "pop3", "milter", "smtp", "submission"]
    end, answer = time.monotonic() + timeout, ""
    for step in steps:
        while True:
            answer = _speaks(host, step)
            if answer == "ok":
                break
            if time.monotonic() > end:
                raise LabError(f"{host}: {step} not ready after {timeout:g} s: {answer}")
            if not state.alive(state.load()["hosts"].get(host, {}), "leader"):
                raise LabError(f"{host} died while booting: see {plan.run_dir(host)}/console.log")
            time.sleep(0.05)


def _speaks(host: str, step: str) -> str:
    if step == "milter":
        ready = net.in_namespace(plan.namespace(host), _milter_listens) and (
            (plan.root_dir(host) / "var/spool/postfix/private/auth").exists()
        )
        return "ok" if ready else "milter or SASL socket missing"
    where = plan.CONTROLLER if not plan.is_vantage(host) else plan.ROUTER
    address = plan.address(host)
    if step in ("smtp", "submission"):
        return net.in_namespace(
            plan.namespace(where),
            lambda: client.probe(address, step, "probe", plan.ACCOUNTS["probe"], f"probe@{host}.{plan.DOMAIN}"),
        )
    return net.in_namespace(plan.namespace(where), lambda: client.banner(address, step))


def _milter_listens() -> bool:
    try:
        client.Dialogue("127.0.0.1", 8891, 1.0).sock.close()
    except client.Bad:
        return False
    return True


def kill(host: str) -> None:
    """End host at once, as a power cut would, and remove its root; harmless when there is none."""
    record = _recorded(host)
    for group in plan.cgroup_dirs(host):
        thaw = group / "freezer.state"
        if thaw.exists():
            thaw.write_text("THAWED")
    _thaw_volumes(record)
    for which in ("leader", "nspawn"):
        if state.alive(record, which):
            os.kill(record[which], signal.SIGKILL)
            _wait_gone(record, which)
            if which == "leader" and state.alive(record, "nspawn"):
                _wait_gone(record, "nspawn", 2.0)
    for path in (plan.root_dir(host), plan.run_dir(host) / "layer"):
        while os.path.ismount(path):
            run(["umount", "--lazy", str(path)])
    shutil.rmtree(plan.run_dir(host), ignore_errors=True)
    for group in plan.cgroup_dirs(host):
        _remove_group(group)
    state.set_host(host, leader=None, leader_start=None, nspawn=None, nspawn_start=None, booted=None)


def _thaw_volumes(record: dict) -> None:
    """Let a frozen volume of the host go on: who waits for it cannot even be killed."""
    if not state.alive(record, "leader"):
        return
    table = Path(f"/proc/{record['leader']}/mounts").read_text(errors="replace")
    for line in table.splitlines():
        if line.startswith("/dev/volume "):
            inside = ["nsenter", "-t", str(record["leader"]), "-m", "--"]
            run([*inside, "fsfreeze", "--unfreeze", line.split()[1]], check=False, timeout=10)


def power_cut(host: str) -> None:
    """End host at once, as a power cut would, and boot it again on the root that it had."""
    record = _recorded(host)
    for which in ("leader", "nspawn"):
        if state.alive(record, which):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record[which], signal.SIGKILL)
            _wait_gone(record, which)
    # What a kernel has in its memory goes with it; this one's stays in the namespace.
    run(["ip", "netns", "exec", plan.namespace(host), "nft", "flush", "ruleset"])
    boot(host)


def _wait_gone(record: dict, which: str, timeout: float = 10.0) -> None:
    end = time.monotonic() + timeout
    while state.alive(record, which) and time.monotonic() < end:
        with contextlib.suppress(ChildProcessError, OSError):
            os.waitpid(record[which], os.WNOHANG)  # ours when this very process started it
        time.sleep(0.01)


def _remove_group(group: Path) -> None:
    for inner, dummy_folders, dummy_files in os.walk(group, topdown=False):
        for dummy in range(50):
            try:
                os.rmdir(inner)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)  # the last processes are still being reaped


def start(host: str) -> None:
    """Assemble and boot host and wait until it serves."""
    assemble(host, base.base_path())
    boot(host)
    wait_ready(host)
