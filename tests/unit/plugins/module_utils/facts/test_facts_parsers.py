# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure parsers over texts recorded on a Debian 12 host with Postfix 3.7 and Dovecot 2.3."""

from __future__ import annotations

import os
import socket

import pytest

from ansible_collections.mailops.triage.plugins.module_utils._facts import (
    config,
    dependencies,
    disk,
    dns,
    dovecot,
    filesystems,
    host,
    load,
    loopback,
    memory,
    postfix,
    procfs,
    queue,
    services,
    sockets,
    spool,
    units,
)
from ansible_collections.mailops.triage.tests.unit.plugins.module_utils.facts.recordings import (
    HOSTILE,
    RECORDED,
    Quiet,
    data,
    result,
    text,
)


def test_os_release():
    found = host.parse_os_release(text("os-release"))
    assert (found["id"], found["version_id"]) == ("debian", "12")
    assert host.parse_os_release("") == {"id": None, "version_id": None, "name": None}


def test_fqdn_needs_no_dns():
    hosts = "127.0.0.1 localhost\n192.0.2.11 mail1.example.org mail1  # our own\n"
    assert host.parse_fqdn("mail1", hosts) == "mail1.example.org"
    assert host.parse_fqdn("mail1.example.org", "") == "mail1.example.org"
    assert host.parse_fqdn("mail2", hosts) == "mail2"


def test_process_names_may_hold_anything():
    line = "42 (a) R (b) S 7 42 42 0 -1 4194560 1 2 3 4 50 6 7 8 20 0 1 0 12345 1000 25 1 2"
    process = procfs.parse_stat(line)
    assert (process.pid, process.name, process.state, process.ppid) == (42, "a) R (b", "S", 7)
    assert (process.ticks, process.started) == (56, 12345)
    assert procfs.parse_stat("") is None
    assert procfs.parse_stat("42 (x) S 1") is None


@pytest.mark.parametrize(
    ("recorded", "unit"),
    [
        ("0::/system.slice/dovecot.service\n", "dovecot.service"),
        ("0::/system.slice/system-postfix.slice/postfix@-.service\n", "postfix@-.service"),
        ("1:name=systemd:/system.slice/postfix.service\n0::/\n", "postfix.service"),
        ("0::/lxc.payload.a/system.slice/postfix.service/sub\n", "postfix.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", "session-3.scope"),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_unit_from_cgroup(recorded, unit):
    assert procfs.parse_unit(recorded) == unit


def test_unit_from_recorded_cgroup():
    assert procfs.parse_unit(text("cgroup-hybrid.txt")) == "postfix@-.service"


def test_systemctl_show():
    blocks = {block["Id"]: block for block in units.parse_show(text("systemctl-show.txt"))}
    state = units.unit_state(blocks["postfix@-.service"], 1000.0)
    assert (state["load"], state["active"], state["sub"], state["result"]) == ("loaded", "active", "running", "success")
    assert state["exec_code"] is None and state["since"] == pytest.approx(4294.518)
    assert services.choose_mta(blocks, None)[0] == "postfix@-.service"
    assert services.choose_mta(blocks, "postfix.service")[0] == "postfix.service"


def test_unit_of_debian_13_is_no_wrapper():
    shown = {
        "postfix.service": {"Type": "forking", "LoadState": "loaded"},
        "postfix@-.service": {"LoadState": "loaded"},
    }
    assert services.choose_mta(shown, None)[0] == "postfix.service"
    assert services.choose_mta({}, None) == (None, None)


def test_failed_unit():
    state = units.unit_state(
        {"ActiveState": "failed", "Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9", "NRestarts": "5"}, 0.0
    )
    assert (state["exec_code"], state["exec_status"], state["restarts"]) == ("killed", 9, 5)


def test_postconf_and_expansion():
    explicit = postfix.parse_settings(text("postconf-n.txt"))
    everything = dict(postfix.parse_settings(text("postconf-d.txt")), **explicit)
    assert explicit["maillog_file"] == ""
    assert (
        postfix.expand(
            "$myorigin/${queue_directory}/$(nowhere)",
            {"myorigin": "$myhostname", "myhostname": "mail1", "queue_directory": "/q"},
        )
        == "mail1//q/"
    )
    assert postfix.expand(everything["mydestination"], everything).startswith(everything["myhostname"])
    assert postfix.expand("$a", {"a": "$b", "b": "$a"}) == "$a"


def test_recorded_configuration_is_good():
    explicit = postfix.parse_settings(text("postconf-n.txt"))
    assert postfix.bad_values(explicit, postfix.parse_settings(text("postconf-d.txt"))) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("message_size_limit", "abc", "bad numerical configuration: message_size_limit = abc"),
        ("queue_run_delay", "5x", "bad time configuration"),
        ("smtpd_sasl_auth_enable", "maybe", "bad boolean configuration"),
        ("message_size_limit", "20480000", ""),
        ("queue_run_delay", "300", ""),
        ("queue_run_delay", "5m", ""),
        ("soft_bounce", "YES", ""),
        ("default_process_limit", "$message_size_limit", ""),
        ("not_a_parameter", "abc", ""),
        # The compiled-in default is a plain yes, no or number, and Postfix takes more words than that.
        ("smtpd_forbid_bare_newline", "normalize", ""),
        ("milter_protocol", "6 no_eoh", ""),
        ("smtpd_tls_loglevel", "routine", ""),
        ("default_destination_concurrency_negative_feedback", "1/concurrency", ""),
        # Conditions are not evaluated here, so nothing can be said of what they give.
        ("smtpd_client_connection_count_limit", "${stress?10}${stress:50}", ""),
        ("smtpd_helo_required", "${stress?{no}:{yes}}", ""),
    ],
)
def test_values_that_daemons_die_of(name, value, words):
    problems = postfix.bad_values({name: value}, postfix.parse_settings(text("postconf-d.txt")))
    assert words in "; ".join(problems) if words else problems == []


