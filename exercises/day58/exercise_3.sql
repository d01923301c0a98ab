-- What exercise 3 begins with.
create table users (
    id serial primary key,
    username text not null unique,
    email text unique,
    created_at timestamptz not null default now(),
    updated_at timestamptz,
    is_active boolean not null default true,
    version int not null default 1
);
create table orders (
    id serial primary key,
    user_id int not null references users,
    placed_at timestamptz not null
);
create table order_lines (
    id serial primary key,
    order_id int not null references orders,
    sku text not null,
    quantity int not null,
    price numeric(10,2) not null
);
insert into users (username, email) values
    ('ada', 'ada@example.org'), ('grace', 'grace@example.org'), ('barbara', 'barbara@example.org');
insert into orders (user_id, placed_at) values
    (1, '2026-03-01 10:00:00+00'),
    (2, '2026-03-02 11:30:00+00'),
    (1, '2026-03-03 12:45:00+00'),  -- without lines
    (1, '2026-02-01 09:00:00+00');
insert into order_lines (order_id, sku, quantity, price) values
    (1, 'lamp', 2, 12.50),
    (4, 'desk', 1, 1249.00),
    (2, 'lamp', 1, 12.50),
    (1, 'bulb', 10, 0.10);
-- A row that is changed may come last, where no `order by` says otherwise.
update orders set user_id = 1 where id = 1;
update order_lines set quantity = 2 where id = 1;
