#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make room on a full file system of a mail host."""

DOCUMENTATION = r"""
module: spool_purge
short_description: Make room on a full file system of a mail host, by removing what is safe to remove
version_added: 0.1.0
description:
  - Removes what an experienced administrator would remove, the safest first, until the goal is reached, and no further.
    Package caches, rotated logs, archived journal files, core dumps, crash reports, old temporary files, web sessions
    that ended, deliveries into Maildirs that broke off, and what scanners and milters left behind.
  - Of rotated logs, core dumps and crash reports the newest of each log and program stays, as evidence.
  - Never touches what lies in a queue, in C(cur) or C(new), in a mailbox or an index; files that are open, that have a
    second name, or that changed since they were planned; other file systems, and what is reached through a symbolic
    link or another mount.
  - In check mode the plan is made, and nothing removed.
notes:
  - Deleted files that a program still holds open are only named, in RV(deleted_open). Their room comes back when that
    program is reloaded.
  - Where the state directory lies on the full file system, the purge goes on although it cannot be remembered, and is
    remembered as soon as there is room.
  - Needs root.
extends_documentation_fragment:
  - mailops.triage.remedy
  - mailops.triage.remedy.acts
options:
  mount:
    description: Mount point of the file system that is full.
    type: str
    required: true
  goal_percent:
    description:
      - Percent of the file system that is to be free. Where the queue lies there, what Postfix wants to be free before
        it accepts mail comes on top.
      - Nothing is done while three quarters of the percentage are free, so that a second run does not begin again
        because of a few lines of log.
    type: float
    default: 15.0
  goal_bytes:
    description: How much is to be free, for example V(2G). The larger of this and O(goal_percent) counts.
    type: str
  goal_inodes_percent:
    description: Percent of the inodes that is to be free, on file systems that have a fixed number of them.
    type: float
    default: 10.0
  io:
    description:
      - V(small) for a disk that must be spared, as in a degraded RAID. Directories are read slowly, files are removed
        with pauses, and nothing is searched only to be reported.
    type: str
    choices: [any, small]
    default: any
  max_bytes:
    description: Remove no more than this in one call, for example V(10G).
    type: str
  time_limit:
    description: Seconds after which nothing more is looked for or removed.
    type: float
    default: 120.0
  kinds:
    description: Which kinds may be removed. Without it all.
    type: list
    elements: str
    choices:
      - package_cache
      - rotated_logs
      - journal
      - core_dumps
      - crash_reports
      - tmp
      - sessions
      - maildir_tmp
      - scanner_tmp
  log_age:
    description: How old a rotated log must be.
    type: str
    default: 1d
  core_age:
    description: How old a core dump or a crash report must be.
    type: str
    default: 1h
  tmp_age:
    description: How long nobody must have touched a file below C(/tmp).
    type: str
    default: 10d
  var_tmp_age:
    description: How long nobody must have touched a file below C(/var/tmp).
    type: str
    default: 30d
  session_age:
    description: How long nobody must have touched a web session.
    type: str
    default: 2d
  maildir_tmp_age:
    description: How long nobody must have touched a file in the C(tmp) of a Maildir.
    type: str
    default: 36h
  scanner_tmp_age:
    description: How long nobody must have touched what a scanner or milter left behind.
    type: str
    default: 1d
  journal_keep:
    description: How much of the newest journal stays in any case.
    type: str
    default: 128M
  patterns:
    description:
      - What else may be removed on this site. Its age counts from when it was last touched.
      - A pattern is refused, and the others are used, when its path is relative, goes up by C(..), is or passes through
        a symbolic link, is a directory of the first level, lies in or above a queue, mail, a database or the system, or
        when its age or its reason is missing. RV(refused_patterns) tells why.
    type: list
    elements: dict
    suboptions:
      path:
        description: Directory.
        type: str
        required: true
      glob:
        description: Pattern of file names.
        type: str
        default: "*"
      min_age:
        description: How long nobody must have touched such a file; an hour or more. Must be given.
        type: str
      reason:
        description: Why it may be removed; stands in the plan. Must be given.
        type: str
      recurse:
        description: Whether directories below count too.
        type: bool
        default: false
  quarantine:
    description:
      - Directory on another file system, owned by root and writable by nobody else. What is removed is copied there
        first, with a list of where it came from; packages are not, and the journal is left as it is.
    type: path
seealso:
  - module: mailops.triage.mail_facts
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: See what would be removed
  mailops.triage.spool_purge:
    mount: /var
    guard:
      run: 20261125T134000Z
  check_mode: true
  register: plan

- name: Make room, with a light hand, and keep copies elsewhere
  mailops.triage.spool_purge:
    mount: /var
    io: small
    goal_percent: 20
    quarantine: /srv/quarantine
    patterns:
      - path: /var/backups/exports
        glob: "*.csv"
        min_age: 14d
        reason: exports that the archive has
    guard:
      run: 20261125T134000Z
      ticket: INC-4711
"""

