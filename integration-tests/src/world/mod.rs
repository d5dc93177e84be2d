//! Deliveries of the six feeds, written so that a case reads as a sentence.
//!
//! Owns people nobody has ever been, and each feed's file format from the department's side: element names, headings,
//! encodings, totals. It shares no code with the hub, so that a misreading of a format shows as a failed case. A row
//! is good as it is made; a case changes what it is about with [`Row::with`] and [`Row::without`].
//!
//! ```text
//! let zhang = Person::nth(1);
//! hub.deliver(&insured_persons("20261101", 1, [insured(&zhang, "1001").with("AAC003", "张三丰")]));
//! ```

mod civil_affairs;
mod delivery;
mod family_planning;
mod health;
mod person;
mod public_security;
mod row;
mod social_security;
mod workbook;

pub use civil_affairs::{annulment, divorce, marriage, marriage_registrations, reissue};
pub use delivery::Delivery;
pub use family_planning::{counted, population};
pub use health::{health_record, health_records, health_records_ndjson};
pub use person::{Person, citizen_id};
pub use public_security::{registered, registered_residents};
pub use row::Row;
pub use social_security::{insurance, insured, insured_persons, unemployed, unemployment_insurance};
pub use workbook::workbook;
