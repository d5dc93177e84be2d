//! A record's way, one stage a file: land, inspect, judge, apply, endings. Owns their order and nothing else.
//!
//! Land and inspect change nothing of the dataset; all that does goes through `apply` under the writer's row.

mod alone;
pub mod apply;
mod as_of;
pub mod decide;
pub mod dry_run;
pub mod effect;
mod endings;
mod fold;
pub mod golden;
pub mod groups;
pub mod identify;
pub mod inspect;
pub mod judge;
pub mod known;
pub mod land;
pub mod likeness;
pub mod links;
mod pool;
mod prepare;
mod reach;
pub mod reading;
pub mod rebuild;
pub mod records;
pub mod replay;
mod respill;
pub mod row;
mod shift;
mod spill;
mod spread;
mod stage;
pub mod standings;
mod thread;
pub mod tune;
pub mod twice;
pub mod verify;
pub mod walk;
mod working;

use crate::error::Result;
use crate::hub::Hub;
use crate::store::delivery::Delivery;

pub use endings::resume as endings_of;
pub use row::key_token;

/// Takes a landed delivery as far as it goes: inspected and judged, then applied if it is ready.
pub fn process(hub: &Hub, delivery: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let inspected = inspect::inspect(hub, delivery, progress)?;
    if inspected.state == "ready" { apply::apply(hub, delivery, progress) } else { Ok(inspected) }
}
