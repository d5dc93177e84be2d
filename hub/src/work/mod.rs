//! The hub at work: threads that lease jobs, the schedule that plans them, and the server around both.
//!
//! Owns when something runs, who runs it, and what becomes of it when it fails; never what it does.

pub mod clean_up;
pub mod drop_folder;
mod prune;
pub mod schedule;
pub mod serve;
mod worker;

pub use worker::{Workers, followed, run_all, run_due};
