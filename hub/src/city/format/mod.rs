//! The formats departments send, as writers: they know cells and nothing of people.

pub(super) mod json;
pub(super) mod sheet;
pub(super) mod sink;
pub(super) mod text;
pub(super) mod xml;
