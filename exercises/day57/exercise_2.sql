-- What exercise 2 begins with.
create table users (
    id int primary key,
    username text not null unique,
    email text not null,
    is_active boolean not null default true
);
insert into users (id, username, email, is_active)
    select n, 'user_' || n, 'user' || n || '@example.org', n % 5 > 0 from generate_series(1, 40) as n;
insert into users (id, username, email) values (50, 'Ada', 'ada@example.org'), (51, '100%', 'all@example.org');
