-- What exercise 2 begins with.
create table users (
    id serial primary key,
    username text not null unique,
    email text unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz,
    is_active boolean not null default true,
    version int not null default 1
);
insert into users (username, email, created_at, updated_at, is_active) values
    ('ada', 'ada@example.org', '2026-01-10 09:30:00+00', null, true),
    ('grace', 'grace@example.org', '2026-01-11 12:00:00.25+00', '2026-02-03 08:00:00+00', true),
    ('linus', null, '2026-01-12 18:45:00+00', null, true),
    ('edsger', 'edsger@example.org', '2026-01-13 07:15:00+00', '2026-01-14 10:00:00+00', false),
    ('barbara', 'barbara@example.org', '2026-01-14 16:20:00+00', null, true);
-- A row that is changed may come last, where no `order by` says otherwise.
update users set is_active = true where username = 'ada';