RETURN = r"""
action:
  description: Name of the remedy.
  type: str
  returned: always
  sample: purge_spool
subject:
  description: The mount point.
  type: str
  returned: always
  sample: /var
state:
  description:
    - V(planned) (check mode), V(done), V(refused), V(failed), or V(nothing) when there is room enough, or when there is
      enough for mail to flow and nothing that may go.
    - It is V(failed) when mail cannot flow even now, because too little was safe to remove.
  type: str
  returned: always
  sample: done
code:
  description: One word for why it was refused or failed, or nothing.
  type: str
  returned: always
  sample: short
why:
  description: One sentence for a person.
  type: str
  returned: always
  sample: 1.2 GiB in 37 files were removed; /var has 1.9 GiB (19 %) free
retry_at:
  description: When it may be tried again, in seconds since the epoch.
  type: float
  returned: always
  sample: null
steps:
  description: What was done, each with C(at), C(what) and C(result).
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795404978.25, "what": "remove 4 of core_dumps (24.0 MiB)", "result": "24.0 MiB removed"}]
before:
  description: What was free, in bytes, percent and inodes.
  type: dict
  returned: always
  sample: {"total_bytes": 41943040, "available_bytes": 0, "free_percent": 0.0, "inodes_free": 120}
after:
  description: What is free now, or would be.
  type: dict
  returned: always
  sample: {"total_bytes": 41943040, "available_bytes": 25165824, "free_percent": 60.0, "inodes_free": 124}
goal:
  description: What was wanted; C(floor_bytes) is what Postfix wants before it accepts mail, and is part of C(bytes).
  type: dict
  returned: always
  sample: {"bytes": 21651456, "inodes": 50, "floor_bytes": 15360000}
holds:
  description: What the file system holds, such as V(root), V(queue), V(mailstore), V(log).
  type: list
  elements: str
  returned: always
  sample: [queue]
plan:
  description: What is to go, in that order, with C(path), C(kind), C(age_s), C(bytes) and C(why). At most 200.
  type: list
  elements: dict
  returned: always
  sample:
    - path: /var/spool/postfix/core.4711
      kind: core_dumps
      age_s: 259200
      bytes: 6291456
      why: a core dump, by its content; the newest of its program stays as evidence
planned:
  description: Sums of the plan for each kind.
  type: list
  elements: dict
  returned: always
  sample: [{"kind": "core_dumps", "files": 4, "bytes": 25165824}]
removed:
  description: Sums of what was removed for each kind.
  type: list
  elements: dict
  returned: always
  sample: [{"kind": "core_dumps", "files": 4, "bytes": 25165824}]
freed_bytes:
  description: How much was removed.
  type: int
  returned: always
  sample: 25165824
left:
  description: Planned things that stayed, counted by the reason.
  type: list
  elements: dict
  returned: always
  sample: [{"why": "it is open", "files": 1, "example": "/var/tmp/export.csv"}]
deleted_open:
  description:
    - Deleted files that still take room, with C(path), C(bytes), and who holds them (C(pid), C(name), C(unit)).
  type: list
  elements: dict
  returned: always
  sample: [{"path": "/var/log/app.log", "bytes": 104857600, "pid": 812, "name": "app", "unit": "app.service"}]
refused_patterns:
  description: Patterns of the site that could do harm, with the reason.
  type: list
  elements: dict
  returned: always
  sample: [{"path": "/", "why": "/ is far too much"}]
largest:
  description: What takes most of the file system, when the goal was not reached.
  type: list
  elements: dict
  returned: always
  sample: [{"path": "/var/spool/postfix/old-backup.tar", "bytes": 12582912, "entries": 1}]
notes:
  description: What else a person should know.
  type: list
  elements: str
  returned: always
  sample: ["Monit watches this host, and may start daemons too"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import OPTIONS, Guard
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge import kinds, patterns, result
from ansible_collections.mailops.triage.plugins.module_utils._aid.purge.work import Purge


def main() -> None:
    """Read the options, make room, report."""
    spec = {
        "guard": {"type": "dict", "required": True, "options": OPTIONS},
        "mount": {"type": "str", "required": True},
        "goal_percent": {"type": "float", "default": 15.0},
        "goal_bytes": {"type": "str"},
        "goal_inodes_percent": {"type": "float", "default": 10.0},
        "io": {"type": "str", "choices": ["any", "small"], "default": "any"},
        "max_bytes": {"type": "str"},
        "time_limit": {"type": "float", "default": 120.0},
        "kinds": {"type": "list", "elements": "str", "choices": list(kinds.NAMES)},
        "journal_keep": {"type": "str", "default": "128M"},
        "patterns": {"type": "list", "elements": "dict", "options": patterns.OPTIONS},
        "quarantine": {"type": "path"},
    }
    spec.update((name, {"type": "str", "default": age}) for name, age in kinds.DEFAULT_AGES.items())
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    asked = module.params
    for name in ("goal_percent", "goal_inodes_percent"):
        if not 0 < asked[name] < 100:
            module.fail_json(msg="%s must lie between 0 and 100, not %s" % (name, asked[name]))
    if asked["time_limit"] <= 0:
        module.fail_json(msg="time_limit must be more than 0 seconds, not %s" % asked["time_limit"])
    guard = Guard(asked["guard"], "purge_spool", asked["mount"], check=module.check_mode, makes_room=True)
    try:
        purge = Purge(asked, guard, check=module.check_mode)
    except ValueError as error:
        module.fail_json(msg=str(error))
    answer = purge.run()
    if module._diff:
        answer["diff"] = result.diff(answer)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
