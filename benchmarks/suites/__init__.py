"""Other projects' test suites on the virtual clock: what differs from asyncio's own loop.

    $ python -m benchmarks.suites                       # all of them: some ten minutes
    $ python -m benchmarks.suites anyio                 # one
    $ python -m benchmarks.suites cpython -k test_tasks # a part of one, as for pytest

Each suite runs twice, on asyncio's own loop and on the virtual one. What passes on the
first and not on the second is a difference. Those that are meant stand in `meant.toml`,
with the reason; the exit status is 1 if there is another, or if one listed has gone.

What has been run in groups, on Python 3.11 and two busy processors:

- of CPython's suite `test_tasks`, `test_futures`, `test_locks`, `test_queues`, `test_timeouts`
  and `test_taskgroups` (1,251 tests, 16 minutes); `test_ssl`, `test_sslproto`,
  `test_subprocess`, `test_server` and `test_sock_lowlevel` (255, 11 minutes); `test_streams`,
  `test_sendfile`, `test_buffered_proto`, `test_runners`, `test_waitfor`, `test_threads` and the
  base, selector and Unix event loops (521, 5 minutes);
- of anyio's all but `test_pytest_plugin` and `test_taskgroups` (941, 7 minutes), and those two by
  themselves (149 and 28). The tests of `test_pytest_plugin` start a pytest of their own: most in
  the same process, where trio is left out, as it is elsewhere; the others in a new one, which is
  on neither loop of these two;
- Starlette's (770, 6 minutes).

CPython's suite comes with the interpreter. The others are source distributions of the
versions that are installed here; they and what they need are downloaded from the package
index into a folder of the cache (`--cache`), never into this repository.
"""
