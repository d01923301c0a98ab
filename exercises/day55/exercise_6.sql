-- What exercise 6 begins with.
create table seats (id int primary key, taken_by text unique deferrable initially deferred);
insert into seats (id, taken_by) values (1, null), (2, null), (3, 'Grace'), (4, null);
