-- What exercise 3 begins with.
create table items (id serial primary key, name text not null, price double precision);
insert into items (name, price) values ('lamp', 20), ('desk', 150.5);
