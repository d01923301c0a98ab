"""Where a user's keepers live: their directory, sockets and locks."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import secrets
import stat
from pathlib import Path

import platformdirs

from ....model.version import APPLICATION
from ...base.errors import ServiceError
from .messages import VERSION

EMBEDDED = "embedded"
_LONGEST = 80
"""Bytes of a directory's path in which Unix sockets still fit: their paths may have 103."""


class KeeperState:
    """The paths of one keeper. There is one for each state directory, server and `VERSION`.

    Attributes:
        server: which server the keeper is for: `embedded`, or a hash of its URL.
        url: the user's own server, or None for the embedded one.
        home: where everything is kept, private to the user.
        sockets: where Unix sockets are: `home`, unless its path is too long for them.
        server_sockets: the directory in it for those of the embedded server.
    """

    def __init__(self, root: Path, url: str | None) -> None:
        self.url = url
        self.server = EMBEDDED if url is None else _short_hash(url)
        # Resolved: all who mean the same directory must come to the same sockets.
        self.home = Path(os.path.realpath(root)) / f"v{VERSION}"
        fits = len(os.fsencode(self.home)) <= _LONGEST
        # Not $TMPDIR, which two clients of one keeper may have set differently.
        self.sockets = self.home if fits else Path(f"/tmp/course-{_short_hash(str(self.home))}")
        self.server_sockets = self.sockets / "server"
        self.socket = self.sockets / f"{self.server}.sock"
        self.lock = self.home / f"{self.server}.lock"
        self.log = self.home / f"{self.server}.log"

    @classmethod
    def of_environment(cls) -> KeeperState:
        """The state that `GRADER_STATE` and `DATABASE_URL` name, or the usual place for it.

        Raises:
            ServiceError: none is named, and the user has no home.
        """
        named = os.environ.get("GRADER_STATE") or platformdirs.user_state_dir(APPLICATION)
        root = os.path.expanduser(named)
        if root.startswith("~"):
            raise ServiceError(
                "There is no home directory in which the grader could keep its database.",
                "Name a directory for it in GRADER_STATE.",
            )
        return cls(Path(root), os.environ.get("DATABASE_URL") or None)

    def owner(self) -> str:
        """What marks databases as this keeper's own, on a server that others use as well.

        The machine's name is in it for homes that several machines share.
        """
        file = self.home / "owner"
        if not file.exists():
            file.write_text(secrets.token_hex(16))
        return _short_hash(f"{file.read_text()} {platform.node()} {self.server} {VERSION}")

    def make(self) -> None:
        """Make the directories.

        Raises:
            ServiceError: they cannot be made, or are open to others.
        """
        for directory in {self.home, self.sockets}:
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _check_private(directory)
            except OSError as error:
                raise ServiceError(
                    f"The grader cannot keep its database in {directory}: {error}.",
                    "Make it writable for you, or name another directory in GRADER_STATE.",
                ) from error


def _check_private(directory: Path) -> None:
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError("it belongs to another user")
    if found.st_mode & 0o077:
        directory.chmod(0o700)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError("it is not writable")


class Lock:
    """A file that one process at a time can hold. When that dies, the kernel releases it.

    It is handed on to a process that is being started, so that nobody else can take it meanwhile.
    That is why it isn't `filelock`'s, which keeps its file descriptor to itself.
    """

    def __init__(self, file: Path | int) -> None:
        """Open the file; or take over the descriptor of who holds it, with the lock."""
        self._file = open(file, "a+")  # noqa: SIM115 (held until the process ends)

    def take(self) -> bool:
        """Take the lock, and write down this process; False if another one holds it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        return True

    def hand_on(self) -> int:
        """The descriptor, for a process that is started now; it holds the lock as well."""
        os.set_inheritable(self._file.fileno(), True)
        return self._file.fileno()

    def close(self) -> None:
        """Let go of the lock, unless it was handed on."""
        self._file.close()


def held_by(path: Path) -> int | None:
    """The process that holds the lock of this path, or None."""
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int(path.read_text() or 0)
    return None


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
