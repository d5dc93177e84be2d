//! Record linkage without labels: which records of one or two files are about the same thing, with a probability.
//!
//! Pure: owns evidence, candidates, weights, decisions and clusters. Never touches a database or a network, and never
//! decides what a person's record then looks like (`merge`).

pub mod ahead;
pub mod batch;
pub mod block;
pub mod cluster;
pub mod compared;
pub mod compete;
pub mod config;
pub mod count;
pub mod decide;
pub mod evidence;
pub mod few;
pub mod file;
pub mod index;
pub mod learn;
pub mod listed;
pub mod model;
pub mod output;
pub mod own;
pub mod plain;
pub mod prepare;
pub mod rival;
pub mod score;
pub mod single;
pub mod speak;
pub mod table;
pub mod telling;
pub mod thread;
pub mod train;
pub mod ways;
pub mod why;
pub mod zh;

#[cfg(test)]
mod tests;
