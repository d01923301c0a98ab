"""What SQL of a stranger's can do: everything in its own database, and nothing beyond.

One server of this module's own; about 20 s in all, most of it statements that are too slow.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from databases import CUT_OFF, PATIENCE, connect, eventually, is_refused, problem_of, query
from fastapi import FastAPI

from grader import Trace, get, play, postgres, scenario
from grader.judge.aspects.answers import statuses
from grader.judge.compare import ReferenceFailed, assert_same, comparing
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.services.base.errors import ServiceError
from grader.services.postgres.daemon.cluster import find_programs
from grader.services.postgres.daemon.keeper import MOST_CONNECTIONS
from grader.services.postgres.daemon.leases import Lease, lease, stop
from grader.services.postgres.daemon.quotas import MOST, MOST_OF_ONE, Quotas
from grader.services.postgres.daemon.state import KeeperState
from grader.services.postgres.daemon.unprivileged import child_setup

ROOT = Path(__file__).parents[1]

SEED = """
    create table items (id serial primary key, name text);
    insert into items (name) values ('lamp'), ('desk');
"""


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperState]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        patch.setenv("GRADER_STATE", str(tmp_path_factory.mktemp("keeper")))
        yield KeeperState.of_environment()
        stop()


def played(attack: Callable[[str], Any], **options: Any) -> Trace:
    """A play of an app that does something when it is asked for `/`, and says how it went."""

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            try:
                return await attack(dsn)
            except (asyncpg.PostgresError, psycopg.Error) as error:
                return f"{error.sqlstate}: {error}"

        return app

    return play(factory, get("/"), dsn=postgres(seed_sql=SEED, **options))


def answer(trace: Trace) -> str:
    return b"".join(chunk.body for chunk in trace.exchanges[0].chunks).decode()


# The role of a lease


def test_each_lease_has_a_role_of_its_own_that_may_do_nothing_beyond_its_database() -> None:
    with lease() as one, lease() as other:
        roles = one.rows("select * from pg_roles where rolname like 'course_play%'")
        mine = next(role for role in roles if role["rolname"] == one.address.user)
        rights = [
            mine[f"rol{name}"]
            for name in ("super", "createdb", "createrole", "replication", "bypassrls")
        ]
        assert rights == [False] * 5
        assert mine["rolconnlimit"] == 101
        assert not one.rows("select from pg_auth_members where member = current_user::regrole")
        assert one.address.user != other.address.user
        assert one.address.password != other.address.password
        allowed = one.rows(
            "select datname from pg_database where has_database_privilege(datname, 'connect')"
        )
        assert allowed == [{"datname": one.address.database}]


def test_a_role_ends_with_its_lease() -> None:
    with lease() as held:
        address = held.address
    with lease() as other:
        eventually(lambda: is_refused(address))
        assert query(other.address, "select 1") == [(1,)]


def test_nobody_gets_in_as_another_role_or_into_another_database() -> None:
    with lease() as one, lease() as other:
        assert is_refused(one.address, user="postgres", database="postgres")
        assert is_refused(one.address, user="postgres")
        assert is_refused(one.address, database="postgres")
        assert is_refused(one.address, database=other.address.database)
        assert is_refused(one.address, user=other.address.user, database=other.address.database)
        assert not is_refused(one.address)


def test_nothing_on_the_disk_holds_a_password(state: KeeperState) -> None:
    with lease() as held:
        words = held.address.password.encode()
        files = [path for path in state.home.rglob("*") if path.is_file()]
        assert not [path for path in files if words in path.read_bytes()]
        assert "trust" not in next(state.home.glob("postgres-*/pg_hba.conf")).read_text()


def test_what_earlier_starts_left_to_roles_is_taken_from_them(state: KeeperState) -> None:
    """A role that was made or changed with the files of the server at hand is of no use."""
    lease().close()
    stop()
    (data,) = state.home.glob("postgres-[0-9]*")
    (data / "pg_hba.conf").write_text("local all all trust\n")
    (data / "postgresql.auto.conf").write_text("port = 1\nmax_connections = 5\n")
    run_alone(
        state,
        "CREATE ROLE stranger SUPERUSER LOGIN PASSWORD 'x'",
        "ALTER ROLE postgres NOLOGIN CONNECTION LIMIT 0",
        "ALTER ROLE postgres SET search_path = nowhere",
        "ALTER DATABASE postgres SET default_transaction_read_only = on",
    )
    with lease(SEED) as held:
        assert is_refused(held.address, user="stranger", password="x", database="postgres")
        sql = "select from pg_roles where rolname = 'stranger' and (rolsuper or rolcanlogin)"
        assert not held.rows(sql)
        assert not held.rows("select * from pg_db_role_setting where setrole = 10")


def run_alone(state: KeeperState, *statements: str) -> None:
    """Run SQL in the data directory of a server that is down, as one who has its files can."""
    (data,) = state.home.glob("postgres-[0-9]*")
    subprocess.run(
        [find_programs()[0] / "postgres", "--single", "-D", data, "postgres"],
        input="\n".join([*statements, ""]),
        text=True,
        preexec_fn=child_setup(),
        env={"PATH": os.defpath, "LC_ALL": "C"},
        cwd="/",
        check=True,
        capture_output=True,
    )


# The relay


@pytest.mark.parametrize("driver", [asyncpg.connect, psycopg.AsyncConnection.connect])
@pytest.mark.parametrize("wanted", ["user", "database", "both"])
def test_a_client_that_says_it_is_another_is_refused_with_a_sentence(
    driver: Callable[[str], Any], wanted: str
) -> None:
    async def pose(dsn: str) -> Any:
        login, _, database = dsn.removeprefix("postgresql://").rpartition("/")
        user, _, rest = login.partition(":")
        user = "postgres" if wanted in ("user", "both") else user
        database = "postgres" if wanted in ("database", "both") else database
        await driver(f"postgresql://{user}:{rest}/{database}")

    trace = played(pose)
    assert trace.outcome.kind == "finished"
    assert "this address is for user" in answer(trace)
    assert "connect with the URL as it was given" in answer(trace)


def test_a_client_that_leaves_its_database_out_gets_its_own() -> None:
    async def ask(dsn: str) -> Any:
        connection = await asyncpg.connect(dsn.rpartition("/")[0])
        try:
            return await connection.fetchval("select count(*) from items")
        finally:
            await connection.close()

    assert answer(played(ask)) == "2"


# What a play can't do


FORBIDDEN = {
    "programs": "copy items to program 'id'",
    "programs that are read": "copy items from program 'id'",
    "files": "copy items to '/tmp/stolen'",
    "files that are read": "select pg_read_file('/etc/passwd')",
    "directories": "select pg_ls_dir('/')",
    "files as large objects": "select lo_import('/etc/passwd')",
    "large objects as files": "select lo_export(lo_from_bytea(0, 'x'), '/tmp/stolen')",
    "settings of the server": "alter system set work_mem = '1GB'",
    "a reload": "select pg_reload_conf()",
    "another database": "create database mine",
    "another role": "create role boss superuser",
    "more rights": "alter role current_user superuser",
    "more connections": "alter role current_user connection limit -1",
    "the administrator": "alter role postgres connection limit 0",
    "the administrator's rights": "grant postgres to current_user",
    "to be the administrator": "set role postgres",
    "to be the administrator for good": "set session authorization postgres",
    "its database": "do $$ begin execute 'drop database ' || current_database(); end $$",
    "the server's database": "drop database postgres",
    "the server's catalog": "update pg_database set datconnlimit = 0",
    "passwords": "select * from pg_authid",
    "functions in C": "create function f() returns int language c as 'libc', 'abort'",
    "other servers": "create extension dblink",
    "triggers of events": "create event trigger e on ddl_command_end execute function f()",
    "languages": "create language plpython3u",
    "disks": "create tablespace t location '/tmp'",
    "copies of the server": "select pg_create_physical_replication_slot('s')",
    "a subscription": "create subscription s connection 'host=x' publication p",
    "other sessions": "select pg_terminate_backend(pid) from pg_stat_activity "
    "where usename = 'postgres'",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_reaches_beyond_the_database_ends_as_an_error_of_its_own(what: str) -> None:
    async def attack(dsn: str) -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(FORBIDDEN[what])
            return "done"
        finally:
            await connection.close()

    trace = played(attack, reads=["select count(*) from items"])
    assert trace.outcome.kind == "finished"
    assert answer(trace)[1:6].isalnum(), answer(trace)
    assert trace.readings == {"select count(*) from items": [{"count": 2}]}


def test_a_play_can_end_no_session_but_its_own() -> None:
    async def attack() -> tuple[Any, Any]:
        victim, attacker = await connect(other.address), await connect(held.address)
        pids = "select pid from pg_stat_activity where pid <> pg_backend_pid() and pid <> 0"
        refused = 0
        for (pid,) in await attacker.fetch(pids):
            try:
                await attacker.fetchval("select pg_terminate_backend($1)", pid)
            except asyncpg.InsufficientPrivilegeError:
                refused += 1
        try:
            return refused, await victim.fetchval("select 1")
        finally:
            await victim.close()
            await attacker.close()

    with lease() as other, lease(SEED) as held:
        refused, one = asyncio.run(attack())
        assert (refused > 1, one) == (True, 1)
        assert held.rows("select count(*) from items") == [{"count": 2}]


# What the grader itself runs


ESCALATE = """
    create function act(n int) returns int language plpgsql as $$ begin
        begin
            reset role; reset session authorization;
            set role postgres;
        exception when others then null;
        end;
        insert into seen values (current_user, session_user);
        return n;
    end $$
