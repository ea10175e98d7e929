-- Run once, on an empty data directory: a database for each service, with a role that owns it and cannot get into the other one.
\set ON_ERROR_STOP on
\getenv orders_password ORDERS_DATABASE_PASSWORD
\getenv deliveries_password DELIVERIES_DATABASE_PASSWORD

create role order_service login password :'orders_password';
create role delivery_service login password :'deliveries_password';
create database order_service owner order_service;
create database delivery_service owner delivery_service;
revoke all on database order_service from public;
revoke all on database delivery_service from public;
