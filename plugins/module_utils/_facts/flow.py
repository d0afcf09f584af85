# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flow of mail and of logins in a log: counts by minute, and who has the largest share of the last hour.

Each handler takes the message of one line of one daemon, as bytes, and reads it from its beginning; it returns true
when the line was an ordinary one, so that no signature need be looked for in it.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import re
from collections import Counter

from ansible_collections.mailops.triage.plugins.module_utils._facts import people, sketch
from ansible_collections.mailops.triage.plugins.module_utils._facts.reasons import normal

COUNTERS = (
    "connections",
    "accepted",
    "rejected",
    "greylisted",
    "deferred",
    "bounced",
    "delivered",
    "submitted",
    "logins",
    "failed_logins",
)
(_CONNECTIONS, _ACCEPTED, _REJECTED, _GREYLISTED, _DEFERRED, _BOUNCED, _DELIVERED, _SUBMITTED, _LOGINS, _FAILED) = (
    range(len(COUNTERS))
)
# What is named in lines, collected for each piece of the log and then absorbed into sketches.
NAMED = (
    "clients",
    "senders",
    "recipients",
    "accounts",
    "reasons",
    "message_ids",
    "failing_sources",
    "failing_accounts",
    "rejected_clients",
    "bounced_destinations",
)
HOUR = 3600.0
_OPEN = 20000
_PLACE = {b"sent": _DELIVERED, b"deferred": _DEFERRED, b"bounced": _BOUNCED, b"expired": _BOUNCED}
# A recipient in quotes may hold anything, even all of what follows here: such lines are not counted.
_DELIVERY = re.compile(
    rb"\w+: to=<([^<>\"]*)>, (?:orig_to=<[^<>]*>, )?relay=[^\s,]*, (?:conn_use=\d+, )?delay=[\d.]+, delays=[\d./]+, "
    rb"dsn=[\d.]+, status=([a-z]+) \("
)
_SASL = re.compile(rb"warning: [^\s\[]+\[([^\]]*)\]: SASL [\w-]+ authentication failed")
_REJECT = re.compile(rb"\w+: (?:milter-)?reject: (?:[A-Z-]+ )?(?:\(?[\w ]*\)? ?)?from [^\s\[]*\[([^\]]*)\](?::\d+)?: ")
_RECIPIENTS = re.compile(rb"\d+, nrcpt=(\d{1,9}) ")
_AUTH = re.compile(rb" auth=(\d{1,9})(?:/\d+)?(?: |$)")
_LOGIN_FAILED = re.compile(rb"[^<>]*\(auth failed, (\d{1,9}) attempts")
_GREY = re.compile(rb"[Gg]r[ea]y-?list")


