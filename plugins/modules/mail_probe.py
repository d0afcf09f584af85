#!/usr/bin/python
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probe mail services over the network."""

DOCUMENTATION = r"""
module: mail_probe
short_description: Probe many mail hosts at once, up to the depth their protocols allow
version_added: 0.1.0
description:
  - Probes all services of all targets at the same time, from the host on which it runs. A thousand hosts with six
    services each take a few seconds; those that do not answer cost their time-out once, not once each.
  - Each service is climbed like a ladder, rung by rung in one session, every rung with its own time and the code and
    text of the answer. The ladder ends at the first rung that fails, and says good-bye as the protocol wants it.
  - V(smtp), V(submission) and V(submissions) go from connect over banner, EHLO, STARTTLS (where offered), MAIL and RCPT
    to RSET. Submission without an O(account) ends where a login would have to follow. V(lmtp) goes to MAIL, and to RCPT
    for the mailbox of O(account). Nothing is ever delivered.
  - V(imap), V(imaps), V(pop3), V(pop3s) and V(sieve) show what the server can do, STARTTLS (where offered), and with an
    O(account) the login and the mailbox (not V(sieve)). V(ssh) reads the banner and tries no login.
  - Certificates are read, not trusted; expired ones and old versions of TLS are facts like others, not errors.
  - It tells a port that is closed (V(refused)) from one that is blocked (V(filtered)), a host that is silent
    (V(timeout)), and a service that accepts connections but does not speak (V(no_banner)).
  - Plain facts, no retries. Before calling a service dead for a single V(reset) a caller may want to probe again.
notes:
  - All text that came from servers is untrusted. It is bounded and free of control characters, and must not be
    templated.
  - Five ICMP echo requests go to each target where the process may send them, by an ICMP socket
    (C(net.ipv4.ping_group_range)) or a raw one. Otherwise C(ping) is run, only for targets on which nothing connected.
  - A failed login may be counted by tools like fail2ban. Use an account made for the probe, and let them ignore this
    host. The password travels only inside TLS, or to a loopback address. Since certificates are not verified, give the
    account no rights beyond its own mailbox.
  - Servers with greylisting or postscreen answer V(450) to strangers at RCPT; let them know the probing host.
  - The soft limit of open files is raised to the hard one while the module runs, and bounds how many services are
    probed at the same time.
extends_documentation_fragment:
  - mailops.triage.attributes
  - mailops.triage.probing
options:
  targets:
    description: The hosts to probe.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name under which the target is found in the result. Must not be there twice.
        type: str
        required: true
      address:
        description:
          - Name or IP address. Without it O(targets[].name) is taken.
          - A name is resolved, and probed over IPv4 and IPv6 apart, at its first address of each family. It is also the
            server name that is sent in TLS.
        type: str
      services:
        description: The services to probe.
        type: list
        elements: dict
        required: true
        suboptions:
          protocol:
            description: What is spoken there.
            type: str
            required: true
            choices: [smtp, submission, submissions, imap, imaps, pop3, pop3s, lmtp, sieve, ssh]
          port:
            description:
              - TCP port. Without it the usual one of the protocol; 25 for V(smtp), 587 for V(submission), 465 for
                V(submissions), 143 for V(imap), 993 for V(imaps), 110 for V(pop3), 995 for V(pop3s), 24 for V(lmtp),
                4190 for V(sieve), 22 for V(ssh).
            type: int
  timeout:
    description:
      - Seconds each rung may take, however many packets or bytes its answer comes in.
      - Only a mail server that has shown the first of several lines of its greeting is given up to 8 seconds for the
        others, since Postfix's postscreen makes strangers wait there.
    type: float
    default: 3.0
  deadline:
    description: Seconds the whole call may take. What is not finished then is V(skipped), or V(timeout) if it had its
      time.
    type: float
    default: 15.0
  per_host:
    description: Connections into one address at the same time, from 1 to 8.
    type: int
    default: 8
  helo:
    description: Name to greet mail servers with. Without it this host's name if that is fully qualified, else its
      address.
    type: str
  sender:
    description: Envelope sender. The default is the empty one, as for a bounce.
    type: str
    default: ""
  recipient:
    description: Envelope recipient, an address that exists. Nothing is delivered to it.
    type: str
    default: postmaster
  ping:
    description: Whether to send ICMP echo requests too.
    type: bool
    default: true
  vantage:
    description: Name of the place from where is probed, for the result. Without it the name of this host.
    type: str
  families:
    description: Address families to probe.
    type: list
    elements: str
    choices: [ipv4, ipv6]
    default: [ipv4, ipv6]
