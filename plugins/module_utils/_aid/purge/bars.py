# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is never touched, wherever it lies: queues, mail, databases, the system itself.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils import _run
from ansible_collections.mailops.triage.plugins.module_utils._aid import state
from ansible_collections.mailops.triage.plugins.module_utils._facts import accounts, dovecot, postfix

SYSTEM = (
    "/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /run /sbin /sys /usr /var/lib/dpkg /var/lib/rpm "
    "/var/lib/apt /var/lib/systemd/catalog /var/backups"
).split()
_MAIL = (
    "/var/mail /var/spool/mail /var/spool/mqueue /var/spool/clientmqueue /var/spool/exim /var/spool/exim4 "
    "/var/spool/smtpd /var/spool/imap /var/spool/cyrus /var/lib/imap /var/lib/cyrus /var/vmail /var/lib/dovecot "
    "/var/spool/MailScanner /var/lib/amavis/virusmails /var/spool/amavisd/quarantine"
).split()
_DATABASES = "/var/lib/mysql /var/lib/postgresql /var/lib/pgsql /var/lib/ldap /var/lib/redis".split()
_PRECIOUS = ("the queue", "mail", "a database")


def queue_directories(context):
    """Queues of Postfix, of all its instances, by postconf."""
    found = [postfix.value(context, "queue_directory")] if context.shared(postfix.installed) else []
    for folder in postfix.value(context, "multi_instance_directories").replace(",", " ").split():
        result = _run.run(["postconf", "-c", folder, "-h", "queue_directory"], timeout=3.0, limit_bytes=4096)
        if result.status == "ok" and not result.rc:
            found.append(result.out.decode("utf-8", "replace").strip())
    return _real(found)


def mailboxes(context):
    """Maildirs of the accounts that can be named without asking a directory server."""
    text = dovecot.text(context) if context.shared(dovecot.installed) else ""
    if not text or accounts.location(dovecot.parse_settings(text)).driver not in ("", "maildir"):
        return []
    return [account.path for account in context.shared(accounts.known)]


def paths(context):
    """Every directory that is never entered, each with what it is: list of (path, words)."""
    found = [("the queue", folder) for folder in queue_directories(context) + ["/var/spool/postfix"]]
    mail = list(_MAIL)
    if context.shared(postfix.installed):
        mail += [postfix.value(context, name) for name in ("mail_spool_directory", "virtual_mailbox_base")]
        found.append(("Postfix's own data", postfix.value(context, "data_directory")))
    if context.shared(dovecot.installed):
        mail += context.shared(dovecot.mail_store)
    found += [("mail", folder) for folder in mail]
    found += [("a database", folder) for folder in _DATABASES]
    found += [("the system", folder) for folder in SYSTEM]
    found.append(("what remedies remember", state.FOLDER))
    unique = {}
    for words, folder in found:
        for path in _real([folder]):
            unique.setdefault(path, words)
    return sorted(unique.items())


def identities(known):
    """(device, inode) of those that are there: they are known again under any other name."""
    found = set()
    for path, dummy in known:
        try:
            info = os.stat(path)
        except OSError:
            continue
        found.add((info.st_dev, info.st_ino))
    return found


def against(path, known):
    """What speaks against touching things below a directory, or an empty text.

    :param path: absolute and without links
    :param known: see paths()
    """
    if path.count("/") < 2:
        return "{0} is far too much".format(path)
    for barred, words in known:
        if path == barred or path.startswith(barred + "/"):
            return (
                "{0} is {1}".format(path, words)
                if path == barred
                else "{0} is {1}, and this lies in it".format(barred, words)
            )
        if barred.startswith(path + "/"):
            return "{0}, which lies in it, is {1}".format(barred, words)
    return ""


def holds(root, known):
    """The bar that a root of the list lies in, or an empty text: a site may have put its queue or its mail there.

    A bar as wide as C(/var), which a home directory below it makes, says nothing about what else lies there.
    """
    for barred, words in known:
        if words in _PRECIOUS and barred.count("/") > 1 and (root == barred or root.startswith(barred + "/")):
            return barred
    return ""


def _real(folders):
    """Where directories really are; a path as it is written counts too, should it be a link."""
    found = []
    for folder in folders:
        if folder.startswith("/"):
            for path in (os.path.normpath(folder), os.path.realpath(folder)):
                if path != "/" and path not in found:
                    found.append(path)
    return found
