-- What exercise 3 begins with.
create table stock (sku text primary key, quantity int);
insert into stock (sku, quantity) values ('lamp', 20), ('desk', 5), ('rug', 0);