def test_master_cf():
    found = postfix.parse_master(text("master.cf"))
    submission = [service for service in found if service["name"] == "submission"][0]
    assert submission["command"] == "smtpd" and submission["chroot"]
    assert submission["options"]["smtpd_sasl_auth_enable"] == "yes"
    assert postfix.parse_master("smtp inet n\n") == []


def test_an_entry_of_master_cf_may_go_on_in_the_next_line(tmp_path):
    (tmp_path / "master.cf").write_text(
        "# comment\nsmtp inet\n  n - y\n# in between\n  - - smtpd\n\nbad inet n\n  - y\nlast unix - - n - - lmtp\n",
        encoding="utf-8",
    )
    assert config._master_problems(str(tmp_path)) == ["master.cf: line 7: bad field count"]
    text_of_it = (tmp_path / "master.cf").read_text(encoding="utf-8")
    assert [service["name"] for service in postfix.parse_master(text_of_it)] == ["smtp", "last"]


def test_check_reports_the_daemons_own_words():
    said = result(err="postqueue: fatal: bad numerical configuration: message_size_limit = abc\n", rc=69)
    spoken = config.fatal_words(said)
    check = config.postfix_check(result("a = b\n"), ["bad numerical configuration: message_size_limit = abc"], spoken)
    assert check == {
        "ok": False,
        "rc": 1,
        "status": "ok",
        "text": "bad numerical configuration: message_size_limit = abc",
    }
    assert config.postfix_check(result("a = b\n"), [], "")["ok"] is True
    assert config.postfix_check(result(rc=None, status="timeout"), [], "")["status"] == "timeout"
    assert (
        config.fatal_words(result(err="postqueue: fatal: Cannot flush mail queue - mail system is down\n", rc=69)) == ""
    )


