//! All cases that need real servers or a hub process; one binary, so that they are linked once and share servers.
// Said although it is a test's crate: helpers count as tests with clippy too, and may unwrap.
#![cfg(test)]

mod builders;
mod crash;
mod harness;
mod pipeline;
mod relay;
