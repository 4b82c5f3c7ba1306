-- Run by the image of PostgreSQL when its volume is empty.
CREATE DATABASE account;
CREATE DATABASE catalog;
CREATE DATABASE "order";
CREATE DATABASE payment;
CREATE DATABASE notification;
