#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

DOCUMENTATION = r"""
module: patch_window
short_description: Propose when to patch mail hosts, from when people need mail
version_added: 0.1.0
description:
  - Reads what M(mailops.triage.mail_week) counted on the hosts and proposes the windows in which the fewest messages
    and logins are affected, with the reasons. Shows the week as a heat map.
  - What is usual is the median of the last weeks for each time of the week. One newsletter does not change it, but is
    told about; hours that are missing from a log are missing, not quiet.
  - A proposal is advice. Nothing is scheduled.
  - Run it once for the whole play (C(run_once)). It needs no connection to the mail hosts.
notes:
  - Windows begin at every quarter of an hour. Real time is counted, an hour is an hour also in the night in which the
    clock is changed; holidays, days and rules are those of the O(timezone).
  - Of nights that are about equal the sooner one is proposed first, and within a night the beginning of the quiet time,
    which leaves room behind it.
  - Before ansible-core 2.19, a variable with a date that is not in quotes becomes one long string when it is put into
    an option. Quote dates there, or write C(| to_json | from_json) as the role does.
  - Connections count a tenth of a message or login, because many are nobody's.
extends_documentation_fragment:
  - mailops.triage.attributes
attributes:
  check_mode:
    support: full
    details: Then O(page) is not written.
  idempotent:
    support: partial
    details: A new page is a change. It is another one when time has passed, since other windows lie ahead.
options:
  weeks:
    description: What M(mailops.triage.mail_week) answered, by host.
    type: dict
    required: true
  groups:
    description:
      - Hosts that stand in for each other, such as the MX hosts of a domain, by name of the group. They are worked at
        one after the other, never two at once.
      - Without it, hosts with the same variable C(mail_redundancy_group).
    type: dict
  backup_mx:
    description: Hosts to begin with, because others do not lean on them.
    type: list
    elements: str
    default: []
  timezone:
    description:
      - IANA name of the time zone by whose clock people live, for example V(Europe/Berlin).
      - Without it C(tz) of the O(rules), else the time zone of most hosts.
    type: str
  length_minutes:
    description:
      - Minutes that one host needs, with the way back. Rounded up to a quarter of an hour.
      - The window is so many times longer as the largest group has members.
    type: int
    default: 60
  not_before:
    description: Begin of the time that is looked at, as V(2026-12-01T20:00), with or without a zone. Default is now.
    type: raw
  not_after:
    description: Its end; at most 92 days ahead. Default is two weeks after its begin.
    type: raw
  holidays:
    description:
      - Days on which people behave otherwise. They are left out of what is usual, and coming ones are taken to be as
        quiet as a Sunday.
      - Mappings with C(name), C(start) and C(end), dates or times; a date as C(end) means the whole of that day. Or
        paths of iCalendar files on the controller. Events that come again need the Python library python-dateutil
        there.
    type: list
    elements: raw
    default: []
  on_holidays:
    description: Whether a window may lie on a holiday (V(sunday)) or not (V(never)).
    type: str
    choices: [sunday, never]
    default: sunday
  blackouts:
    description: Times that no window may touch, such as a backup or a sale; written as O(holidays).
    type: list
    elements: raw
    default: []
  freezes:
    description: Times in which nothing is changed at all, such as the end of the year; written as O(holidays).
    type: list
    elements: raw
    default: []
  rules:
    description: What the site has decided once for all.
    type: dict
    default: {}
    suboptions:
      tz:
        description: Time zone of the rules, see O(timezone).
        type: str
      windows:
        description: When work is allowed. Without it, at any time.
        type: list
        elements: dict
        suboptions:
          days:
            description: As V(sat), V(mon-fri), V(weekdays), V(weekend), V(daily), or a list of such words.
            type: raw
            default: daily
          start:
            description: Time of the day, as V(22:00). Needed for a window that comes again.
            type: raw
          duration:
            description:
              - Minutes, or a text such as V(6h) or V(1h30m). The window ends when so much time is over or when the
                clock shows the usual end, whatever comes first. Needed for a window that comes again.
            type: raw
          cutoff:
            description: Into the last minutes of the window nothing may reach; written as C(duration).
            type: raw
            default: 0
          begin:
            description: When a window begins that comes once, in seconds since the epoch; in place of C(start).
            type: int
          end:
            description: When a window ends that comes once, in seconds since the epoch; in place of C(duration).
            type: int
          tz:
            description: IANA time zone of this window, where it is another one than that of the others.
            type: str
      blackouts:
        description: More O(blackouts).
        type: list
        elements: raw
      hold_hosts:
        description: Hosts that are not to be patched now.
        type: list
        elements: str
  page:
    description: File on the controller to write the proposal to, as one HTML page that needs nothing but itself.
    type: path
seealso:
  - module: mailops.triage.mail_week
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Count the last four weeks
  mailops.triage.mail_week:
  register: week

- name: Propose a window
  mailops.triage.patch_window:
    weeks: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'week'))) }}"
    length_minutes: 45
    holidays: [/etc/mailops/holidays.ics]
    freezes:
      - {name: end of the year, start: 2026-12-23, end: 2027-01-02}
    rules:
      tz: Europe/Berlin
      windows:
        - {days: [mon-thu, sun], start: "22:00", duration: 7h, cutoff: 30m}
    page: window.html
  run_once: true
  register: window
"""

