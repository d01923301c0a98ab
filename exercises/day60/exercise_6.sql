-- What exercise 6 begins with.
create table prices (sku text primary key, price double precision not null);
insert into prices (sku, price) values ('lamp', 19.5), ('chair', 80.25);
