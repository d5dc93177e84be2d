//! The data-exchange hub of a city's community information platform: departments push feeds, the hub keeps one record
//! per resident and household, consumers pull it or receive it from Kafka.

pub mod access;
pub mod api;
pub mod arrival;
pub mod city;
pub mod cli;
pub mod code;
pub mod config;
pub mod contribution;
pub mod cron;
pub mod demo;
pub mod entity;
pub mod error;
pub mod feed;
pub mod hub;
pub mod id;
pub mod identity;
pub mod instance;
pub mod keyring;
pub mod landing;
pub mod leaving;
pub mod linkage;
pub mod mapping;
pub mod merge;
pub mod pipeline;
pub mod reason;
pub mod relay;
pub mod report;
pub mod resolve;
pub mod restore;
pub mod status;
pub mod store;
pub mod time;
pub mod trace;
pub mod work;
