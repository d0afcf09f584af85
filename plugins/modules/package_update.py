#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the packages of a mail host up to date, or back."""

DOCUMENTATION = r"""
module: package_update
short_description: List, download, apply and take back package updates of a mail host
version_added: 0.1.0
description:
  - Works with apt and with dnf 4. Versions can be frozen with O(only), so that all hosts of a night get the same ones.
  - Before anything is unpacked the packages are downloaded, the packages of the versions that are there are kept for
    the way back, and the file systems are looked at. It is refused where there is no room.
  - The update itself runs as a transient unit of systemd, C(mailops-triage-update.service), or in a session of its own
    where there is no systemd. It is carried out also when the connection to the host breaks. A second call of the same
    run waits for it and tells how it ended.
  - What an earlier update left half done is finished first. Nothing is ever removed. Changed configuration files stay
    as they are, and nobody is asked.
  - No service is restarted, beyond what the packages themselves restart. RV(restarts) names those that run on replaced
    files; M(mailops.triage.daemon_restart) restarts them.
notes:
  - Packages on hold, and with dnf those under a version lock, stay.
  - A way back from a version is a way for the files of a package alone. What a daemon made of its database or its mail
    meanwhile stays as it is. A kernel or a library that came anew stays, too.
  - Needs root.
extends_documentation_fragment:
  - mailops.triage.remedy
  - mailops.triage.remedy.acts
options:
  state:
    description:
      - V(listed) tells what is pending.
      - V(downloaded) downloads it, and keeps the packages of the versions that are there.
      - V(applied) brings the host to the new versions.
      - V(rolled_back) brings it back to the versions before the last update, or to those in O(only).
    type: str
    choices: [listed, downloaded, applied, rolled_back]
    default: listed
  select:
    description:
      - V(security) takes what cures a known security problem, in the version that brings the cure and no more. With apt
        this is the newest version of a security archive, with dnf that of the newest security advisory, as
        C(dnf upgrade-minimal --security) takes it. Where a newer version without such a fix is there, it stays pending.
      - V(mail) takes what serves mail. Postfix, Dovecot, what stands beside them, and what their processes have loaded.
      - V(all) takes everything.
    type: str
    choices: [security, mail, all]
    default: security
  only:
    description:
      - Names of packages, each with the one version that is wanted, as text in quotes. O(select) is not looked at then.
      - A package that is not installed is passed over, and so is a version that is older than the installed one.
      - It is an error when the archive does not have the version any more.
    type: dict
  exclude:
    description: Patterns of package names that stay as they are.
    type: list
    elements: str
    default: []
  refresh:
    description: Renew the package lists first. Not done in check mode.
    type: bool
    default: false
  time_limit:
    description:
      - Seconds after which this call comes back. An update that is under way then is not broken off; RV(state) is
        V(running), and another call goes on waiting for it.
    type: float
    default: 1800.0
  backend:
    description: The package manager; V(auto) finds it out.
    type: str
    choices: [auto, apt, dnf]
    default: auto
seealso:
  - module: mailops.triage.daemon_restart
  - module: mailops.triage.mail_facts
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: See which security updates are pending
  mailops.triage.package_update:
    state: listed
    refresh: true
    guard: {run: 20261125T220000Z-5f3a}
  register: found

- name: Download what was frozen in the plan of the night
  mailops.triage.package_update:
    state: downloaded
    only: {dovecot-core: "1:2.3.19.1+dfsg1-2.1+deb12u2", libssl3: "3.0.17-1~deb12u3"}
    guard: {run: 20261125T220000Z-5f3a}

- name: Apply it
  mailops.triage.package_update:
    state: applied
    only: {dovecot-core: "1:2.3.19.1+dfsg1-2.1+deb12u2", libssl3: "3.0.17-1~deb12u3"}
    guard: {run: 20261125T220000Z-5f3a}
  register: updated

- name: Go back to the versions before
  mailops.triage.package_update:
    state: rolled_back
    guard: {run: 20261125T220000Z-5f3a}
"""