"""


def test_a_seed_and_a_reading_run_as_the_role_of_the_lease() -> None:
    """Whatever a view, a function or a trigger does there, the play could have done itself."""
    seed = f"""
        create table seen (who text, session text); create table plain (id int);
        {ESCALATE};
        reset session authorization; reset role;
        select act(1);
        create view items as select act(id) as id from plain; insert into plain values (7);
    """
    with lease(seed) as held:
        assert held.rows("select id from items") == [{"id": 7}]
        users = held.rows("select distinct who, session from seen")
        assert users == [{"who": held.address.user, "session": held.address.user}]


def test_a_seed_that_does_nothing_for_long_is_given_up() -> None:
    with pytest.raises(ServiceError, match=r"seeded with: .*SQLSTATE 57014"):
        lease("set statement_timeout = '0.2s'; select pg_sleep(30)")


VIEWS = {
    "computes": "select count(*)::text as name from generate_series(1, 1000000000000) n",
    "goes on for ever": "select 'x' as name from generate_series(1, 1000000000)",
    "is wide": "select repeat('x', 20000000) as name from old",
    "is in year 20000": "select timestamp '20000-01-01' as name",
    "fails": "select (1 / (id - id))::text as name from old",
}


@pytest.mark.parametrize("how", VIEWS)
def test_a_view_in_the_place_of_a_table_costs_a_reading_and_no_more(how: str) -> None:
    async def replace(dsn: str) -> Any:
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            f"alter table items rename to old; create view items as {VIEWS[how]}"
        )
        await connection.close()

    trace = played(replace, reads=["select name from items", "select count(*) from items"])
    assert trace.outcome.kind == "finished"
    assert isinstance(trace.readings["select name from items"], str)
    with lease(SEED) as held:
        assert held.rows("select count(*) from items") == [{"count": 2}]


def test_a_query_that_traps_its_cancellation_is_ended_nevertheless() -> None:
    stubborn = """
        create function act() returns int language plpgsql as $$ begin
            loop begin perform pg_sleep(60); exception when query_canceled then null; end;
            end loop;
        end $$
    """
    with lease(stubborn) as held:
        with pytest.raises(ServiceError, match="more than 3 s"):
            held.rows("select act()")
        with pytest.raises(ServiceError, match="more than 3 s"):
            held.rows("select 1")
        held.end_sessions()


def test_a_play_that_ends_the_graders_own_session_is_read_nevertheless() -> None:
    with lease(SEED) as held:
        others = "select pg_terminate_backend(pid) from pg_stat_activity where "
        others += "usename = current_user and pid <> pg_backend_pid()"
        assert query(held.address, others) == [(True,)]
        assert held.rows("select count(*) from items") == [{"count": 2}]


def test_a_play_that_locks_itself_out_harms_nobody_else() -> None:
    """What it did to its role and its database goes with them."""
    with lease(SEED) as held:
        query(
            held.address,
            "alter role current_user set search_path = nowhere",
            "alter role current_user password null",
            "do $$ begin execute format('alter database %I connection limit 0', "
            "current_database()); end $$",
            "select 1",
        )
    for _ in range(4):
        with lease(SEED) as other:
            assert query(other.address, "select count(*) from items") == [(2,)]


def test_what_a_play_grants_to_the_roles_of_others_keeps_none_of_them() -> None:
    """A role can't be dropped as long as anything is granted to it."""
    grant = "do $$ begin execute format('grant all on database %I to %I', current_database(), "
    with lease() as other, lease() as held:
        query(held.address, f"{grant}'{other.address.user}'); end $$", "select 1")
    with lease() as last:
        left = "select from pg_roles r where rolname like 'course_play%' and not exists "
        left += "(select from pg_database where datname = r.rolname)"
        eventually(lambda: not last.rows(left))