RETURN = r"""
windows:
  description: At most three windows, the best first.
  type: list
  elements: dict
  returned: success
  contains:
    begin:
      description: Begin of the window, in seconds since the epoch.
      type: int
      returned: success
      sample: 1795654800
    end:
      description: Its end.
      type: int
      returned: success
      sample: 1795658400
    text:
      description: The same by the clock.
      type: str
      returned: success
      sample: Thu 2026-11-26 02:00 - 03:00 CET
    cutoff_s:
      description: Into so many seconds before the end of the rules' window nothing may reach; the proposal ends before.
      type: int
      returned: success
      sample: 0
    expected:
      description: What is expected to be affected, of all hosts.
      type: dict
      returned: success
      sample: {connections: 40, delivered: 20, logins: 6}
    confidence:
      description:
        - C(level) is V(high), V(medium) or V(low); C(days) how many whole days the log tells of, C(weeks) in how many
          weeks the time was seen, both on the host where that is least; C(because) why, in sentences.
      type: dict
      returned: success
      sample: {level: high, days: 27, weeks: 4, because: ["this time of the week was seen 4 times"]}
    why:
      description: What speaks for the window, and what to think of, in sentences.
      type: list
      elements: str
      returned: success
      sample: ["An ordinary time of that length has 782 messages and logins, this one about 30."]
    slots:
      description:
        - When each host is worked at, in order; C(slot) counts from 1. C(expected) is V(null) for a host of which
          nothing is known.
      type: list
      elements: dict
      returned: success
      sample:
        - host: mx1
          slot: 1
          begin: 1795654800
          end: 1795658400
          text: Thu 2026-11-26 02:00 - 03:00 CET
          groups: [mx]
          expected: {connections: 40, delivered: 20, logins: 6}
    cells:
      description: Its place in the heat map, as pairs of the day of the week, from 0 for Monday, and the hour.
      type: list
      elements: list
      returned: success
      sample: [[3, 2]]
why:
  description: What is to be said of the whole, above all why there is no window, or fewer.
  type: list
  elements: str
  returned: success
  sample: ["12 possible starts were left out because of freeze 'audit'."]
schema:
  description: Name and version of the answer's schema.
  type: str
  returned: success
  sample: mailops.triage/window/1
timezone:
  description: By whose clock it was thought.
  type: str
  returned: success
  sample: Europe/Berlin
length_minutes:
  description: Minutes for each host, rounded up.
  type: int
  returned: success
  sample: 60
slots:
  description: How many hosts are worked at one after the other.
  type: int
  returned: success
  sample: 2
from:
  description: Begin of the time that was looked at, in seconds since the epoch.
  type: int
  returned: success
  sample: 1795604400
until:
  description: Its end.
  type: int
  returned: success
  sample: 1796814000
hosts:
  description: Hosts that the proposal is about.
  type: list
  elements: str
  returned: success
  sample: [mail1]
held:
  description: Hosts that the rules hold.
  type: list
  elements: str
  returned: success
  sample: []
without_data:
  description: Those of them of which nothing is known, with the reason. They get a slot all the same.
  type: dict
  returned: success
  sample: {}
heat:
  description:
    - For each day of the week, from Monday, and each hour the messages and logins that are usual, of all hosts
      together; connections count a tenth. V(null) when not known.
  type: list
  elements: list
  returned: success
  sample: [[30.7, 30.7, 12.1]]
data:
  description: By host, what the proposal rests on.
  type: dict
  returned: success
  sample: {mail1: {days: 27, hours: 671, from: 1793185200, until: 1795604400, gaps: 0, hours_in_gaps: 0, notes: []}}
picture:
  description: The heat map with the windows marked, in plain ASCII.
  type: str
  returned: success
  sample: " Mon ....  []"
"""
