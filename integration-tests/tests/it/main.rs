//! All cases that need real servers or a hub process; one binary, so that they are linked once and share servers.

mod builders;
mod crash;
mod harness;
mod hostile;
mod pipeline;
mod relay;
mod system;