def test_doveconf():
    recorded = text("doveconf-n.txt")
    assert dovecot.parse_version(recorded) == "2.3.19.1"
    values = dovecot.parse_settings(recorded)
    assert values["protocols"] == "imap pop3 lmtp sieve" and "driver" not in values
    assert ("ssl_cert", "/etc/ssl/mail/host.pem") in dovecot.parse_files(recorded)
    assert ("ssl_key", "/etc/ssl/mail/host.key") in dovecot.parse_files(recorded)
    assert dovecot.mail_folders(recorded, ["/home"]) == ["/home"]


@pytest.mark.parametrize(
    ("configuration", "folders"),
    [
        ("mail_location = maildir:/var/vmail/%d/%n\n", ["/var/vmail"]),
        ("mail_location = mbox:~/mail:INBOX=/var/mail/%u\nuserdb {\n  driver = passwd\n}\n", ["/home", "/var/mail"]),
        (
            (
                "mail_location = maildir:~/Maildir\nuserdb {\n  args = uid=vmail home=/srv/mail/%d/%n\n"
                "  driver = static\n}\n"
            ),
            ["/srv/mail"],
        ),
        (
            (
                "mail_driver = maildir\nmail_path = ~/Maildir\nuserdb static {\n  fields {\n    gid = vmail\n"
                "    home = /srv/vmail/%{user | domain}/%{user | username}\n  }\n}\n"
            ),
            ["/srv/vmail"],
        ),
        ("mail_driver = maildir\nmail_path = /data/mail/%{user}\n", ["/data/mail"]),
    ],
)
def test_mail_folders(configuration, folders):
    assert dovecot.mail_folders(configuration, ["/home"]) == folders


def test_dovecot_2_4_names_its_files_differently():
    assert dovecot.parse_files("ssl_server_cert_file = /etc/ssl/a.pem\n") == [
        ("ssl_server_cert_file", "/etc/ssl/a.pem")
    ]


def test_keys_in_the_configuration_itself_are_no_files():
    assert dovecot.parse_files("ssl_key = -----BEGIN PRIVATE KEY-----\n") == []


def test_missing_files(tmp_path):
    (tmp_path / "empty").write_text("")
    (tmp_path / "good").write_text("x")
    found = config.missing_files([("ssl_cert", "/nope"), ("ssl_key", "/empty"), ("ssl_ca", "/good")], str(tmp_path))
    assert [(item["setting"], item["reason"]) for item in found] == [
        ("ssl_cert", "No such file or directory"),
        ("ssl_key", "empty"),
    ]


def test_home_parents():
    passwd = "root:x:0:0::/root:/bin/sh\nalice:x:1001:1001::/home/alice:/bin/sh\nbob:x:1002:1:,:/srv/b/bob:/bin/sh\n"
    assert dovecot.parse_homes(passwd) == ["/home", "/srv/b"]


def test_listeners_of_proc_net():
    found = sockets.parse_proc_net(text("proc-net-tcp.txt"), "ipv4")
    assert {listener.port for listener in found} >= {22, 25, 143, 587, 993}
    assert {listener.address for listener in found if listener.port == 8891} == {"127.0.0.1"}
    six = sockets.parse_proc_net(text("proc-net-tcp6.txt"), "ipv6")
    assert {listener.address for listener in six if listener.port == 25} == {"::"}
    assert sockets.parse_proc_net("", "ipv4") == []
    assert sockets.parse_proc_net("head\n0: zz 0 0A\n", "ipv4") == []


def test_kernel_tells_a_listener_and_its_queue():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(7)
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            found = [one for one in sockets.ask_kernel() if one.port == port]
    assert [(one.address, one.queued, one.backlog) for one in found] == [("127.0.0.1", 1, 7)]


def test_loopback_addresses():
    assert sockets.is_loopback("127.0.0.53") and sockets.is_loopback("::1") and sockets.is_loopback("::ffff:127.0.0.1")
    assert not sockets.is_loopback("0.0.0.0") and not sockets.is_loopback("192.0.2.1")


