-- What exercise 3 begins with.
create table orders (id int primary key, item text not null, total double precision);
insert into orders (id, item) values (1, 'lamp'), (2, 'chair'), (3, 'table');