# What a play may do


def test_all_that_an_owner_does_in_a_database_still_works() -> None:
    async def work(dsn: str) -> Any:
        connection = await asyncpg.connect(dsn)
        heard: asyncio.Queue[Any] = asyncio.Queue()
        await connection.add_listener("news", lambda *told: heard.put_nowait(told[-1]))
        await connection.execute("create schema s; create table s.t (n int primary key)")
        await connection.execute("create temporary table mine as select 1")
        await connection.execute("create type mood as enum ('sad', 'ok'); create sequence q")
        await connection.execute("create index on items (name); analyze items")
        await connection.execute(
            "create view v as select * from items; grant select on v to public"
        )
        await connection.copy_records_to_table("items", columns=["name"], records=[("rug",)])
        await connection.execute("notify news, 'good'")
        assert await heard.get() == "good"
        assert await connection.fetchval("select pg_cancel_backend(0)") is False
        oid = await connection.fetchval("select lo_from_bytea(0, 'x')")
        assert await connection.fetchval("select lo_get($1)", oid) == b"x"
        await connection.execute("drop table items cascade; drop schema s cascade")
        await connection.close()
        return "done"

    assert answer(played(work)) == '"done"'


def test_one_session_of_a_play_can_call_off_what_another_does() -> None:
    async def work() -> Any:
        one, other = await connect(held.address), await connect(held.address)
        sleeping = asyncio.ensure_future(one.execute("select pg_sleep(60)"))
        while not sleeping.done():  # it may not have begun
            await other.fetchval("select pg_cancel_backend($1)", one.get_server_pid())
            await asyncio.wait([sleeping], timeout=0.01)
        await other.close()
        await one.close()
        return sleeping.exception()

    with lease() as held:
        assert isinstance(asyncio.run(work()), asyncpg.QueryCanceledError)


