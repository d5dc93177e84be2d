//! Record linkage without labels: which records of one or two files are about the same thing, with a probability.
//!
//! Pure: owns evidence, candidates, weights, decisions and clusters. Never touches a database or a network, and never
//! decides what a person's record then looks like (`merge`).

pub mod evidence;
pub mod plain;
pub mod table;
pub mod zh;
