# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of an update that need no package manager: choice, room, memory, the work that goes on, stale files."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._aid import busy
from ansible_collections.mailops.triage.plugins.module_utils._aid.state import StateError
from ansible_collections.mailops.triage.plugins.module_utils._facts import procfs
from ansible_collections.mailops.triage.plugins.module_utils._update import (
    apt,
    choice,
    dnf,
    leftovers,
    outcome,
    room,
    usage,
    work,
)
from ansible_collections.mailops.triage.plugins.module_utils._update.job import Job, JobError
from ansible_collections.mailops.triage.plugins.module_utils._update.memory import Memory
from ansible_collections.mailops.triage.plugins.module_utils._update.parts import Installed, Move, Pending, Sizes

ASKED = {"select": "security", "only": None, "exclude": []}
INSTALLED = {
    name: Installed(version, "amd64", 1 << 20, name == "redis", "")
    for name, version in (("libssl3", "1.0"), ("mutt", "1.0"), ("redis", "1.0"), ("vim", "2.0"))
}
PENDING = [
    Pending("libssl3", "amd64", "1.0", "1.2", "main", True, False, ("1.1", "security")),
    Pending("mutt", "amd64", "1.0", "1.1", "main", False, False, None),
    Pending("redis", "amd64", "1.0", "1.1", "security", True, True, ("1.1", "security")),
]


def chosen(**asked):
    """(package to version, remarks)."""
    found, notes = choice.choose(PENDING, dict(ASKED, **asked), {"libssl3"}, INSTALLED)
    return {one.package: one.candidate for one in found}, notes


def test_a_long_list_is_cut_where_a_night_cuts_it_and_says_so():
    many = [Pending(f"p{number:04}", "amd64", "1", "2", "main", False, False, None) for number in range(2003)]
    users = dict.fromkeys((one.package for one in many), ())
    answer = outcome.empty("apt")
    assert outcome.pending(answer, many[:2000], set(), users) == []
    assert (len(answer["pending"]), answer["pending_more"]) == (2000, 0)
    assert outcome.pending(answer, many, {"p2002"}, users) == ["3 more packages are pending than are listed"]
    assert (len(answer["pending"]), answer["pending_more"]) == (2000, 3)
    assert answer["pending"][0]["package"] == "p2002"


def test_what_is_meant():
    assert chosen() == ({"libssl3": "1.1"}, ["redis is on hold and stays at 1.0"])
    assert chosen(select="all")[0] == {"libssl3": "1.2", "mutt": "1.1"}
    assert chosen(select="mail") == ({"libssl3": "1.2"}, [])
    assert chosen(select="all", exclude=["lib*"])[0] == {"mutt": "1.1"}


def test_frozen_versions():
    only = {"libssl3": "1.1", "vim": "1.9", "mutt": "1.0", "missing": "3.0", "redis": "1.1"}
    found, notes = chosen(only=only)
    assert found == {"libssl3": "1.1"}
    assert notes == ["redis is on hold and stays at 1.0", "vim stays at 2.0, which is newer than 1.9"]
    # What no list has any more is asked for all the same: the package manager says that it is gone.
    assert chosen(only={"vim": "2.1"})[0] == {"vim": "2.1"}
    shown = choice.shown(PENDING, dict(ASKED, only=only), set(), INSTALLED)
    assert {one.package: one.candidate for one in shown} == {"libssl3": "1.1", "redis": "1.1", "vim": "1.9"}


@pytest.mark.parametrize(
    "only", [{"-o": "1"}, {"a b": "1"}, {"vim": "--x"}, {"vim": "1;id"}, {"vim": ""}, {"vim": None}, {"vim": 1.1}]
)
def test_what_cannot_be_a_version(only):
    assert "not a package with its version" in choice.wrong(only)
    assert choice.wrong({"g++": "4:12.2.0-3", "libc6:i386": "2.36-9+deb12u10", "a.i686": "1.0-2~x^3_4"}) == ""


