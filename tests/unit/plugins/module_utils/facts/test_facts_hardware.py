# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hardware: what each source says when it is there, when it is not, and when it cannot be asked."""

from __future__ import annotations

import json
import sqlite3
import struct
import time
from pathlib import Path

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import context as shared
from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    hardware,
    hardware_boot,
    hardware_disks,
    hardware_links,
    hardware_memory,
    hardware_raid,
    hardware_sensors,
    hardware_storage,
)
from ansible_collections.mailops.triage.plugins.module_utils._facts.procfs import Process
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    HOSTILE,
    Quiet,
    data,
    result,
    text,
)


def plant(top: Path, files: dict[str, str]) -> None:
    """Make small files below a directory."""
    for name, content in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="utf-8")


@pytest.fixture
def bare(tmp_path: Path) -> Quiet:
    """A host with an empty /sys."""
    (tmp_path / "sys/block").mkdir(parents=True)
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    return Quiet(root=str(tmp_path), proc=str(tmp_path / "proc"))


def test_no_such_hardware_is_an_answer(bare: Quiet) -> None:
    looks = (
        hardware_raid.collect,
        hardware_memory.edac,
        hardware_memory.rasdaemon,
        hardware_sensors.collect,
        hardware_links.collect,
        hardware_disks.collect,
    )
    for look in looks:
        found = look(bare)
        assert found["status"] == "absent" and found["why"]
    assert bare.asked == []  # nothing is started for what is not there


def test_what_cannot_be_looked_at_is_not_absent(tmp_path: Path) -> None:
    nowhere = Quiet(root=str(tmp_path), proc=str(tmp_path))
    for look, key in (
        (hardware_raid.collect, "arrays"),
        (hardware_disks.collect, "devices"),
        (hardware_links.collect, "interfaces"),
    ):
        found = look(nowhere)
        assert (found["status"], found[key]) == ("unseen", None)