def test_loopback_plan():
    def one(address, port, family):
        return sockets.Listener(family, address, port, 0, 0, port)

    listeners = [
        one("0.0.0.0", 25, "ipv4"),
        one("::", 25, "ipv6"),
        one("::", 143, "ipv6"),
        one("192.0.2.1", 587, "ipv4"),
        one("0.0.0.0", 8891, "ipv4"),
    ]

    def plan(wanted):
        return {
            target["address"]: [service["protocol"] for service in target["services"]]
            for target in loopback.plan(listeners, wanted)
        }

    assert plan(None) == {"127.0.0.1": ["imap", "smtp"], "::1": ["imap", "smtp"]}
    assert plan(["imaps", "smtp", "no such protocol"]) == {"127.0.0.1": ["imaps", "smtp"], "::1": ["smtp"]}
    assert plan([]) == {}


def test_meminfo_and_pressure():
    found = memory.summary(memory.parse_meminfo(text("meminfo.txt")))
    assert found["total_bytes"] > 1 << 30 and 0 < found["available_percent"] <= 100
    assert found["swap_used_percent"] == 0.0
    assert memory.summary({})["available_percent"] is None
    assert load.parse_pressure(text("pressure-cpu.txt"), "some") >= 0.0
    assert load.parse_pressure("", "some") is None
    assert load.parse_loadavg("0.10 0.20 0.30 1/100 4") == (0.1, 0.2, 0.3)


def test_top_cpu_leaves_out_the_collector():
    def one(pid, ppid, ticks):
        return procfs.Process(pid, ppid, f"p{pid}", "R", ticks, 1, 0)

    before = {pid: one(pid, 1, 0) for pid in (10, 11, 12)}
    after = {10: one(10, 1, 50), 11: one(11, 10, 90), 12: one(12, 1, 25)}
    assert load.top_cpu(before, after, 1.0, ticks=100, own=10) == [
        {"pid": 12, "name": "p12", "cpu_percent": 25.0, "cpu_seconds": 0.2, "life_percent": None}
    ]
    old = load.top_cpu({12: one(12, 1, 0)}, {12: one(12, 1, 901)}, 1.0, ticks=100, uptime=10.01)
    assert old[0]["life_percent"] == 90.1


def test_mounts():
    mounts = filesystems.parse_mountinfo(text("mountinfo.txt"))
    assert filesystems.mount_of("/var/spool/postfix", mounts).mount == "/"
    over = filesystems.parse_mountinfo(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /srv/my\\040mail ro,nosuid - xfs /dev/sdb rw\n"
        "3 1 8:3 / /srv/my\\040mail rw - tmpfs t rw\n4 1 8:4 / /var rw - ext4 /dev/sdc ro,errors=remount-ro\n"
    )
    assert over[1].mount == "/srv/my mail" and over[1].readonly and over[3].readonly
    assert filesystems.mount_of("/srv/my mail/a", over).fstype == "tmpfs"
    assert filesystems.mount_of("/srv/my mailbox", over).mount == "/"


def test_links_are_followed_without_asking_a_server(tmp_path, monkeypatch):
    """A server that is gone keeps whoever asks for as little as the kind of a file."""
    (tmp_path / "far").mkdir()
    (tmp_path / "near" / "real").mkdir(parents=True)
    (tmp_path / "near" / "link").symlink_to("real")
    (tmp_path / "mail").symlink_to(tmp_path / "far" / "vmail")
    (tmp_path / "circle").symlink_to("circle")
    read = os.readlink

    def guarded(path):
        assert not path.startswith(str(tmp_path / "far")), "asked the server"
        return read(path)

    monkeypatch.setattr(os, "readlink", guarded)
    monkeypatch.setattr(os, "lstat", lambda path: pytest.fail("asked for " + path))
    root = filesystems.Mount("/", "/dev/sda1", "ext4", False, 1)
    for kind in ("nfs4", "fuse.sshfs", "autofs"):
        mounts = [root, filesystems.Mount(str(tmp_path / "far"), "nas:/mail", kind, False, 2)]
        assert filesystems.real(str(tmp_path / "mail" / "x/../y"), mounts) == str(tmp_path / "far/vmail/y")
        assert filesystems.real(str(tmp_path / "far") + "/", mounts) == str(tmp_path / "far")
        assert filesystems.real(str(tmp_path / "near/./link/../link/new"), mounts) == str(tmp_path / "near/real/new")
        assert filesystems.real(str(tmp_path / "circle"), mounts).startswith(str(tmp_path))
    assert filesystems.real("/", [root]) == "/"