def test_a_lease_for_hours_lets_statements_take_their_time() -> None:
    def timeout(held: Lease) -> list[Any]:
        return query(held.address, "show statement_timeout")

    with lease() as for_a_play, lease(for_hours=True) as for_people:
        assert (timeout(for_a_play), timeout(for_people)) == ([("30s",)], [("0",)])


# What a play may take


def test_a_process_may_have_so_many_leases_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    quotas = Quotas()

    async def take() -> None:
        for process in range(MOST // MOST_OF_ONE):
            for _ in range(MOST_OF_ONE):
                await quotas.take(process)
        with pytest.raises(ServiceError, match="One process may have 8 databases"):
            await quotas.take(0)
        with pytest.raises(ServiceError, match="There may be 96 databases"):
            await quotas.take(-1)
        quotas.give_back(0)
        await quotas.take(-1)

    monkeypatch.setattr("grader.services.postgres.daemon.quotas.PATIENCE", 0)
    asyncio.run(take())


def test_a_process_that_has_all_the_leases_it_may_leaves_some_for_others() -> None:
    code = """if True:
        from grader.services.postgres.daemon.leases import lease
        held = [lease() for _ in range(8)]
        print(len({one.address.database for one in held}), flush=True)
        input()
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as hog:
        assert hog.stdout
        assert hog.stdout.readline() == "8\n"
        with lease() as held:
            assert held.rows("select 1 as one") == [{"one": 1}]
        hog.kill()


def test_a_process_that_opens_many_connections_to_the_keeper_is_hung_up_on(
    state: KeeperState,
) -> None:
    lease().close()
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS + 8):
            end = stack.enter_context(socket.socket(socket.AF_UNIX))
            end.settimeout(PATIENCE)
            end.connect(str(state.socket))
        assert end.recv(1) == b""
    with lease() as held:
        assert held.rows("select 1 as one") == [{"one": 1}]


SLOW = {
    "sleeps": ("select pg_sleep(600)", "57014: canceling statement due to user request"),
    "traps its end": (
        """do $$ begin loop
            begin perform pg_sleep(600); exception when query_canceled then null; end;
        end loop; end $$""",
        "ConnectionDoesNotExistError",
    ),
}


@pytest.mark.parametrize("how", SLOW)
def test_a_statement_that_is_slow_on_purpose_is_ended(how: str) -> None:
    """It can let PostgreSQL wait for ever, but not the keeper."""
    sql, says = SLOW[how]

    async def work(dsn: str) -> Any:
        connection = await asyncpg.connect(dsn)
        await connection.execute("set statement_timeout = 0")
        try:
            await connection.execute(sql)
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
            return type(error).__name__
        finally:
            connection.terminate()

    trace = played(work, reads=["select count(*) from items"])
    assert trace.outcome.kind == "finished"
    assert says in answer(trace)
    assert trace.readings == {"select count(*) from items": [{"count": 2}]}


def test_a_database_that_grows_too_large_is_closed_with_a_sentence() -> None:
    plain = "alter table {0} alter x set storage external"  # not compressed
    rows = "insert into {0} select repeat('x', 8000) from generate_series(1, 4000)"
    with lease("create table a (x text); create table b (x text)") as held:
        grow = [sql.format(table) for table in "ab" for sql in (plain, *[rows] * 6)]
        with pytest.raises(CUT_OFF):
            query(held.address, *grow, "select pg_sleep(60)")
        assert "The database has more than 256 MB." in eventually(lambda: problem_of(held))
        assert is_refused(held.address)
    with lease(SEED) as other:
        assert other.rows("select count(*) from items") == [{"count": 2}]


def test_a_session_that_wants_much_memory_fails_and_the_server_goes_on() -> None:
    huge = "select length(string_agg(repeat('x', 1000000), '')) from generate_series(1, 2000)"
    with lease() as held, lease() as other:
        with pytest.raises(asyncpg.PostgresError) as caught:
            query(held.address, "set work_mem = '4GB'", huge)
        assert caught.value.sqlstate in ("53200", "54000")
        assert other.rows("select 1 as one") == [{"one": 1}]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process takes")
def test_memory_that_sessions_take_together_is_taken_away() -> None:
    """Each of them has less than it may have, and does nothing."""
    rows = "select repeat('x', 1000) from generate_series(1, 75000)"
    take = f"set work_mem = '1GB'; declare c cursor with hold for {rows}"

    async def hoard() -> Any:
        sessions = [await connect(held.address) for _ in range(16)]
        try:
            for session in sessions:
                await session.execute(take)
            while True:
                await sessions[0].execute("select pg_sleep(0.1)")
        except CUT_OFF:
            for session in sessions:
                session.terminate()

    with lease() as held, lease() as other:
        asyncio.run(asyncio.wait_for(hoard(), PATIENCE))
        assert "more than 1,024 MB of memory" in eventually(lambda: problem_of(held))
        assert other.rows("select 1 as one") == [{"one": 1}]


def test_locks_that_take_the_room_of_all_are_taken_away() -> None:
    async def hoard() -> Any:
        connection = await connect(held.address)
        try:
            await connection.execute("select pg_advisory_lock(n) from generate_series(1, 12000) n")
            while True:
                await connection.execute("select pg_sleep(0.1)")
        except CUT_OFF:
            connection.terminate()

    with lease() as held, lease() as other:
        asyncio.run(asyncio.wait_for(hoard(), PATIENCE))
        assert "more than 10,000 locks" in eventually(lambda: problem_of(held))
        assert other.rows("select 1 as one") == [{"one": 1}]


# Who is judged


DROPPING = """
import asyncpg
from fastapi import FastAPI

def exercise_1(dsn):
    app = FastAPI()

    @app.get("/")
    async def drop():
        connection = await asyncpg.connect(dsn)
        await connection.execute("drop table if exists items")
        await connection.close()

    return app
"""


def test_a_reference_whose_database_cannot_be_read_is_equal_to_nothing() -> None:
    """Not even to an answer that has locked itself out in the same way."""
    what = scenario(get("/"), dsn=postgres(seed_sql=SEED, reads=["select name from items"]))
    with ExitStack() as stack:
        worker = stack.enter_context(closing(Worker()))
        players = [FilePlayer(worker, DROPPING, "/nowhere/exercise.py") for _ in range(2)]
        for player in players:
            stack.enter_context(closing(player))
        learner, reference = (Subject(player, "exercise_1") for player in players)
        with comparing(learner, reference), pytest.raises(ReferenceFailed, match="does not exist"):
            assert_same(statuses, of=what)


def test_what_somebody_else_is_to_do_in_a_table_that_is_gone_is_not_the_graders_fault() -> None:
    async def drop(dsn: str) -> Any:
        connection = await asyncpg.connect(dsn)
        await connection.execute("drop table items")
        await connection.close()
        await asyncio.sleep(2)

    deletes = "delete from items"
    trace = played(drop, meanwhile={1.0: deletes})
    assert trace.outcome.kind == "finished"
    assert 'relation "items" does not exist' in trace.readings[deletes]


# Who may stop the keeper


SHUT_IN = """if True:
    import ctypes, sys
    sys.path.insert(0, {root!r})
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # no new privileges, as a player is
    from grader.services.postgres.daemon.leases import ServiceError, stop
    try:
        stop()
    except ServiceError as error:
        print(error.problem)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who asks")
def test_code_that_is_shut_in_may_not_stop_the_keeper() -> None:
    with lease(SEED) as held:
        command = [sys.executable, "-c", SHUT_IN.format(root=str(ROOT))]
        said = subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE)
        assert said.stdout == "Only the user whose keeper this is may stop it.\n"
        assert held.rows("select count(*) from items") == [{"count": 2}]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has capabilities")
def test_the_server_runs_without_capabilities_and_can_get_none(state: KeeperState) -> None:
    with lease():
        (file,) = state.home.glob("postgres-[0-9]*/postmaster.pid")
        status = Path(f"/proc/{file.read_text().split()[0]}/status").read_text()
    said = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert said["Uid"].split()[1] != "0"
    assert said["NoNewPrivs"] == "1"
    is_open = not said["CapEff"].strip("0")
    needs_passage = not all(
        path.stat().st_mode & 0o001 for path in find_programs()[0].resolve().parents
    )
    assert is_open or needs_passage
