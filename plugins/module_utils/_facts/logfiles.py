# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading log files in bounded memory: in segments, the newest first, each from its beginning to its end.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

import os

from ansible_collections.mailops.triage.plugins.module_utils._facts import logread, postfix

_PIECE = 1 << 20
_SEGMENT = 16 << 20
_SAMPLE = 65536
_HEAD = 4096
_PACKED = (".gz", ".xz", ".bz2")


class Segment(object):
    """A part of a log file; in its stead come empty pieces while what stands before the window is skipped.

    :ivar first: epoch of its first line, or None
    :ivar read: bytes handed out so far
    """

    def __init__(self, pieces, first=None):
        self._pieces, self.first, self.read = pieces, first, 0

    def __iter__(self):
        rest = b""
        for piece in self._pieces:
            if not piece:
                # The reader is to look at the clock.
                yield piece
                continue
            self.read += len(piece)
            end = piece.rfind(b"\n") + 1
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            elif len(rest) < _PIECE:
                # A line without an end; what stands right of the first megabyte is nobody's.
                rest += piece
        if rest:
            yield rest


def first_moment(path, now):
    """Time of the first line of a log file; infinity when it bears none.

    :raises OSError: when the file cannot be read
    """
    with _opened(path) as handle:
        head = handle.read(_HEAD)
    for line in head.split(b"\n"):
        found = logread.moment_of(line, now)
        if found is not None:
            return found
    return float("inf")


def segments(path, since, now, limit, until=None):
    """The parts of a log file that reach into the window, newest first.

    :param since: epoch; found by bisection, so what is older is not read
    :param limit: most bytes
    :param until: epoch; what is later need not be read
    :returns: (list of Segment, whether the limit cut something off)
    :raises OSError: when the file cannot be read; also while a packed one is read
    """
    if path.endswith(_PACKED):
        return [Segment(_unpack(path, since, now, limit, until))], False
    with open(path, "rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        if until is not None:
            size = min(size, logread.offset_before(handle, size, until, now) + 4 * _SAMPLE)
        start = logread.offset_before(handle, size, since, now)
        cut = size - start > limit
        start = max(start, size - limit)
        bounds = [size]
        while bounds[-1] - start > _SEGMENT + _PIECE:
            bounds.append(_line_start(handle, bounds[-1] - _SEGMENT))
        bounds.append(_line_start(handle, start) if start else 0)
        parts = [(low, high, logread.moment_near(handle, low, now)) for high, low in zip(bounds, bounds[1:])]
    return [Segment(_stretch(path, low, high), first) for low, high, first in parts], cut


def _line_start(handle, place):
    """Where the first line begins from a place on; the place itself when none does within a piece."""
    handle.seek(place)
    return place + handle.read(_SAMPLE).find(b"\n") + 1


def _stretch(path, low, high):
    with open(path, "rb") as handle:
        handle.seek(low)
        while low < high:
            piece = handle.read(min(_PIECE, high - low))
            if not piece:
                return
            low += len(piece)
            yield piece


def _opened(path):
    if path.endswith(".gz"):
        import gzip

        return _Unpacked(gzip.open(path, "rb"))
    if path.endswith(".xz"):
        import lzma

        return _Unpacked(lzma.open(path, "rb"))
    if path.endswith(".bz2"):
        import bz2

        return _Unpacked(bz2.open(path, "rb"))
    return open(path, "rb")


class _Unpacked(object):
    """A packed file whose damage is an OSError, whatever packed it."""

    def __init__(self, handle):
        self._handle = handle

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._handle.close()

    def read(self, size):
        """At most so many bytes."""
        try:
            return self._handle.read(size)
        except OSError:
            raise
        except Exception as error:
            # EOFError, zlib.error and lzma.LZMAError have nothing in common.
            raise OSError("damaged: %s" % error) from error


def _unpack(path, since, now, limit, until=None):
    """Pieces of a packed file from the window on; it can only be read from its beginning.

    An empty piece stands for one that ends before the window: to come this far may take long.
    """
    total = taken = 0
    with _opened(path) as handle:
        while taken < limit and total < 8 * limit:
            piece = handle.read(_PIECE)
            if not piece:
                return
            total += len(piece)
            if taken or logread.last_moment(piece, now, since) >= since:
                taken += len(piece)
                yield piece
                if until is not None and logread.last_moment(piece, now, since) > until:
                    return
            else:
                yield b""
    raise OSError("larger than may be read")


def hosts(path, own):
    """The host names, as they stand in a log file, that mean this host.

    The lines of other hosts in a central log do not count. Where the newest lines are of one single host, it is this
    one, however it is called: the log may bear an old name, or the address of a container.

    :param own: set of this host's names
    :returns: set of bytes, or None when its lines name no host
    """
    with open(path, "rb") as handle:
        handle.seek(max(0, handle.seek(0, os.SEEK_END) - _SAMPLE))
        sample = handle.read(_SAMPLE)
    named = set()
    for line in sample.split(b"\n")[1:] or [sample]:
        if line[4:5] == b"-":
            parts = line[19:].split(b" ", 3)[1:]
        else:
            parts = line[16:].split(b" ", 2)
        if len(parts) == 3 and parts[1].endswith(b":") and not parts[0].endswith(b":"):
            named.add(parts[0])
    short = {name.partition(".")[0] for name in own}
    mine = {name for name in named if _is_own(name.decode("utf-8", "replace").lower(), own, short)}
    if mine or len(named) > 1:
        return mine | ({name.encode("utf-8") for name in own} if mine else set())
    return named or None


def _is_own(name, own, short):
    # A full name is compared with full names only, where this host knows its own.
    return name in own or name in short or name.partition(".")[0] in short and not any("." in known for known in own)


def own_names(context):
    """This host's names, in lower case."""
    names = {os.uname()[1]}
    try:
        with open(context.path("/etc/hostname"), "rb") as handle:
            names.add(handle.read(256).decode("utf-8", "replace").strip())
    except OSError:
        pass
    if context.shared(postfix.installed):
        names.add(postfix.value(context, "myhostname"))
    return {name.lower() for name in names if name} | {"localhost"}