class Flow(object):
    """Counts of the lines it is given.

    :param now: epoch; names are counted for the hour before
    :param names: whether names are counted at all
    """

    def __init__(self, now, names=True):
        self.now, self._names = now, names
        self.minutes = {}
        self.totals = [0] * len(COUNTERS)
        self.lines = 0
        self.people = people.People()
        self.tops = {name: sketch.Top() for name in NAMED + ("blocks", "failing_blocks", "destinations")}
        self.distinct = {name: sketch.Distinct() for name in self.tops}
        self.queued = self.null_sender = 0
        # Time stamps of the last good event of each kind, as they stand in the log; see signatures.good.
        self.good = {}
        self.stamp = None
        self.minute, self.detail = 0, False
        self._row = [0] * len(COUNTERS)
        self._open = {}
        self._fresh()
        self.handlers = {
            "smtpd": self.smtpd,
            "qmqpd": self.smtpd,
            "postscreen": self.postscreen,
            "cleanup": self.cleanup,
            "pickup": self.pickup,
            "qmgr": self.qmgr,
            "nqmgr": self.qmgr,
            "dovecot": self.dovecot,
            "anvil": self.anvil,
        }
        for name in ("smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", "retry"):
            self.handlers[name] = self.smtp if name == "smtp" else self.lmtp if name == "lmtp" else self.delivery

    def _fresh(self):
        self._named = {name: [] for name in NAMED}
        self._clients, self._rejected = self._named["clients"], self._named["rejected_clients"]
        self._recipients, self._ids = self._named["recipients"], self._named["message_ids"]

    def turn(self, minute):
        """The lines from now on are of this minute (epoch)."""
        self.minute = minute
        self.detail = self._names and minute > self.now - HOUR - 60
        self._row = self.minutes.get(minute)
        if self._row is None:
            self._row = self.minutes[minute] = [0] * len(COUNTERS)

    def absorb(self):
        """A piece of the log has ended: put what it named into the sketches, and fold up the minutes of old."""
        for name, keys in self._named.items():
            if not keys:
                continue
            counts = Counter(keys)
            if name == "reasons":
                merged = Counter()
                for key, number in counts.items():
                    merged[normal(key)] += number
                counts = merged
            self._take(name, counts)
            if name == "clients":
                self._take("blocks", sketch.blocks(counts))
            elif name == "failing_sources":
                self._take("failing_blocks", sketch.blocks(counts))
            elif name == "recipients":
                domains = Counter()
                for key, number in counts.items():
                    domains[key.rpartition(b"@")[2].lower()] += number
                self._take("destinations", domains)
        self._fresh()
        for minute in [minute for minute in self.minutes if minute <= self.now - HOUR - 60]:
            row = self.minutes.pop(minute)
            self.totals = [have + more for have, more in zip(self.totals, row)]
        # A row that was folded up must not be counted into any more.
        self.turn(self.minute)
        while len(self._open) > _OPEN:
            del self._open[next(iter(self._open))]

    def _take(self, name, counts):
        self.tops[name].absorb(counts)
        self.distinct[name].absorb(counts)

    # One handler for each kind of daemon

    def smtpd(self, message):
        """Postfix's server: connections, refusals, logins by SASL."""
        if message.startswith(b"connect from "):
            self._row[_CONNECTIONS] += 1
            if self.detail:
                self._clients.append(message[message.rfind(b"[") + 1 : message.rfind(b"]")])
            return True
        if message.startswith(b"disconnect from "):
            if b" auth=" in message:
                found = _AUTH.search(message)
                self._row[_LOGINS] += min(int(found.group(1)), 1000) if found else 0
            return True
        place = message.find(b": client=", 0, 30)
        if place > 0:
            self._open[message[:place]] = message[place + 9 :]
            self.good["message_in"] = self.stamp
            if b", sasl_method=" in message:
                self.good["submitted"] = self.stamp
            return True
        if message.startswith((b"Anonymous TLS c", b"Trusted TLS c", b"Untrusted TLS c", b"Verified TLS c")):
            return True
        if b"reject: " in message:
            self._reject(message)
        elif b" authentication failed" in message:
            found = _SASL.match(message)
            if found:
                self._row[_FAILED] += 1
                if self.detail:
                    name = message.rpartition(b", sasl_username=")
                    self._failure(name[2] if name[1] else b"", found.group(1), 1)
        return False

    def postscreen(self, message):
        """Postfix's doorkeeper: what it passes on is counted by smtpd."""
        if message.startswith(b"DISCONNECT ["):
            self._row[_CONNECTIONS] += 1
            if self.detail:
                self._clients.append(message[12 : message.find(b"]")])
            return True
        if b"reject: " in message:
            self._reject(message)
        return False

    def cleanup(self, message):
        """What enters the queue: message-ids, and refusals by filters."""
        place = message.find(b": message-id=", 0, 30)
        if place > 0:
            self._open.setdefault(message[:place], b"")
            if self.detail:
                self._ids.append(message[place + 13 :])
            return True
        if b", status=bounced (" in message:
            return self.delivery(message)
        if b"reject: " in message:
            self._reject(message)
        return False

    def pickup(self, message):
        """What programs on this host send."""
        place = message.find(b": uid=", 0, 30)
        if place > 0:
            self._open[message[:place]] = b"local"
        return place > 0

    def qmgr(self, message):
        """The queue manager: a message became active for the first time, or came to its end."""
        if message.endswith(b": removed"):
            return True
        place = message.find(b": from=<", 0, 30)
        if place < 0:
            return False
        end = message.rfind(b">, size=")
        if end < 0:
            if message.rfind(b", status=expired, returned to sender") >= 0:
                self._row[_BOUNCED] += 1
                self._named["reasons"] += [b"expired, returned to sender"] if self.detail else []
            return True
        client = self._open.pop(message[:place], None)
        if client is None:
            # Back from the deferred queue, or it came before the log that is read.
            return True
        found = _RECIPIENTS.match(message, end + 8)
        self._entered(message[place + 8 : end], client, int(found.group(1)) if found else 1)
        return True

    def _entered(self, sender, client, recipients):
        # A message that comes back from a content filter names the client that it came from at first.
        own = not client or b", orig_queue_id=" in client or b", orig_client=" in client
        if not own:
            self._row[_ACCEPTED] += 1
        account = client.rpartition(b", sasl_username=") if not own else (b"", b"", b"")
        if account[1] or client == b"local":
            self._row[_SUBMITTED] += 1
        if not self.detail:
            return
        self.queued += 1
        self.null_sender += not sender
        self._named["senders"].append(sender)
        if account[1]:
            name = account[2].partition(b", ")[0]
            source = client[client.find(b"[") + 1 : client.find(b"]")]
            self._named["accounts"].append(name)
            self.people.submitted(name, source, recipients, self.minute)

    def smtp(self, message):
        """Mail to other hosts."""
        return self.delivery(message, "sent_out")

    def lmtp(self, message):
        """Mail to the mail store."""
        return self.delivery(message, "lmtp_sent")

    def delivery(self, message, good=None):
        """One delivery to one recipient, by any agent."""
        found = _DELIVERY.match(message)
        if not found:
            return False
        recipient, status = found.groups()
        place = _PLACE.get(status)
        if place is None:
            return False
        self._row[place] += 1
        if self.detail:
            self._recipients.append(recipient)
            if place == _BOUNCED:
                self._named["bounced_destinations"].append(recipient.rpartition(b"@")[2].lower())
            if place != _DELIVERED:
                self._named["reasons"].append(message[found.end() : found.end() + 400])
        if place == _DELIVERED and good:
            self.good[good] = self.stamp
        return place == _DELIVERED

    def anvil(self, message):
        """What counts connections tells of them from time to time."""
        return message.startswith(b"statistics: ")

    def dovecot(self, message):
        """Logins, good and bad."""
        place = message.find(b"-login: ", 0, 24)
        if place < 0:
            if b": saved mail to " in message or b": stored mail into " in message:
                self.good["mail_saved"] = self.stamp
                return True
            return message.startswith((b"imap(", b"pop3(")) and b">: Disconnected: Logged out " in message
        rest = message[place + 8 :]
        if rest.startswith(b"Info: "):
            rest = rest[6:]
        if rest.startswith((b"Login: user=<", b"Logged in: user=<")):
            self._row[_LOGINS] += 1
            self.good["login"] = self.stamp
            if self.detail:
                self.people.succeeded(*_user(rest))
            return True
        found = _LOGIN_FAILED.match(rest) if b"(auth failed, " in rest else None
        if found:
            attempts = min(int(found.group(1)), 100)
            self._row[_FAILED] += attempts
            if self.detail:
                account, source = _user(rest)
                self._failure(account, source, attempts)
        return False

    def _failure(self, account, source, attempts):
        self._named["failing_sources"] += [source] * attempts
        if account:
            self._named["failing_accounts"] += [account] * attempts
        self.people.failed(account, source, attempts)

    def _reject(self, message):
        place = message.find(b"reject: ", 0, 40)
        if place < 0:
            return
        self._row[_REJECTED] += 1
        if _GREY.search(message.partition(b"; from=<")[0][:400]):
            self._row[_GREYLISTED] += 1
        if self.detail:
            found = _REJECT.match(message)
            if found:
                self._rejected.append(found.group(1))
                self._named["reasons"].append(message[found.end() : found.end() + 400].partition(b"; from=<")[0])


def _user(message):
    """(user, address) of a line of a login process: the name is the client's word, so its end is sought from behind."""
    place = message.rfind(b", rip=")
    address = message[place + 6 :].partition(b",")[0] if place >= 0 else b""
    start = message.find(b"user=<") + 6
    end = message.rfind(b">, method=", start, place if place >= 0 else len(message))
    if end < 0:
        end = message.find(b">", start)
    return message[start:end], address
