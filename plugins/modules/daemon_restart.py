#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring one daemon of a mail host back."""

DOCUMENTATION = r"""
module: daemon_restart
short_description: Start, reload or restart a mail daemon where that helps, and refuse where it would do harm
version_added: 0.1.0
description:
  - Saves the evidence first (RV(evidence)); once a daemon is restarted nobody can see what it hung in. All looks
    together take five seconds at most, whatever hangs.
  - Then looks for what would make the restart the harm. It is refused with RV(code) and RV(why) when the configuration
    does not pass the daemon's own check, when a file system that the daemon writes to is full, has no inodes left,
    is read-only, answers with an error or does not answer (found out by writing), when the unit is masked or
    disabled, when an operator's command stopped it (known of Postfix and Dovecot), when somebody looks into the
    daemon with a debugger, when the kernel holds its main process, or when it is a milter or the log-in server that
    is dead and not this daemon.
  - Then takes the gentlest step that can work. What is down is started. What somebody stopped with a signal is
    continued, and only restarted when it does not serve after that. What does not obey a stop is asked again (TERM) and
    then killed (KILL), only processes of the unit's own control group, each known by its start time.
  - A restart is one job in systemd's hands. It is carried out also when the connection to the host breaks, and never
    ends half-way as a stop.
  - Waits until the unit is active, its main process runs, its sockets are there, and all of it stays so for two
    seconds.
notes:
  - Whether mail flows again is proved elsewhere, by the probe that found the fault. After Dovecot's return Postfix
    needs up to 60 seconds to try its submission service again; a restart of Postfix only to shorten this is not done.
  - Whichever of the two is stopped in the middle of a delivery, Postfix may not hear, or not have noted yet, that
    Dovecot has saved the message; it delivers it again, so the user may find it twice (RFC 1047). No message is lost.
  - On Debian 12 C(postfix.service) only calls C(postfix@-.service); this one is meant by both names.
  - An alias of a unit, such as C(mysql.service) of C(mariadb.service), stands for the unit behind it.
  - In check mode C(postfix check) is left out, because it puts the queue in order; RV(notes) says so.
  - Needs root and systemd.
extends_documentation_fragment:
  - mailops.triage.remedy
  - mailops.triage.remedy.acts
options:
  service:
    description: The unit, or a product such as V(postfix), V(dovecot), V(opendkim), V(unbound).
    type: str
    required: true
  how:
    description:
      - V(start) starts what is down, and leaves alone what runs.
      - V(reload) lets it read its configuration again; helper processes that hung before and are still there are ended.
      - V(restart) is for what runs and is sick; what is down is started.
      - V(kill_helper) ends the processes of the name O(process) that hang, and no others; the main process starts new
        ones.
    type: str
    choices: [start, reload, restart, kill_helper]
    default: start
  process:
    description: Name of the helper process, for example V(qmgr). Needed with O(how=kill_helper).
    type: str
  found_at:
    description:
      - When the fault was found, in seconds since the epoch by the host's clock. A daemon that was brought back
        since then is left alone.
    type: float
  settle:
    description: Seconds that the daemon gets to come up.
    type: float
    default: 30.0
  stop_timeout:
    description: Seconds that its processes get to end by themselves before they are made to.
    type: float
    default: 20.0
seealso:
  - module: mailops.triage.mail_facts
  - module: mailops.triage.mail_probe
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Start Postfix, which is down
  mailops.triage.daemon_restart:
    guard: {run: 20260301T080000Z-5f3a, ticket: INC-4711}
    service: postfix@-.service
    how: start
  register: restarted

- name: End the queue manager that hangs
  mailops.triage.daemon_restart:
    guard: {run: 20260301T080000Z-5f3a}
    service: postfix
    how: kill_helper
    process: qmgr
"""

RETURN = r"""
action:
  description: Name of the remedy.
  type: str
  returned: always
  sample: restart_daemon
subject:
  description: The unit that it was about.
  type: str
  returned: always
  sample: postfix@-.service
state:
  description:
    - V(planned) (check mode), V(done), V(refused), V(failed), or V(nothing) when it is as it should be already.
  type: str
  returned: always
  sample: done
code:
  description:
    - One word for why it was refused - V(maintenance), V(locked), V(busy), V(grace), V(budget), V(state),
      V(no_systemd), V(unknown_unit), V(unknown_process), V(not_ours), V(masked), V(disabled), V(stopped),
      V(storage_hung), V(storage_error), V(spool_readonly), V(spool_full), V(syntax), V(dependency), V(elsewhere),
      V(hung), V(down), V(traced), V(stuck), V(no_reload), V(gone).
    - Or for why it failed - V(start_failed), V(not_up), V(not_listening), V(reload_failed), V(stuck), V(no_systemd),
      V(grace), V(budget).
  type: str
  returned: always
  sample: spool_full
why:
  description: The same in one sentence.
  type: str
  returned: always
  sample: "/var/spool/postfix (the queue) is full: 0 bytes free, 15360000 needed; a restart would make it worse"
retry_at:
  description: When it may be tried again, in seconds since the epoch, or V(null).
  type: float
  returned: always
  sample: null
steps:
  description: What was done, in order; each with C(at), C(what) and C(result). In check mode what would be done.
  type: list
  elements: dict
  returned: always
  sample: [{"at": 1795404978.25, "what": "systemctl start", "result": "taken"}]
before:
  description: The unit, its main process, its number of processes and its listening sockets before anything was done.
  type: dict
  returned: always
  sample: {"unit": "postfix@-.service", "active": "inactive", "main": null, "listens": []}
after:
  description: The same afterwards; empty when nothing was done.
  type: dict
  returned: always
  sample: {"unit": "postfix@-.service", "active": "active", "listens": ["0.0.0.0:25"]}
notes:
  description: Remarks.
  type: list
  elements: str
  returned: always
  sample: []
evidence:
  description:
    - What was saved before anything was touched, as text by name - C(unit), C(status), C(journal), C(kernel),
      C(log), C(processes), C(open_files), C(core_dumps), C(host), and C(queue) of Postfix. At most 48 KiB each.
      Empty when there was nothing to do.
    - Untrusted, as it holds log lines; control characters are removed.
  type: dict
  returned: always
  sample: {"processes": "7 processes\n1234 master state T in do_signal_stop, 8211 s old, 4936 KiB"}
diff:
  description: The daemon before and after, in diff mode.
  type: dict
  returned: in diff mode
  sample: {"before": "postfix@-.service: inactive\n", "after": "postfix@-.service: active\n"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._aid import guard, restart


def main() -> None:
    """Read the options, bring it back, report."""
    module = AnsibleModule(
        argument_spec={
            "guard": {"type": "dict", "required": True, "options": guard.OPTIONS},
            "service": {"type": "str", "required": True},
            "how": {"type": "str", "choices": list(restart.HOWS), "default": "start"},
            "process": {"type": "str"},
            "found_at": {"type": "float"},
            "settle": {"type": "float", "default": 30.0},
            "stop_timeout": {"type": "float", "default": 20.0},
        },
        required_if=[("how", "kill_helper", ["process"])],
        supports_check_mode=True,
    )
    for name in ("settle", "stop_timeout"):
        if not 0 < module.params[name] <= 600:
            module.fail_json(msg="%s must be between 0 and 600 seconds, not %s" % (name, module.params[name]))
    result = restart.DaemonRestart(module.params, module.check_mode).run()
    if module._diff:
        result["diff"] = restart.diff(result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
