# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fact subset C(config): do the mail servers accept their own configuration?

C(postfix check) is a shell script that walks the whole spool and never returns on a spool without inodes. What it finds
of main.cf is found here from C(postconf -n), the compiled-in defaults, and C(postqueue -j), which reads the same
parameters as the daemons and dies of the same mistakes.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._facts import dovecot, postfix, spool
from ansible_collections.mailops.triage.plugins.module_utils._text import clean

_VALUE_LIMIT = 500
_CONFIGURATION_WORDS = (
    "configuration",
    "parameter",
    "main.cf",
    "master.cf",
    "bad field count",
    "bad time value",
    "bad string length",
)


def collect(context):
    """The C(config) part of the document."""
    return {
        "postfix": _postfix(context) if context.shared(postfix.installed) else None,
        "dovecot": _dovecot(context) if context.shared(dovecot.installed) else None,
    }


def postfix_check(result, problems, spoken):
    """The check record of Postfix.

    :param result: _run.Result of postconf -n
    :param problems: sentences of postfix.bad_values and the like
    :param spoken: a fatal configuration error in the words of a Postfix program, or an empty text
    """
    if result.status != "ok":
        return {
            "ok": None,
            "rc": None,
            "text": "postconf: " + result.status,
            "status": "timeout" if result.status == "timeout" else "failed",
        }
    texts = [line for line in result.err.decode("utf-8", "replace").splitlines() if "fatal:" in line]
    texts += [spoken] if spoken else []
    texts += [problem for problem in problems if problem not in spoken]
    good = result.rc == 0 and not texts
    if not texts and not good:
        texts = [result.err.decode("utf-8", "replace")]
    rc = result.rc if result.rc or good else 1
    return {"ok": good, "rc": rc, "text": clean("; ".join(texts), 600), "status": "ok"}


def fatal_words(result):
    """The fatal configuration error in a Postfix command's standard error, or an empty text.

    :param result: _run.Result, or None when the command was not run
    """
    if result is None or result.status != "ok" or not result.rc:
        return ""
    for line in result.err.decode("utf-8", "replace").splitlines():
        program, sign, text = line.partition("fatal: ")
        if sign and any(word in text for word in _CONFIGURATION_WORDS):
            return text.strip()
    return ""


def _postfix(context):
    result = context.shared(postfix.explicit)
    explicit = postfix.parse_settings(result.out.decode("utf-8", "replace"))
    defaults = context.shared(postfix.defaults)
    problems = postfix.bad_values(explicit, defaults)
    folder = context.path(postfix.value(context, "config_directory") or "/etc/postfix")
    problems += _master_problems(folder)
    try:
        spoken = fatal_words(context.shared(spool.postqueue))
    except Exception:
        # Whatever keeps postqueue from answering is the queue subset's to tell.
        spoken = ""
    everything = context.shared(postfix.settings)
    return {
        "check": postfix_check(result, problems, spoken),
        "values": {name: clean(everything[name], _VALUE_LIMIT) for name in postfix.CHOSEN if name in everything},
        "changed": newest([folder + "/main.cf", folder + "/master.cf"]),
    }


def _master_problems(folder):
    found = []
    try:
        with open(folder + "/master.cf", "rb") as handle:
            text = handle.read(1 << 20).decode("utf-8", "replace")
    except OSError as error:
        return ["{0}/master.cf: {1}".format(folder, error.strerror or error)]
    for number, line in postfix.logical_lines(text):
        if len(line.split()) < 8:
            found.append("master.cf: line {0}: bad field count".format(number))
    return found[:5]


def newest(paths):
    """Newest modification time of the files that exist, as epoch, or None."""
    moments = []
    for path in paths:
        try:
            moments.append(os.stat(path).st_mtime)
        except OSError:
            continue
    return round(max(moments), 3) if moments else None


def missing_files(pairs, prefix=""):
    """Those of the configured files that are not there or cannot be read.

    :param pairs: list of (setting, path), see dovecot.parse_files
    :returns: list of {setting, path, reason}
    """
    found = []
    for setting, path in pairs:
        try:
            with open(prefix + path, "rb") as handle:
                empty = not handle.read(1)
            reason = "empty" if empty else ""
        except PermissionError as error:
            # Of an ordinary login that says nothing; root is only kept out by something unusual.
            reason = error.strerror if os.geteuid() == 0 else ""
        except OSError as error:
            reason = error.strerror or str(error)
        if reason:
            found.append({"setting": clean(setting, 60), "path": clean(path, 200), "reason": clean(reason, 120)})
    return found


def dovecot_check(result):
    """The check record of Dovecot from the _run.Result of doveconf."""
    if result.status != "ok":
        return {
            "ok": None,
            "rc": None,
            "text": "doveconf: " + result.status,
            "status": "timeout" if result.status == "timeout" else "failed",
        }
    text = clean(result.err, 600) if result.rc else ""
    return {"ok": result.rc == 0, "rc": result.rc, "text": text, "status": "ok"}


def _dovecot(context):
    result = context.shared(dovecot.doveconf)
    text = dovecot.text(context)
    values = dovecot.parse_settings(text)
    folder = context.path("/etc/dovecot")
    files = [folder + "/dovecot.conf"]
    try:
        files += [os.path.join(folder, "conf.d", name) for name in os.listdir(folder + "/conf.d")[:200]]
    except OSError:
        pass
    chosen = {name: clean(values[name], _VALUE_LIMIT) for name in dovecot.CHOSEN if name in values}
    for name in ("ssl_cert", "ssl_key"):
        # Without "<" the value would be the certificate or the key itself.
        if not chosen.get(name, "<").startswith("<"):
            chosen[name] = "set in the configuration itself"
    return {
        "check": dovecot_check(result),
        "values": chosen,
        "changed": newest(files),
        "missing_files": missing_files(dovecot.parse_files(text), context.root),
    }