author:
  - mailops.triage authors (@mailops)
"""

EXAMPLES = r"""
- name: Probe two mail hosts from here
  mailops.triage.mail_probe:
    targets:
      - name: mail1
        address: 192.0.2.11
        services:
          - protocol: smtp
          - protocol: imaps
      - name: mail2.example.org
        services:
          - protocol: smtp
          - protocol: submission
            port: 10587
  delegate_to: localhost
  register: here

- name: Probe with a login, from a host in a department's network
  mailops.triage.mail_probe:
    vantage: department
    targets: "{{ mail_targets }}"
    account:
      user: probe@example.org
      password: "{{ vault_probe_password }}"
  delegate_to: department-gateway
  register: there

- name: Show the services that are not well
  ansible.builtin.debug:
    msg: "{{ here.probe.hosts.mail1.services | rejectattr('outcome', 'equalto', 'ok') | map(attribute='protocol') }}"
"""

RETURN = r"""
probe:
  description: What was found.
  type: dict
  returned: success
  contains:
    vantage:
      description: Name of the place from where was probed.
      type: str
      returned: success
      sample: department
    started:
      description: When the sweep began, in seconds since the epoch.
      type: float
      returned: success
      sample: 1772352000.125
    seconds:
      description: How long it took, in seconds.
      type: float
      returned: success
      sample: 0.874
    hosts:
      description: The targets by name. Each value is a dictionary as shown here.
      type: dict
      returned: success
      contains:
        resolve:
          description:
            - How the address was found, a dictionary of C(outcome) (V(ok) or V(error)), C(addresses) (all of them),
              C(text) (reason of an error) and C(ms) (milliseconds).
          type: dict
          returned: success
          sample: {"outcome": "ok", "addresses": ["192.0.2.11"], "text": "", "ms": 0.0}
        ping:
          description:
            - ICMP echo to the first address. C(outcome) is V(ok) (at least one answer), V(timeout), V(unreachable) or
              V(skipped) (the reason is in C(text)); C(sent) and C(received) count packets; C(loss_percent) and
              C(rtt_ms) (mean round trip in milliseconds) are null where they mean nothing.
          type: dict
          returned: success
          sample: {"outcome": "ok", "sent": 5, "received": 5, "loss_percent": 0.0, "rtt_ms": 0.31, "text": ""}
        neighbour:
          description:
            - What the kernel's neighbour table says of the address afterwards (the IPv4 address if there is one).
              V(reachable), V(incomplete) (no answer at the link), V(none) (not a neighbour) or V(unknown) (no address,
              or no table).
          type: str
          returned: success
          sample: reachable
        source:
          description:
            - The address of the vantage point that its packets to the host come from, which a filter on the host would
              see where nothing translates addresses in between. Null when there is no route.
          type: str
          returned: success
          sample: 198.51.100.11
        services:
          description: One record per service and address family, in the order of the services asked for.
          type: list
          elements: dict
          returned: success
          contains:
            protocol:
              description: As asked for.
              type: str
              returned: success
              sample: smtp
            port:
              description: TCP port.
              type: int
              returned: success
              sample: 25
            family:
              description: V(ipv4) or V(ipv6). Null when there was no address.
              type: str
              returned: success
              sample: ipv4
            address:
              description: Address that was probed. Null when there was none.
              type: str
              returned: success
              sample: 192.0.2.11
            outcome:
              description:
                - V(ok), also when slow.
                - V(refused), the host or a firewall said that the port is closed.
                - V(filtered), a router or firewall said that the way is closed, or there is no route.
                - V(timeout), silence; RV(probe.hosts.services[].rung) says where.
                - V(no_banner), connected, but not greeted in time.
                - V(reset), the server closed or reset the connection.
                - V(protocol_error), an answer that is not a good one, or not of the protocol.
                - V(auth_error), the login was refused.
                - V(tls_error), no TLS session came about.
                - V(skipped), not judged; the reason is in RV(probe.hosts.services[].text).
              type: str
              returned: success
              sample: protocol_error
            rung:
              description: V(done), or the first rung that failed.
              type: str
              returned: success
              sample: mail
            code:
              description: Code of the answer that ended the ladder, as the protocol has it. Null when all went well,
                or none came.
              type: str
              returned: success
              sample: "452"
            text:
              description:
                - Text of the answer that ended the ladder, or what went wrong. The text of the greeting when all went
                  well, or why a login was not tried. Untrusted.
              type: str
              returned: success
              sample: 4.3.1 Insufficient system storage
            ms:
              description: From the first packet to the end, in milliseconds.
              type: float
              returned: success
              sample: 12.3
            rungs:
              description:
                - What was climbed, in order. V(connect), V(tls), V(banner), V(ehlo), V(helo), V(lhlo), V(capability),
                  V(starttls), V(login), V(mail), V(rcpt), V(rset), V(select), V(stat), V(quit) (whatever the protocol's
                  good-bye is called; it has no influence on the outcome).
                - Each is a dictionary of C(rung), C(ok) (boolean), C(code), C(text) (untrusted) and C(ms). A connect
                  of about 1000 or 3000 ms means that the first packets were lost.
              type: list
              elements: dict
              returned: success
              sample:
                - {"rung": "connect", "ok": true, "code": null, "text": "", "ms": 0.4}
                - {"rung": "banner", "ok": true, "code": "220", "text": "mail1.example.org ESMTP", "ms": 3.1}
            retransmits:
              description: Segments that had to be sent again on this connection, the first included. More than a few
                mean that packets are lost. Null without a connection, or where the kernel does not say.
              type: int
              returned: success
              sample: 0
            certificate:
              description:
                - The server's certificate, null without TLS. C(not_before) and C(not_after) are seconds since the
                  epoch; C(subject) and C(issuer) show common name and organisation; C(names) are the DNS names and
                  addresses it is valid for; C(serial) and C(sha256) (of the whole certificate) are hexadecimal.
              type: dict
              returned: success
              sample:
                not_before: 1764547200
                not_after: 1772323200
                subject: CN=mail1.example.org
                issuer: CN=Example CA, O=Example
                names: [mail1.example.org]
                serial: 1a2b3c
                sha256: 5d54cb2f1f9de954baaa8d60e74e93dd00320e710468f9076c536f5b3eed6ce5
                self_signed: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.mailops.triage.plugins.module_utils._probe.options import OptionError
