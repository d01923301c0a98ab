-- What exercise 4 begins with.
create table users (
    id serial primary key,
    username text not null unique,
    email text not null unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz,
    is_active boolean not null default true,
    version int not null default 1
);
insert into users (username, email) values
    ('ada', 'ada@example.org'), ('grace', 'grace@example.org');
insert into users (username, email, is_active) values ('edsger', 'edsger@example.org', false);
