-- What exercise 5 begins with.
create table authors (id int primary key, name text not null);
create table books (id serial primary key, author_id int not null references authors, title text not null);
insert into authors (id, name) values (3, 'Barbara'), (1, 'Ada'), (2, 'Grace');
insert into books (author_id, title) values (2, 'Compilers'), (1, 'Notes'), (2, 'Nanoseconds');
