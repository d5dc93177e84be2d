//! All cases that need real servers or a hub process; one binary, so that they are linked once and share servers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of a case fails the case that called it"
)]

mod builders;
mod crash;
mod faults;
mod harness;
mod hostile;
mod judge;
mod pipeline;
mod relay;
mod store;
mod system;