def test_what_matters_is_found_although_the_mail_store_is_gone(tmp_path, monkeypatch):
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(
        "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:30 / /srv/mail rw - nfs4 nas:/mail rw\n", encoding="utf-8"
    )
    lstat = os.lstat
    for name, ask in (("lstat", lstat), ("readlink", os.readlink)):
        monkeypatch.setattr(
            os,
            name,
            lambda path, *more, ask=ask, **named: (
                pytest.fail("asked the server") if str(path).startswith("/srv/mail") else ask(path, *more, **named)
            ),
        )
    here = Quiet(looks={postfix.installed: False, dovecot.mail_store: ["/srv/mail/users"]}, proc=str(tmp_path))
    assert ("/srv/mail", ["mailstore"]) in disk.holders(here)


def test_expected_readonly():
    fstab = filesystems.parse_fstab_readonly(
        "/dev/a /usr ext4 ro,nodev 0 1\n# /dev/b /x ext4 ro 0 0\n/dev/c /y ext4 rw\n"
    )
    assert fstab == {"/usr"}
    squash = filesystems.Mount("/img", "x", "squashfs", True, 1)
    assert filesystems.expected_readonly(squash, set())


def test_space_as_df_shows_it():
    found = filesystems.space_from(4096, 1000, 100, 150, 500, 0)
    assert (found.total, found.available) == (4096000, 409600)
    assert found.used_percent == pytest.approx(89.5, abs=0.05)
    assert (found.inodes, found.inodes_free, found.inodes_used_percent) == (500, 0, 100.0)
    assert filesystems.space_from(4096, 1000, 0, 0, 0, 0).inodes_used_percent is None


def test_consumers(tmp_path):
    (tmp_path / "many").mkdir()
    for number in range(50):
        (tmp_path / "many" / str(number)).write_text("")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "big").write_bytes(b"x" * (3 << 20))
    by_bytes, complete = filesystems.consumers(str(tmp_path))
    assert complete and by_bytes[0]["path"].endswith("/log/big") and by_bytes[0]["bytes"] >= 3 << 20
    by_entries, complete = filesystems.consumers(str(tmp_path), by_entries=True)
    assert by_entries[0] == {"path": str(tmp_path / "many"), "bytes": 0, "entries": 50}
    assert filesystems.consumers(str(tmp_path), entries=10)[1] is False


def test_what_is_mounted_below_is_not_asked(tmp_path, monkeypatch):
    (tmp_path / "nfs").mkdir()
    (tmp_path / "nfs" / "big").write_bytes(b"x" * (3 << 20))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "file").write_bytes(b"x" * 5000)
    assert any(one["path"].startswith(f"{tmp_path}/nfs") for one in filesystems.consumers(str(tmp_path))[0])
    line = f"40 20 0:51 / {tmp_path}/nfs rw - nfs4 store:/mail rw\n"
    monkeypatch.setattr(filesystems.procfs, "try_text", lambda path, limit: line)
    found, complete = filesystems.consumers(str(tmp_path))
    assert complete and not any(one["path"].startswith(f"{tmp_path}/nfs") for one in found)
    assert any(one["path"] == f"{tmp_path}/own" for one in found)


def test_postqueue():
    told = spool.parse_postqueue(data("postqueue.json"))
    assert told["counts"] == {"deferred": told["messages"]} and told["messages"] >= 5
    assert list(told["senders"]) == ["alice@example.test"]
    assert list(told["reasons"]) == [
        "Host or domain name not found. Name service error for name=NAME type=MX: Host not found, try again"
    ]
    assert len(told["destinations"]) == told["messages"]