def test_a_source_that_fails_does_not_take_the_others_with_it(bare: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(dummy: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(hardware, "_SOURCES", (("raid", hardware_raid.collect), ("memory", broken), ("disks", broken)))
    found = hardware.collect(bare)
    assert found["raid"]["status"] == "absent"
    assert found["memory"] is None and found["disks"] is None
    assert any("Input/output error" in note for note in bare.notes("hardware"))


# --- arrays


def test_mdstat() -> None:
    first, second, third, fourth = hardware_raid.parse_mdstat(text("mdstat.txt"))
    assert (first["name"], first["level"], first["missing"], first["redundancy_left"]) == ("md0", "raid1", 1, 0)
    assert [member["device"] for member in first["failed"]] == ["sdb1"] and first["members"] == ["sda1"]
    assert (second["level"], second["missing"], second["redundancy_left"]) == ("raid5", 1, 0)
    assert second["recovery"] == {"action": "recovery", "percent": 12.6, "waits": False}
    assert (third["level"], third["missing"], third["redundancy_left"], third["spares"]) == ("raid6", 0, 2, ["sdk1"])
    assert third["recovery"] == {"action": "resync", "percent": 0.0, "waits": True}
    assert (fourth["state"], fourth["level"], fourth["missing"]) == ("inactive", None, None)


def test_md_in_sysfs_is_completed_by_mdstat(bare: Quiet) -> None:
    md = "sys/block/md0/md/"
    plant(
        Path(bare.root),
        {
            md + "level": "raid1",
            md + "raid_disks": "2",
            md + "degraded": "1",
            md + "array_state": "clean",
            md + "sync_action": "recover",
            md + "sync_completed": "500 / 2000",
            md + "dev-sda1/state": "in_sync",
            md + "dev-sdb1/state": "faulty,write_error",
            "proc/mdstat": text("mdstat.txt"),
        },
    )
    found = {array["name"]: array for array in hardware_raid.collect(bare)["arrays"]}
    assert sorted(found) == ["md0", "md1", "md127", "md2"]
    assert found["md0"]["recovery"] == {"action": "recovery", "percent": 25.0, "waits": False}
    assert (found["md0"]["state"], found["md0"]["redundancy_left"]) == ("clean", 0)


def test_the_failed_member_gets_its_serial_number(bare: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    array = hardware_raid.parse_mdstat(text("mdstat.txt"))[0]
    disk = {**hardware_disks.unread("/dev/sdb", "read"), "serial": "ZC15LAB1", "model": "ST4000"}
    sources = (
        ("raid", lambda dummy: {"status": "present", "why": "", "arrays": [array]}),
        ("disks", lambda dummy: {"status": "present", "why": "", "devices": [disk]}),
    )
    monkeypatch.setattr(hardware, "_SOURCES", sources)
    assert hardware.collect(bare)["raid"]["arrays"][0]["failed"] == [
        {"device": "sdb1", "serial": "ZC15LAB1", "model": "ST4000"}
    ]


@pytest.mark.parametrize(
    ("member", "whole", "same"),
    [
        ("sda", "/dev/sda", True),
        ("sda1", "/dev/sda", True),
        ("sdab1", "/dev/sda", False),
        ("sdab1", "/dev/sdab", True),
        ("nvme1n1", "/dev/nvme1", True),
        ("nvme1n1p2", "/dev/nvme1n1", True),
        ("nvme10n1", "/dev/nvme1", False),
        ("nvme1n10p1", "/dev/nvme1n1", False),
        ("mmcblk0p1", "/dev/mmcblk0", True),
        ("mmcblk01", "/dev/mmcblk0", False),
    ],
)
def test_a_disk_is_not_the_one_whose_name_begins_the_same(member: str, whole: str, same: bool) -> None:
    found = {
        "raid": {"arrays": [{"failed": [{"device": member, "serial": None, "model": None}]}]},
        "disks": {"devices": [{"device": whole, "serial": "ZC15LAB1", "model": "ST4000"}]},
    }
    hardware._name_failed_members(found)
    assert found["raid"]["arrays"][0]["failed"][0]["serial"] == ("ZC15LAB1" if same else None)


# --- disks


def test_a_failing_ata_disk() -> None:
    disk = hardware_disks.parse("/dev/sda", data("smartctl-ata-failing.json"))
    assert (disk["answer"], disk["passed"], disk["serial"]) == ("read", False, "ZC15LAB1")
    assert disk["says"] == ["failing", "prefail_now", "error_log", "selftest_failed"]
    assert disk["failing"] == ["Reallocated_Sector_Ct"]  # what failed in the past does not fail now
    assert (disk["reallocated"], disk["pending"], disk["uncorrectable"]) == (3987, 512, 512)
    assert (disk["errors_logged"], disk["temperature"], disk["power_on_hours"]) == (83, 41, 36041)


def test_a_worn_nvme_disk_and_a_scsi_disk() -> None:
    nvme = hardware_disks.parse("/dev/nvme0", data("smartctl-nvme-critical.json"))
    assert (nvme["critical_warning"], nvme["media_errors"], nvme["percentage_used"]) == (4, 12, 103)
    assert (nvme["available_spare"], nvme["available_spare_threshold"]) == (8, 10)
    scsi = hardware_disks.parse("/dev/bus/0", data("smartctl-scsi.json"))
    assert (scsi["model"], scsi["passed"], scsi["grown_defects"]) == ("SEAGATE ST600MM0088", True, 143)


@pytest.mark.parametrize(
    ("out", "answer"),
    [
        (data("smartctl-none.json"), "unsupported"),
        (data("smartctl-standby.json"), "standby"),
        (b"", "failed"),
        (b"[1, 2", "failed"),
        (b"[]", "failed"),
        (b'{"smartctl": {"exit_status": "0"}}', "failed"),
        (b'{"smartctl": {"exit_status": 2}}', "failed"),
    ],
)
def test_disks_that_cannot_be_judged(out: bytes, answer: str) -> None:
    disk = hardware_disks.parse("/dev/sdx", out)
    assert (disk["answer"], disk["passed"], disk["says"]) == (answer, None, [])


def test_disks_are_asked_once_gently_and_in_time(bare: Quiet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_disks._run, "find_program", lambda name: "/usr/sbin/" + name)
    plant(tmp_path, {f"sys/block/{name}/device/model": "ST4000" for name in ("sda", "sdb", "nvme0n1")})
    plant(tmp_path, {"sys/block/sdc/device/vendor": "QEMU", "sys/block/vda/size": "1", "sys/block/loop0/size": "1"})
    bare.answers = {"smartctl --scan": result('{"devices": []}'), "smartctl": result(rc=None, status="timeout")}
    found = hardware_disks.collect(bare)["devices"]
    assert [disk["device"] for disk in found] == ["/dev/nvme0", "/dev/sda", "/dev/sdb"]
    assert {disk["answer"] for disk in found} == {"timeout"}
    asked = [command for command in bare.asked if "--scan" not in command]
    assert all(command[2:4] == ["-n", "standby"] for command in asked)
    assert not any("-t" in command for command in asked)


def test_disks_behind_a_controller(bare: Quiet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_disks._run, "find_program", lambda name: "/usr/sbin/" + name)
    plant(tmp_path, {"sys/block/sda/device/model": "PERC H730"})
    scanned = {"devices": [{"name": "/dev/bus/0", "type": "megaraid,2"}, {"name": "-x", "type": "scsi"}]}
    bare.answers = {
        "smartctl --scan": result(json.dumps(scanned)),
        "smartctl": result(data("smartctl-scsi.json"), rc=4),
    }
    (disk,) = hardware_disks.collect(bare)["devices"]
    assert disk["serial"] == "W4LAB3"
    assert bare.asked[-1][-3:] == ["-d", "megaraid,2", "/dev/bus/0"]


# --- memory


def test_edac(bare: Quiet) -> None:
    mc = "sys/devices/system/edac/mc/mc0/"
    plant(
        Path(bare.root),
        {
            mc + "ce_count": "12",
            mc + "ue_count": "1",
            mc + "dimm0/dimm_label": HOSTILE,
            mc + "dimm0/dimm_ce_count": "12",
            mc + "dimm0/dimm_ue_count": "1",
            "sys/devices/system/edac/mc/power/control": "auto",
        },
    )
    found = hardware_memory.edac(bare)
    assert (found["status"], found["corrected"], found["uncorrected"]) == ("present", 12, 1)
    (dimm,) = found["dimms"]
    assert "\x1b" not in dimm["label"] and dimm["corrected"] == 12


def test_rasdaemon_sums_errors_and_not_rows(bare: Quiet) -> None:
    path = Path(bare.root) / "var/lib/rasdaemon/ras-mc_event.db"
    path.parent.mkdir(parents=True)
    base = sqlite3.connect(path)
    base.execute(
        "CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, err_count INTEGER, err_type TEXT, label TEXT)"
    )
    stamp = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(bare.now))
    rows = [(stamp, 12, "Corrected", "A1"), (stamp, 7, "Corrected", "A1"), (stamp, 1, "Uncorrected", "B2")]
    rows.append(("2001-01-01 00:00:00 +0000", 5000, "Corrected", "A1"))
    base.executemany("INSERT INTO mc_event (timestamp, err_count, err_type, label) VALUES (?, ?, ?, ?)", rows)
    base.commit()
    base.close()
    found = hardware_memory.rasdaemon(bare)
    assert (found["status"], found["corrected"], found["uncorrected"], found["machine_checks"]) == ("present", 19, 1, 0)
    assert found["labels"][0] == {"label": "A1", "errors": 19}
    path.write_bytes(b"this is no database" * 100)
    assert hardware_memory.rasdaemon(bare)["status"] == "unseen"


# --- sensors and links


def test_sensors(bare: Quiet) -> None:
    chip, cpu = "sys/class/hwmon/hwmon0/", "sys/devices/system/cpu/cpu"
    plant(
        Path(bare.root),
        {
            chip + "name": "nct6798",
            chip + "temp1_input": "97000",
            chip + "temp1_crit": "95000",
            chip + "temp1_crit_alarm": "1",
            chip + "temp1_label": "CPUTIN",
            chip + "fan2_input": "1180",
            chip + "fan2_min": "600",
            chip + "fan2_alarm": "0",
            cpu + "0/thermal_throttle/core_throttle_count": "3",
            cpu + "0/thermal_throttle/package_throttle_count": "5",
            cpu + "0/topology/physical_package_id": "0",
            cpu + "1/thermal_throttle/core_throttle_count": "0",
            cpu + "1/thermal_throttle/package_throttle_count": "5",
            cpu + "1/topology/physical_package_id": "0",
        },
    )
    found = hardware_sensors.collect(bare)
    hot, fan = found["sensors"]
    assert (hot["label"], hot["value"], hot["limit"], hot["alarm"]) == ("CPUTIN", 97.0, 95.0, True)
    assert (fan["kind"], fan["value"], fan["limit"], fan["alarm"]) == ("fan", 1180.0, 600.0, False)
    assert found["throttled"] == 8


def test_links(bare: Quiet) -> None:
    net = "sys/class/net/"
    up = {"flags": "0x1003", "type": "1", "carrier": "0", "carrier_changes": "9", "device/vendor": "0x8086"}
    plant(Path(bare.root), {f"{net}eno1/{name}": content for name, content in up.items()})
    plant(Path(bare.root), {f"{net}eno2/{name}": content for name, content in {**up, "flags": "0x1002"}.items()})
    (Path(bare.root) / net / "eno2/carrier").unlink()  # the kernel refuses to read it
    plant(Path(bare.root), {net + "lo/type": "772", net + "lo/flags": "0x9"})
    first, second = hardware_links.collect(bare)["interfaces"]
    assert (first["name"], first["up"], first["carrier"], first["carrier_lost"]) == ("eno1", True, False, 4)
    assert (second["name"], second["up"], second["carrier"]) == ("eno2", False, None)


def test_links_of_this_machine() -> None:
    found = hardware_links.collect(shared.Context())
    assert found["status"] in ("present", "absent")
    assert all(record["name"] != "lo" for record in found["interfaces"])


# --- storage that hangs


def _process(pid: int, name: str, state: str, ticks: int) -> Process:
    return Process(pid, 1, name, state, ticks, 500, 0)


def _stat(process: Process) -> str:
    fields = ["0"] * 50
    fields[0], fields[1] = process.state, str(process.ppid)
    fields[11], fields[19] = str(process.ticks), str(process.started)
    return f"{process.pid} ({process.name}) {' '.join(fields)}"


def test_only_who_does_not_move_is_stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_storage, "_PAUSE", 0.0)
    stuck = _process(101, "imap", "D", 7)
    moving = _process(102, "imap", "D", 8)
    done = _process(103, "lmtp", "S", 2)
    frozen = _process(104, "cron", "D", 1)
    plant(
        tmp_path,
        {
            "101/stat": _stat(stuck),
            "101/wchan": "percpu_rwsem_wait",
            "102/stat": _stat(moving._replace(ticks=9)),
            "103/stat": _stat(done),
            "104/stat": _stat(frozen),
            "104/wchan": "__refrigerator",
            "self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /home rw - ext4 /dev/sdb1 rw\n"
            "3 1 0:5 / /dev rw - devtmpfs udev rw",
        },
    )
    (tmp_path / "101/fd").mkdir()
    (tmp_path / "101/fd/5").symlink_to("/home/alice/Maildir/dovecot.index.log")
    (tmp_path / "101/fd/0").symlink_to("/dev/null")
    (tmp_path / "101/cwd").symlink_to("/")
    everything = {process.pid: process for process in (stuck, moving, done._replace(state="D"), frozen)}
    mail = hardware_storage.postfix.mail
    looks = {
        shared.processes: everything,
        mail: type("Mail", (), {"members": {101: ("dovecot", "imap")}}),
        hardware_storage.disk.holders: [("/", ["root"]), ("/home", ["mailstore"])],
    }
    found = hardware_storage.collect(Quiet(proc=str(tmp_path), looks=looks))
    assert [(entry["pid"], entry["mounts"]) for entry in found["stuck"]] == [(101, ["/home"])]
    (hung,) = found["hung"]
    assert (hung["mount"], hung["device"], hung["holds_mail"], hung["mail_processes"]) == (
        "/home",
        "/dev/sdb1",
        True,
        1,
    )
    assert hung["wchans"] == ["percpu_rwsem_wait"]


def test_nobody_waits_and_nobody_is_kept_waiting(bare: Quiet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware_storage.time, "sleep", lambda seconds: pytest.fail("a second look was taken"))
    bare.looks = {shared.processes: {1: _process(1, "systemd", "S", 5)}}
    assert hardware_storage.collect(bare) == {"status": "present", "why": "", "stuck": [], "hung": []}


# --- the last boot


def _line(message: str, **more: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": "1795600000000000", "MESSAGE": message, **more})


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([_line("Journal stopped", MESSAGE_ID="d93fb3c9c24d451a97cea615ce59c00b"), _line("x")], "clean"),
        ([_line("x"), _line("Reached target reboot.target - System Reboot.", _PID="1")], "unclean"),
        ([_line("x"), _line("Reached target Reboot.", _PID="1")], "clean"),
        ([_line("connect from unknown")], "unclean"),
        # Only process 1 may say so.
        ([_line("Journal stopped", _PID="4711")], "unclean"),
        ([], "unknown"),
        (["not json", "[]"], "unknown"),
    ],
)
def test_how_a_boot_ended_by_its_journal(lines: list[str], word: str) -> None:
    assert hardware_boot.parse_last_lines("\n".join(lines))[0] == word