def test_who_serves_mail():
    assert choice.on_mail_path("libssl3", set()) and choice.on_mail_path("dovecot-core", set())
    assert choice.on_mail_path("libexpat1", {"ssh.service", "postfix@-.service"})
    assert not choice.on_mail_path("libexpat1", {"ssh.service"}) and not choice.on_mail_path("linux-image-x", set())


def test_room_is_looked_for_on_each_file_system(tmp_path):
    free = os.statvfs(tmp_path)
    found = room.judge({str(tmp_path / "archives" / "partial"): 1, "/proc": 0})
    assert found["enough"] and found["missing"] == 0 and os.path.ismount(found["where"])
    much = free.f_blocks * free.f_frsize
    found = room.judge({str(tmp_path): much})
    assert not found["enough"] and found["missing"] >= much - found["available"]
    assert room.judge({})["enough"]
    moves = [Move("libssl3", "amd64", "1.0", "1.1"), Move("linux-image-6.1.0-44-amd64", "amd64", None, "6.1")]
    places, unpack = room.needed(Sizes(100, 200, [3 << 20, 5 << 20]), moves, INSTALLED, "/a", "/b")
    # Growth, and the largest once more: its new files lie beside the old ones.
    assert unpack == (8 - 1 + 5) << 20
    assert places["/a"] == 100 and places["/b"] == 200 and places["/usr"] > unpack and places["/boot"] > 100 << 20


def test_the_first_versions_of_a_run_are_remembered(tmp_path):
    memory = Memory(str(tmp_path / "state"))
    assert memory.read() is None
    first = memory.begin("night-1", "applied", "apt", {"a": "1", "new": None}, {"a": "2"})
    assert memory.read() == first and first["told"] is False
    again = memory.begin("night-1", "applied", "apt", {"a": "2", "b": "5"}, {"b": "6"})
    assert again["before"] == again["moved"] == {"a": "1", "b": "5", "new": None}
    assert again["wanted"] == {"a": "2", "b": "6"}
    back = memory.begin("night-1", "rolled_back", "apt", {"a": "3"}, {"a": "1"})
    assert back["before"]["a"] == "1" and back["moved"] == {"a": "3"}
    installed = {"a": Installed("1", "all", 0, False, "")}
    assert outcome.changes(back, installed) == [{"package": "a", "from": "3", "to": "1"}]
    assert memory.begin("night-2", "applied", "apt", {"a": "1"}, {})["before"] == {"a": "1"}
    (tmp_path / "state" / "update.json").write_text("{}")
    assert memory.read() is None


