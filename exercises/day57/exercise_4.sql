-- What exercise 4 begins with.
create table accounts (id int primary key, balance int not null check (balance >= 0));
insert into accounts (id, balance) values (1, 100), (2, 100), (3, 100), (4, 0);
