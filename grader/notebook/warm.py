"""The warm worker of a kernel: started by the first grading, ended with the kernel."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..judge.grading import Grading


class Warm:
    """Lends out one grading after the other, all of them the same one.

    It is replaced if it was interrupted, which may have been amid a message, and in a fork
    of the kernel, which must not speak to the worker of another process.
    """

    def __init__(self) -> None:
        self._grading: Grading | None = None
        self._owner = 0
        self._one_at_a_time = threading.Lock()
        atexit.register(self.close)

    @contextmanager
    def lent(self) -> Iterator[Grading]:
        from ..judge.grading import Grading

        with self._one_at_a_time:
            if self._grading is None or self._owner != os.getpid():
                self._grading, self._owner = Grading(), os.getpid()
            try:
                yield self._grading
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End the worker; the next grading starts one."""
        grading, self._grading = self._grading, None
        if grading is not None and self._owner == os.getpid():
            grading.__exit__()