from ansible_collections.mailops.triage.plugins.module_utils._probe.sweep import sweep

PROTOCOLS = ["smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "lmtp", "sieve", "ssh"]


def main() -> None:
    """Read the options, sweep, report."""
    module = AnsibleModule(
        argument_spec={
            "targets": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "address": {"type": "str"},
                    "services": {
                        "type": "list",
                        "elements": "dict",
                        "required": True,
                        "options": {
                            "protocol": {"type": "str", "required": True, "choices": PROTOCOLS},
                            "port": {"type": "int"},
                        },
                    },
                },
            },
            "timeout": {"type": "float", "default": 3.0},
            "deadline": {"type": "float", "default": 15.0},
            "per_host": {"type": "int", "default": 8},
            "helo": {"type": "str"},
            "sender": {"type": "str", "default": ""},
            "recipient": {"type": "str", "default": "postmaster"},
            "account": {
                "type": "dict",
                "options": {
                    "user": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                },
            },
            "ping": {"type": "bool", "default": True},
            "vantage": {"type": "str"},
            "families": {"type": "list", "elements": "str", "choices": ["ipv4", "ipv6"], "default": ["ipv4", "ipv6"]},
        },
        supports_check_mode=True,
    )
    options = dict(module.params)
    targets = options.pop("targets")
    try:
        result = sweep(targets, options)
    except OptionError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, probe=result)


if __name__ == "__main__":
    main()