def test_what_is_not_ours_alone_is_no_memory(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    with pytest.raises(StateError):
        Memory(str(tmp_path / "state")).begin("night-1", "applied", "apt", {}, {})


@pytest.fixture
def job(tmp_path):
    """Work without systemd, in a directory of the test."""
    return Job(str(tmp_path / "a job's"), systemd=str(tmp_path / "none"))


def test_work_goes_on_to_its_end(job):
    job.begin([[["echo", "it's one"]], [["false"], ["sh", "-c", "echo two >&2"]]], [["echo", "last"]])
    assert job.wait(30) and not job.runs() and job.result() == 0
    assert job.log().splitlines() == [
        "+ echo it's one",
        "it's one",
        "+ false",
        "+ sh -c echo two >&2",
        "two",
        "+ echo last",
        "last",
    ]


def test_the_first_step_that_fails_ends_it_and_the_last_is_done(job):
    job.begin(
        [[["sh", "-c", "exit 7"], ["sh", "-c", "printf '5%%\\r50%%\\rE: broken\\n'; exit 9"]], [["echo", "never"]]],
        [["echo", "last"]],
    )
    assert job.wait(30) and job.result() == 9
    log = job.log()
    assert "\nE: broken\n" in log and log.endswith("\nlast") and "+ echo never" not in log
    assert outcome.trouble(job, [], []) == ("failed", "E: broken")
    assert outcome.trouble(job, [{"package": "a", "state": "unpacked"}], [])[0] == "half_configured"


def test_the_words_of_a_script_that_fails_are_told(job, tmp_path):
    """The lines are dpkg's own, from a real host."""
    (tmp_path / "log").write_text(
        "Setting up mail-policy (1.1) ...\n"
        "the policy is sick\n"
        "dpkg: error processing package mail-policy (--configure):\n"
        " installed mail-policy package post-installation script subprocess returned error exit status 1\n"
        "Errors were encountered while processing:\n mail-policy\n"
        "E: Sub-process /usr/bin/dpkg returned an error code (1)\n"
    )
    job.begin([[["sh", "-c", f"cat {tmp_path}/log; exit 100"]]])
    assert job.wait(30)
    code, why = outcome.trouble(job, [{"package": "mail-policy", "state": "half-configured"}], [])
    assert code == "half_configured"
    assert why.startswith("not completely installed: mail-policy (half-configured). the policy is sick; dpkg: error")


def test_who_is_told_to_end_goes_on_and_who_is_killed_has_no_result(job, tmp_path):
    gate = tmp_path / "gate"
    job.begin([[["sh", "-c", f"while [ ! -e '{gate}' ]; do sleep 0.02; done"]], [["echo", "done"]]])
    pid = int((tmp_path / "a job's" / "pid").read_text().split()[0])
    assert job.runs() and not job.wait(0) and job.result() is None
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGHUP)
    assert job.runs()
    gate.touch()
    assert job.wait(30) and job.result() == 0
    gate.unlink()
    job.begin([[["sh", "-c", f"while [ ! -e '{gate}' ]; do sleep 0.02; done"]]])
    pid = int((tmp_path / "a job's" / "pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    assert job.wait(30) and job.result() is None
    gate.touch()
    assert outcome.trouble(job, [], [])[0] == "interrupted"


def test_a_number_that_somebody_else_has_by_now_is_no_work(job, tmp_path):
    (tmp_path / "a job's").mkdir()
    (tmp_path / "a job's" / "pid").write_text(f"{os.getpid()} 1\n")
    assert not job.runs()
    (tmp_path / "a job's" / "pid").write_text("../../x\n")
    assert not job.runs()


def test_work_that_cannot_be_begun(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JobError, match="file"):
        Job(str(tmp_path / "file" / "x"), systemd=str(tmp_path / "none")).begin([[["true"]]])


def test_a_process_on_a_replaced_library_is_seen(tmp_path):
    library = tmp_path / "libmail.so.1"
    source = next(line.split()[-1] for line in open("/proc/self/maps") if "libc.so" in line)
    shutil.copy(source, library)
    script = f"import ctypes, sys; ctypes.CDLL({str(library)!r}); print(flush=True); sys.stdin.read()"
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        before = usage.Usage()
        assert str(library) in before.users and not any(str(library) in files for files in before.stale.values())
        library.unlink()
        after = usage.Usage()
        assert any(str(library) in files for files in after.stale.values()) and after.whole
        child.stdin.close()


def processes(tmp_path, *rows):
    """A proc file system with some processes: (pid, parent, name, unit, start in ticks, what it has loaded)."""
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "self/root").symlink_to("/")
    for pid, parent, name, unit, started, loaded in rows:
        folder = proc / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} ({name}) S {parent}" + " 0" * 17 + f" {started} 0 0 0")
        (folder / "cmdline").write_text(f"/usr/lib/postfix/sbin/{name}\0-w\0")
        (folder / "cgroup").write_text(f"0::/system.slice/{unit}\n")
        (folder / "maps").write_text(f"7f0 r-xp 00000000 08:01 4711          {loaded}\n7f1 rw-p 00000000 00:00 0 \n")
        (folder / "exe").symlink_to(f"/usr/lib/postfix/sbin/{name}")
        (folder / "root").symlink_to("/")
    return str(proc)