RETURN = r"""
backend:
  description: The package manager.
  type: str
  returned: always
  sample: apt
state:
  description:
    - V(planned) (check mode), V(done), V(nothing) when it is as it should be already, V(refused), V(failed), or
      V(running) when O(time_limit) was over before the update was.
  type: str
  returned: always
  sample: done
code:
  description:
    - One word for why it was refused - V(maintenance), V(locked), V(busy), V(state), V(no_room), V(no_record),
      V(no_way_back).
    - Or for why it failed - V(no_answer), V(unmet), V(version_gone), V(download), V(job), V(io), V(disk_full),
      V(interrupted), V(half_configured), V(failed), V(not_done).
    - Or V(time_limit); or V(half_configured) for a download that has to wait until O(state=applied) finished something.
  type: str
  returned: always
  sample: no_room
why:
  description: The same in one sentence.
  type: str
  returned: always
  sample: 3 packages changed
retry_at:
  description: When it may be tried again, in seconds since the epoch, or V(null).
  type: float
  returned: always
  sample: null
pending:
  description:
    - What is pending of what was asked for, what serves mail first. After an update, what is left.
    - C(candidate) is the version that would be taken; C(daemon) the part of the mail host; C(used_by) the units that
      have files of the package loaded.
  type: list
  elements: dict
  returned: always
  sample:
    - package: libssl3
      arch: amd64
      installed: 3.0.15-1~deb12u1
      candidate: 3.0.17-1~deb12u3
      origin: Debian-Security:12/oldstable-security
      security: true
      held: false
      mail_path: true
      daemon: library
      used_by: [dovecot.service, ssh.service]
pending_more:
  description: How many more are pending than RV(pending) names, which ends after 2000.
  type: int
  returned: always
  sample: 0
changed_packages:
  description: What the run changed. C(from) is V(null) for a package that came anew.
  type: list
  elements: dict
  returned: always
  sample: [{"package": "libssl3", "from": "3.0.15-1~deb12u1", "to": "3.0.17-1~deb12u3"}]
room:
  description:
    - What is needed in bytes, and what is available on the file system C(where) it is tightest. C(enough) is V(null) as
      long as nothing is planned.
  type: dict
  returned: always
  sample:
    needed_download: 2621440
    needed_unpack: 10485760
    available: 5368709120
    missing: 0
    enough: true
    where: /
restarts:
  description: Units that run on replaced files, and may be restarted one by one.
  type: list
  elements: str
  returned: always
  sample: [postfix@-.service, unbound.service]
stale_left:
  description: Units that do so, and are nobody's business here, such as those by which people log in.
  type: list
  elements: str
  returned: always
  sample: [ssh.service]
reboot:
  description:
    - C(required) with the reasons in C(why). C(advised) names what runs on replaced files and is renewed only by a
      restart of the host.
  type: dict
  returned: always
  sample: {"required": false, "why": [], "advised": [dbus.service]}
conffiles_left:
  description: Configuration files of new versions that lie beside the ones in use.
  type: list
  elements: str
  returned: always
  sample: [/etc/dovecot/conf.d/10-ssl.conf.dpkg-dist]
half_configured:
  description: Packages that are not completely installed, each with C(package) and C(state).
  type: list
  elements: dict
  returned: always
  sample: [{"package": "dovecot-core", "state": "half-configured"}]
kept_debs:
  description:
    - Packages for the way back, each with C(package), C(version) and C(path), which is V(null) where there is none.
  type: list
  elements: dict
  returned: always
  sample:
    - package: libssl3
      version: 3.0.15-1~deb12u1
      path: /var/lib/mailops-triage/packages/libssl3_3.0.15-1~deb12u1_amd64.deb
log:
  description:
    - The last lines of what the package manager said, when something was changed or went wrong.
    - Untrusted, as scripts of packages write it; control characters are removed.
  type: str
  returned: always
  sample: "Setting up libssl3:amd64 (3.0.17-1~deb12u3) ..."
steps:
  description: What was done, in order; each with C(at), C(what) and C(result).
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795404978.25, "what": "download 2621440 bytes", "result": "done"}]
notes:
  description: Remarks.
  type: list
  elements: str
  returned: always
  sample: ["redis-server is on hold and stays at 5:7.0.15-1~deb12u1"]
diff:
  description: The packages before and after, in diff mode.
  type: dict
  returned: in diff mode
  sample: {"before": "libssl3 3.0.15-1~deb12u1\n", "after": "libssl3 3.0.17-1~deb12u3\n"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid.guard import OPTIONS, Guard
from ansible_collections.mailops.triage.plugins.module_utils._update import choice, outcome, work
from ansible_collections.mailops.triage.plugins.module_utils._update.backends import BACKENDS, find


def main() -> None:
    """Read the options, do it, report."""
    module = AnsibleModule(
        argument_spec={
            "guard": {"type": "dict", "required": True, "options": OPTIONS},
            "state": {"type": "str", "choices": list(work.STATES), "default": "listed"},
            "select": {"type": "str", "choices": list(choice.SELECTS), "default": "security"},
            "only": {"type": "dict"},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "refresh": {"type": "bool", "default": False},
            "time_limit": {"type": "float", "default": 1800.0},
            "backend": {"type": "str", "choices": ["auto"] + list(BACKENDS), "default": "auto"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    if asked["time_limit"] <= 0:
        module.fail_json(msg="time_limit must be more than 0 seconds, not %s" % asked["time_limit"])
    wrong = choice.wrong(asked["only"] or {})
    if wrong:
        module.fail_json(msg=wrong)
    backend = find(asked["backend"])
    if backend is None:
        module.fail_json(msg="no package manager that is known here (apt, dnf 4); found none for %s" % asked["backend"])
    names = work.not_backups if asked["state"] == "rolled_back" else None
    guard = Guard(asked["guard"], "package_update", asked["state"], check=module.check_mode, names=names)
    answer = work.Update(asked, backend, guard, check=module.check_mode).run()
    if module._diff:
        answer["diff"] = outcome.diff(answer)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
