# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dovecot's own words: doveconf, its TLS files, where the mail is.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._facts import postfix, procfs
from ansible_collections.mailops.triage.plugins.module_utils._text import whole

# Settings handed on. doveconf is run with -P so that it shows the path of ssl_key; every other secret stays here.
CHOSEN = (
    "auth_mechanisms default_client_limit default_process_limit default_vsz_limit disable_plaintext_auth listen "
    "log_path login_trusted_networks mail_driver mail_home mail_location mail_max_userip_connections mail_path "
    "mail_plugins protocols ssl ssl_cert ssl_key ssl_server_cert_file ssl_server_key_file base_dir info_log_path "
    "syslog_facility dovecot_config_version mail_inbox_path"
).split()
_FILE_SETTINGS = (
    "ssl_cert",
    "ssl_key",
    "ssl_alt_cert",
    "ssl_alt_key",
    "ssl_ca",
    "ssl_dh",
    "ssl_server_cert_file",
    "ssl_server_key_file",
    "ssl_server_dh_file",
)
_VERSION = re.compile(r"#\s*(\d+\.\d[\w.\-]*)")
_SETTING = re.compile(r"^(\s*)([\w/]+)\s*=\s*(.*)$")
_HOME = re.compile(r"\bhome=(\S+)")


def parse_version(text):
    """Version from the first line of doveconf's output, or None."""
    match = _VERSION.match(text)
    return match.group(1) if match else None


def parse_settings(text):
    """Settings outside every block, as a dict of name to value."""
    found, depth = {}, 0
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.endswith("{"):
            depth += 1
        elif stripped == "}":
            depth = max(0, depth - 1)
        elif depth == 0:
            match = _SETTING.match(line)
            if match:
                found.setdefault(match.group(2), match.group(3).strip())
    return found


def parse_files(text):
    """TLS files the configuration names anywhere, as a list of (setting, path) without repeats."""
    found = []
    for line in text.splitlines():
        match = _SETTING.match(line)
        if not match or match.group(2) not in _FILE_SETTINGS:
            continue
        setting, value = match.group(2), match.group(3).strip().strip('"')
        # Before 2.4 "<path" means: the file's content; without the sign the value is the key itself.
        if value.startswith("<") or setting.endswith("_file"):
            pair = (setting, value.lstrip("<").strip())
            if pair[1].startswith("/") and pair not in found:
                found.append(pair)
    return found


def parse_blocks(text, kind):
    """Bodies of the top-level blocks of one kind (C(userdb), C(passdb)), as a list of dicts.

    What Dovecot 2.4 puts into a block C(fields) of such a block was a part of C(args) before; it stands with the rest.
    """
    found, depth, current, fields = [], 0, None, False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.endswith("{"):
            if depth == 0 and stripped.split()[0] == kind:
                current = {}
            fields = depth == 1 and stripped.split()[0] == "fields"
            depth += 1
        elif stripped == "}":
            depth = max(0, depth - 1)
            fields = False
            if depth == 0 and current is not None:
                found.append(current)
                current = None
        elif (depth == 1 or fields) and current is not None:
            match = _SETTING.match(line)
            if match:
                current[match.group(2)] = match.group(3).strip()
    return found


def userdb_homes(text):
    """Home directories, with variables, that C(userdb) blocks give to their users."""
    found = []
    for block in parse_blocks(text, "userdb"):
        match = _HOME.search(" ".join(block.values()))
        home = block.get("home") or (match.group(1) if match else "")
        if home:
            found.append(home)
    return found


def static_part(path) -> str:
    """The directory of a mail path before its first variable: C(/var/vmail/%d/%n) gives C(/var/vmail)."""
    cut = len(path)
    for sign in "%~$":
        place = path.find(sign)
        if 0 <= place < cut:
            cut = place
    if cut < len(path):
        path = path[:cut].rpartition("/")[0]
    return path.rstrip("/")


def mail_folders(text, homes):
    """Directories that hold mailboxes, by the configuration.

    :param text: output of doveconf -n
    :param homes: home directories of the accounts of this host, for locations below C(~)
    :returns: list of paths, most important first
    """
    values = parse_settings(text)
    location = values.get("mail_path") or values.get("mail_location", "")
    scheme, colon, rest = location.partition(":")
    path = (rest if colon and not location.startswith(("/", "~", "%")) else location).split(":")[0]
    found = []
    user_homes = [values.get("mail_home", "")] + userdb_homes(text)
    if not path or path.startswith(("~", "%h", "%{home")):
        found += [static_part(home) for home in user_homes]
        if any(
            block.get("driver") in ("passwd", "pam") or "passwd" in block.get("driver", "")
            for block in parse_blocks(text, "userdb")
        ) or not any(found):
            found += homes
    else:
        found.append(static_part(path))
    for piece in location.split(":")[1:]:
        if piece.startswith("INBOX="):
            found.append(static_part(piece[6:]))
    unique = []
    for folder in found:
        if folder.startswith("/") and folder not in unique:
            unique.append(folder)
    return unique


def parse_homes(text):
    """Parents of the home directories of ordinary accounts in a passwd file, as a list without repeats."""
    found = []
    for line in text.splitlines()[:5000]:
        fields = line.split(":")
        if len(fields) < 6 or not 1000 <= whole(fields[2], 0) < 60000:
            continue
        parent = fields[5].rstrip("/").rpartition("/")[0]
        if parent.startswith("/") and parent not in found:
            found.append(parent)
    return found


def installed(context) -> bool:
    """Shared look: is Dovecot here, as a program or as a running master?"""
    return _run.find_program("doveconf") is not None or context.shared(postfix.mail).masters["dovecot"] is not None


def doveconf(context):
    """Shared look: C(doveconf -n -P) as a _run.Result."""
    return context.run(["doveconf", "-n", "-P"], timeout=5.0)


def text(context) -> str:
    """Output of doveconf as text; empty when it failed."""
    return context.shared(doveconf).out.decode("utf-8", "replace")


def mail_store(context):
    """Shared look: directories that hold mailboxes, as a list."""
    homes = parse_homes(procfs.try_text(context.path("/etc/passwd"), 1 << 20))
    found = mail_folders(text(context), homes) if context.shared(installed) else []
    if context.shared(postfix.installed):
        base = postfix.value(context, "virtual_mailbox_base")
        spool = postfix.value(context, "mail_spool_directory")
        for folder in (base, "" if found else spool):
            if folder.startswith("/") and folder not in found:
                found.append(folder.rstrip("/") or "/")
    return found