def test_a_backup_does_not_keep_the_way_back_away(tmp_path):
    rows = [(40, 1, "restic", "backup.service", 1, "/x"), (41, 1, "dnf", "dnf.service", 1, "/x")]
    proc = processes(tmp_path, *rows)
    assert busy.backup({process.name for process in procfs.scan(proc).values()})
    assert work.not_backups(proc) == {"dnf"}


def test_a_kernel_that_lies_beside_the_one_before_is_no_aim_of_the_way_back(tmp_path):
    versions = {"kernel-core": "5.14.0-503.el9", "postfix": "2:3.5.9-24.el9"}
    asked = {"state": "rolled_back", "only": versions, "guard": {"run": "night-1"}, "time_limit": 10}
    one = work.Update(asked, dnf.Dnf(), None, folder=str(tmp_path))
    there = {name: Installed("9", "x86_64", 0, False, "") for name in versions}
    assert one._targets(there) == {"postfix": "2:3.5.9-24.el9"}
    assert one.record.notes == ["kernel-core 5.14.0-503.el9 is still there beside the newer one, which stays"]
    assert versions["kernel-core"], "what was asked is not changed"
    one = work.Update(asked, apt.Apt(), None, folder=str(tmp_path))
    assert set(one._targets(there)) == set(versions) and one.record.notes == []


def test_postfix_is_old_when_its_libraries_are_newer_than_its_master(tmp_path):
    tick = procfs.CLOCK_TICKS
    proc = processes(
        tmp_path, (40, 1, "master", "system-postfix.slice/postfix@-.service", 1000 * tick, "/usr/lib/libc.so.6")
    )
    began = procfs.boot_time(proc) + 1000
    found = usage.Usage(proc)
    assert found.verdict(began + 60)["restarts"] == ["postfix@-.service"]
    assert found.verdict(began - 60)["restarts"] == [] == found.verdict(None)["restarts"]


def test_the_connection_by_which_we_came_does_not_count(tmp_path):
    old = "/usr/lib/libssl.so.3 (deleted)"
    rows = [(10, 1, "sshd", "ssh.service", 1, old), (20, 10, "sshd", "session-1.scope", 2, old)]
    rows += [(30, 20, "python3", "session-1.scope", 3, old), (31, 1, "unbound", "unbound.service", 3, old)]
    rows += [(40, 10, "sshd", "session-2.scope", 4, old)]
    found = usage.Usage(processes(tmp_path, *rows), pid=30)
    assert set(found.stale) == {"ssh.service", "unbound.service", "session-2.scope"}
    assert found.users_of(["/lib/libssl.so.3"]) == {"ssh.service", "unbound.service", "session-2.scope"}
    # Where sessions have no unit of their own, the daemon itself still counts.
    (tmp_path / "more").mkdir()
    plain = [(10, 1, "sshd", "ssh.service", 1, old), (20, 10, "python3", "ssh.service", 2, "/usr/lib/x.so (deleted)")]
    found = usage.Usage(processes(tmp_path / "more", *plain), pid=20)
    assert found.stale == {"ssh.service": {"/usr/lib/libssl.so.3"}}


def test_units_are_sorted_by_who_may_restart_them():
    found = usage.Usage()
    found.processes = {}
    names = ("postgrey.service", "dbus.service", "init.scope", "ssh.service", "session-3.scope", "", "user@0.service")
    found.stale = {name: {"/usr/lib/libx.so"} for name in names}
    assert found.verdict(time.time()) == {
        "restarts": ["postgrey.service"],
        "advised": ["dbus.service", "init.scope"],
        "left": ["processes of no unit", "session-3.scope", "ssh.service", "user@0.service"],
    }


def test_configuration_that_was_not_taken(tmp_path):
    for name in ("dovecot/a.conf", "dovecot/a.conf.dpkg-dist", "b.rpmnew", "c.dpkg-old"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = leftovers.configuration(str(tmp_path))
    assert [path[len(str(tmp_path)) :] for path in found] == ["/b.rpmnew", "/dovecot/a.conf.dpkg-dist"]
