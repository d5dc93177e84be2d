//! The harness of the integration tests: real servers, the hub as a process, and deliveries that read as sentences.
//!
//! Owns what a case needs around it: a private PostgreSQL cluster, an Apache Kafka broker, the hub's binary with a
//! configuration of its own, and builders for the six feeds' files. It never looks into the hub's tables or modules:
//! what it asserts, a user could see; the one exception is [`inside`], for the cases of the pipeline itself. A server that cannot be had fails the test that asked for it, with the reason;
//! nothing is skipped.
//!
//! A case that must hold on both stores is one function over [`Store`] and two tests:
//!
//! ```text
//! fn a_repeated_file_changes_nothing(store: Store) { ... }
//! #[test] fn a_repeated_file_changes_nothing_on_sqlite() { a_repeated_file_changes_nothing(Store::Sqlite) }
//! #[test] fn a_repeated_file_changes_nothing_on_postgres() { a_repeated_file_changes_nothing(Store::Postgres) }
//! ```
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness says what is wrong by failing the test that called it"
)]

pub mod guard;
pub mod hub;
pub mod inside;
pub mod kafka;
pub mod place;
pub mod postgres;
pub mod registers;
pub mod store;
pub mod world;

pub use hub::{Agreement, Answer, Client, Hub};
pub use inside::Inside;
pub use kafka::Kafka;
pub use postgres::Postgres;
pub use store::Store;