def test_postqueue_cut_in_the_middle_of_a_line():
    whole = data("postqueue.json")
    assert spool.parse_postqueue(whole[:-20])["messages"] == spool.parse_postqueue(whole)["messages"] - 1
    assert spool.parse_postqueue(b"not json\n[1]\nnull\n")["messages"] == 0


def test_reasons_count_together():
    one = "connect to mx1.example.com[192.0.2.5]:25: Connection timed out"
    two = "connect to mx9.example.net[2001:db8::7]:25: Connection timed out"
    assert spool.normal_reason(one) == spool.normal_reason(two) == "connect to HOST: Connection timed out"
    assert "\x1b" not in spool.normal_reason(HOSTILE)


def test_arrival_time_from_a_queue_file():
    assert spool.arrival_time(str(RECORDED / "queue-file.bin")) == 1795405984
    assert spool.arrival_time(str(RECORDED / "master.cf")) is None


def test_queue_by_its_files(tmp_path):
    now = 1_795_406_000.0
    for name in spool.QUEUES:
        (tmp_path / name).mkdir()
    (tmp_path / "deferred" / "8").mkdir()
    message = tmp_path / "deferred" / "8" / "83543AD"
    message.write_bytes(data("queue-file.bin"))
    # The next attempt lies ahead; the age counts from the arrival all the same.
    os.utime(message, (now + 4000, now + 4000))
    scan = spool.Scan(str(tmp_path), now, float("inf")).run()
    answer = queue.postqueue_answer(result(rc=None, status="timeout"))
    found = queue.document(scan, None, answer, "hung", False, 20000)
    assert found["counts"]["deferred"] == found["counts"]["total"] == 1
    assert found["oldest_s"]["deferred"] == found["oldest_s"]["total"] == 16.0
    assert found["median_s"]["deferred"] == 16.0
    assert found["oldest_s"]["hold"] is found["median_s"]["hold"] is None
    assert (found["source"], found["postqueue"]["status"], found["top_reasons"]) == ("files", "timeout", None)


def test_queue_that_nobody_may_read(tmp_path):
    scan = spool.Scan(str(tmp_path / "nowhere"), 0.0, float("inf")).run()
    assert queue.document(scan, None, queue.postqueue_answer(None), "down", False, 20000)["source"] == "none"
    assert len(scan.errors) == len(spool.QUEUES)


def test_a_queue_on_a_sick_disk_is_counted_as_far_as_it_can_be_read(tmp_path, monkeypatch):
    for name in spool.QUEUES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_text("")
    for number in range(len(spool.QUEUES)):
        (tmp_path / "deferred" / f"d{number}").mkdir()

    def sick(folder, scandir=os.scandir):
        yield from scandir(folder)
        if "/deferred" in folder:
            raise OSError(117, "Structure needs cleaning")

    monkeypatch.setattr(os, "scandir", sick)
    scan = spool.Scan(str(tmp_path), 0.0, float("inf")).run()
    assert scan.counts == dict.fromkeys(spool.QUEUES, 1)
    assert scan.errors == ["deferred: Structure needs cleaning"]


def test_large_queue_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MOST_FILES", 100)
    for name in spool.QUEUES:
        (tmp_path / name).mkdir()
    for number in range(300):
        (tmp_path / "active" / str(number)).write_text("")
    scan = spool.Scan(str(tmp_path), 0.0, float("inf")).run()
    assert scan.truncated and sum(scan.counts.values()) <= 101


def test_needs_of_the_recorded_configuration():
    explicit = postfix.parse_settings(text("postconf-n.txt"))
    everything = dict(postfix.parse_settings(text("postconf-d.txt")), **explicit)
    found = dependencies.needs(everything, postfix.parse_master(text("master.cf")))
    assert {(need.kind, need.endpoint) for need in found} == {
        ("milter", "inet:127.0.0.1:8891"),
        ("sasl", "private/auth"),
        ("lmtp", "unix:private/dovecot-lmtp"),
    }


