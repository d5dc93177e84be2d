//! Threads of a stage, each started under a name so that a profile tells the stages apart. Owns no work.

use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::error::{Error, Kind, Result};

/// Starts `body` on a thread of its own; fails where the machine gives no more threads.
pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>> {
    let started = Builder::new().name(name.to_owned()).spawn_scoped(scope, body);
    started.map_err(|error| Error::new(Kind::Unavailable, "starting a thread").because(error))
}