def _utmp(kind: int, user: str, when: int) -> bytes:
    return hardware_boot._UTMP.pack(kind, 0, b"~", b"~~", user.encode(), b"6.1", 0, 0, 0, when, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([(2, "reboot", 100), (7, "alice", 150), (1, "shutdown", 200), (2, "reboot", 220)], ("clean", 200.0)),
        ([(2, "reboot", 100), (1, "runlevel", 110), (7, "alice", 150), (2, "reboot", 220)], ("unclean", 150.0)),
        ([(2, "reboot", 100)], ("none", None)),
        ([(7, "alice", 150)], ("unknown", None)),
        ([], ("unknown", None)),
    ],
)
def test_how_a_boot_ended_by_wtmp(records: list[tuple[int, str, int]], expected: tuple[str, float | None]) -> None:
    assert hardware_boot.parse_wtmp(b"".join(_utmp(*record) for record in records) + b"rest") == expected


def _wtmp(layout: str, shutdown: bool) -> bytes:
    """A file of a host that was up before, as C writes it; 400 bytes a record with 64 bits for the time."""
    kinds = [(2, b"reboot"), (7, b"alice"), (1, b"shutdown" if shutdown else b"runlevel"), (2, b"reboot")]
    times = enumerate(kinds, 1_795_000_000)
    return b"".join(
        struct.pack(layout, kind, 0, b"~", b"~~", user, b"6.1", 0, 0, 0, when, 7, 0, 0, 0, 0)
        for when, (kind, user) in times
    )


