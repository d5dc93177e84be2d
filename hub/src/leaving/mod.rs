//! The one way out: what of a version a reader may see, and which changes it is told. REST, `/v1/changes` and the Kafka
//! relay all ask here and nowhere else, so that an agreement holds on each of them alike.
//!
//! Reads only. Never hands out a key token, and never a person whom the scope does not show: other people in a record
//! are looked up, and one who is not to be seen is left out of it.
//!
//! Events are a function of the store, the scope and the `seq`, whenever they are asked for: other people are looked up
//! as they stood at the end of the transaction that made the change (a couple comes with one row). A record is not told
//! again because another person has come into sight or gone out of it; it is when it is read, or when it changes.

mod claims;
mod document;
mod event;
mod people;
mod record;
mod scope;
#[cfg(test)]
mod tests;

pub use claims::{Claims, claims};
pub use document::Record;
pub use event::{AsOf, Event, Operation, Page, as_of, events, merged_into, snapshot};
pub use record::{Moment, record, records};
pub use scope::Scope;
