//! The store in production: how it is reached, migrated, shared by two hubs, backed up, restored, copied and pruned.

mod copy;
mod limits;
mod migrate;
mod prune;
mod restore;
mod tls;
mod two_hubs;

use crate::faults::night;