@pytest.mark.parametrize("layout", ["=hxxi32s4s32s256shhiii4i20x", "=hxxi32s4s32s256shhqqq4i20x4x"])
@pytest.mark.parametrize("shutdown", [True, False])
def test_records_of_wtmp_have_one_of_two_lengths(bare: Quiet, layout: str, shutdown: bool) -> None:
    path = Path(bare.root) / "var/log/wtmp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_wtmp(layout, shutdown))
    expected = "clean" if shutdown else "unclean"
    assert hardware_boot._by_wtmp(bare) == (expected, 1_795_000_002.0, "wtmp")


@pytest.mark.parametrize(
    "content",
    [b"", b"\2", b"\2" * 4000, _wtmp("=hxxi32s4s32s256shhiii4i24x", False)],
    ids=["empty", "short", "noise", "other length"],
)
def test_nothing_is_told_from_a_wtmp_that_is_not_understood(bare: Quiet, content: bytes) -> None:
    path = Path(bare.root) / "var/log/wtmp"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert hardware_boot._by_wtmp(bare)[0] == "unknown"


def test_an_old_boot_is_not_looked_into(bare: Quiet) -> None:
    long_ago = bare.now - 3 * 86400
    bare.looks = {shared.processes: {1: Process(1, 0, "systemd", "S", 5, 0, 0)}, shared.boot_time: long_ago}
    found = hardware_boot.collect(bare)
    assert (found["previous"], round(found["uptime_s"])) == ("not_asked", 3 * 86400)
    assert bare.asked == []


def test_a_host_that_never_booted_before(bare: Quiet) -> None:
    (Path(bare.root) / "var/log/journal/0123").mkdir(parents=True)
    bare.looks = {shared.processes: {1: Process(1, 0, "systemd", "S", 5, 0, 0)}, shared.boot_time: bare.now - 60}
    bare.answers = {"journalctl": result(err="No such boot ID in journal", rc=1)}
    assert hardware_boot.collect(bare)["previous"] == "none"
    bare.answers = {"journalctl": result(err="no persistent journal was found", rc=1)}
    assert hardware_boot.collect(bare)["previous"] == "unknown"
