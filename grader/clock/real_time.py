"""The functions of `time` as they are before a play replaces them.

`grader.clock` imports this first, so what is bound here is real whoever imports it when.
"""

from __future__ import annotations

from time import monotonic, sleep, thread_time

__all__ = ["monotonic", "sleep", "thread_time"]
