-- What exercise 6 begins with.
create table measurements (
    id serial primary key,
    taken_at timestamptz not null,
    value numeric(20,10) not null,
    tags text[] not null,
    payload jsonb not null
);
insert into measurements (taken_at, value, tags, payload) values
    ('2026-03-01 10:00:00.123456+02', 1234567890.0123456789, '{indoor,"second floor"}', '{"sensor": {"id": 7}}');