def test_needs_without_sasl_and_with_policy():
    settings = {
        "smtpd_milters": "{ inet:localhost:11332, connect_timeout=10s } unix:/run/a.sock",
        "non_smtpd_milters": "$smtpd_milters",
        "smtpd_sasl_auth_enable": "no",
        "smtpd_sasl_type": "dovecot",
        "smtpd_recipient_restrictions": "permit_mynetworks, check_policy_service inet:127.0.0.1:10023, reject",
    }
    found = dependencies.needs(settings, [])
    assert [(need.kind, need.endpoint) for need in found] == [
        ("milter", "inet:localhost:11332"),
        ("milter", "unix:/run/a.sock"),
        ("policy", "inet:127.0.0.1:10023"),
    ]


@pytest.mark.parametrize(
    ("endpoint", "chroot", "place"),
    [
        ("inet:127.0.0.1:8891", True, ("inet", ("127.0.0.1", 8891))),
        ("inet:[::1]:8891", False, ("inet", ("::1", 8891))),
        ("inet:8891@localhost", False, ("inet", ("localhost", 8891))),
        ("unix:private/dovecot-lmtp", True, ("unix", "/q/private/dovecot-lmtp")),
        ("private/auth", False, ("unix", "/q/private/auth")),
        ("unix:/run/a.sock", True, ("unix", "/q/run/a.sock")),
        ("unix:/run/a.sock", False, ("unix", "/run/a.sock")),
        ("unix:/q/opendkim/a.sock", True, ("unix", "/q/opendkim/a.sock")),
    ],
)
def test_endpoints(endpoint, chroot, place):
    assert dependencies.address(endpoint, "/q", chroot) == place


@pytest.mark.parametrize(
    ("kind", "endpoint", "name"),
    [
        ("milter", "unix:/clamav/clamav-milter.ctl", "clamav-milter"),
        ("milter", "unix:/run/clamav-milter/clamav-milter.socket", "clamav-milter"),
        ("milter", "unix:/spamass/spamass.sock", "spamass-milter"),
        ("milter", "unix:/run/spamass-milter/spamass-milter.sock", "spamass-milter"),
        ("milter", "unix:/var/lib/amavis/amavisd-milter.sock", "amavisd-milter"),
        ("milter", "unix:/opendkim/opendkim.sock", "opendkim"),
        ("milter", "inet:127.0.0.1:11332", "rspamd"),
    ],
)
def test_the_milter_is_named_and_not_what_it_asks(kind: str, endpoint: str, name: str) -> None:
    """The scanner behind a milter has a unit of its own, and is well when the milter is not."""
    need = dependencies.Need(kind, endpoint, "smtpd_milters", True)
    assert dependencies.product(need, dependencies.address(endpoint, "/q", True)) == name


@pytest.mark.parametrize("endpoint", ["inet:127.0.0.1:", "inet:127.0.0.1:99999", "ldap:x"])
def test_endpoints_that_make_no_sense(endpoint):
    with pytest.raises(ValueError):
        dependencies.address(endpoint, "/q", False)


def test_resolvers():
    assert dns.parse_resolvers("nameserver 192.0.2.1\nsearch a\nnameserver ::1\n# nameserver 9.9.9.9\n") == [
        "192.0.2.1",
        "::1",
    ]
    assert dns.parse_resolvers("") == ["127.0.0.1"]


def test_dns_answers():
    question = dns.query(0x1234)
    assert question[:2] == b"\x12\x34" and question.endswith(b"\x09localhost\0\0\x01\0\x01")
    answer = b"\x12\x34\x81\x82" + question[4:]
    assert dns.parse_rcode(answer, 0x1234) == "SERVFAIL"
    assert dns.parse_rcode(answer, 0x9999) is None
    assert dns.parse_rcode(question, 0x1234) is None
    assert dns.parse_rcode(b"", 1) is None
