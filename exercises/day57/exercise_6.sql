-- What exercise 6 begins with. The report takes three seconds.
create table readings (id int primary key, sensor text not null, value double precision not null);
insert into readings (id, sensor, value)
    select n, 'sensor-' || n % 7, n / 4.0 from generate_series(1, 1000) as n;
create view slow_report as
    select count(*)::int as total from readings cross join (select pg_sleep(3)) as slept;
