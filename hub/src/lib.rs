//! The data-exchange hub of a city's community information platform: departments push feeds, the hub keeps one record
//! per resident and household, consumers pull it or receive it from Kafka.

pub mod city;
pub mod contribution;
pub mod error;
pub mod feed;
pub mod identity;
pub mod keyring;
pub mod reason;
