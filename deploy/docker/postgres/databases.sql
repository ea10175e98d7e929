-- Run once, on an empty data directory: a database for each service, with a role that owns it and cannot get into the other one, and
-- another that may read it and do nothing else, for `sagactl verify`.
\set ON_ERROR_STOP on
\getenv orders_password ORDERS_DATABASE_PASSWORD
\getenv deliveries_password DELIVERIES_DATABASE_PASSWORD
\getenv orders_reader_password ORDERS_READER_PASSWORD
\getenv deliveries_reader_password DELIVERIES_READER_PASSWORD

create role order_service login password :'orders_password';
create role delivery_service login password :'deliveries_password';
create role order_reader login password :'orders_reader_password';
create role delivery_reader login password :'deliveries_reader_password';
create database order_service owner order_service;
create database delivery_service owner delivery_service;
revoke all on database order_service from public;
revoke all on database delivery_service from public;
grant connect on database order_service to order_reader;
grant connect on database delivery_service to delivery_reader;

-- There is no table yet: the services' migrations make them, also in years to come.
\connect order_service
alter default privileges for role order_service grant select on tables to order_reader;
\connect delivery_service
alter default privileges for role delivery_service grant select on tables to delivery_reader;
