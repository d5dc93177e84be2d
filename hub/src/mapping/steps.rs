//! Steps: what is done with one cell before it is a value: it is split, transformed, looked up in a code table.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::transform::{Cell, Transform};
use super::{Run, Said, Scope, message};
use crate::code::{Found, Lookup};
use crate::feed::spec::OnError;
use crate::reason::Reason;

/// What is done with a cell: it is split, where it holds several values; each goes through transforms and a code table.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) split: Option<Split>,
    pub(super) transforms: Vec<Transform>,
    pub(super) codes: Option<Lookup>,
}

pub(super) struct Split {
    pub(super) separators: Vec<char>,
    pub(super) item: Option<String>,
}

/// The cell a value comes from, for the reason if it is bad.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) column: &'a str,
    pub(super) sent: &'a str,
}

impl Site<'_> {
    fn reason(&self, code: &str) -> Reason {
        message::reason(code, self.scope.pointer(self.column), Some(self.sent))
    }
}

impl Steps {
    /// Takes what was sent all the way; `on_error` says what a bad value is.
    pub(super) fn run(&self, run: &mut Run, site: Site, on_error: OnError) -> Said {
        let Some(split) = &self.split else { return self.one(run, site, site.sent, on_error) };
        let mut values = Vec::new();
        let mut bad = false;
        for text in site.sent.split(split.separators.as_slice()) {
            bad |= self.pieces(run, (site, text), on_error, &mut values);
        }
        let mut list: Vec<Value> = Vec::with_capacity(values.len());
        for value in values {
            let value = match &split.item {
                Some(field) => Value::Object(Map::from_iter([(field.clone(), value)])),
                None => value,
            };
            if !list.contains(&value) {
                list.push(value);
            }
        }
        if list.is_empty() && bad { Said::Bad } else { filled(list) }
    }

    /// Adds the values of a text and says whether one was bad. Spaces stand between two of them, or within one: where not
    /// all pieces are good, the whole may be.
    fn pieces(&self, run: &mut Run, (site, text): (Site, &str), on_error: OnError, values: &mut Vec<Value>) -> bool {
        let (noted, good) = (run.noted(), values.len());
        let mut bad = false;
        for piece in text.split_whitespace() {
            match self.one(run, site, piece, on_error) {
                Said::Value(value) => values.push(value),
                Said::Bad => bad = true,
                Said::Blank | Said::Nothing => {}
            }
        }
        if !bad || text.split_whitespace().nth(1).is_none() {
            return bad;
        }
        let pieces = run.forget(noted);
        match self.one(run, site, text, on_error) {
            Said::Value(value) if run.noted() == noted => {
                values.truncate(good);
                values.push(value);
                false
            }
            _ => {
                run.forget(noted);
                run.remember(pieces);
                true
            }
        }
    }

    /// One value, the whole cell or a piece of it, through the transforms and the code table.
    fn one(&self, run: &mut Run, site: Site, piece: &str, on_error: OnError) -> Said {
        if piece.trim().is_empty() {
            return Said::Blank;
        }
        let mut text = Cow::Borrowed(piece);
        for transform in &self.transforms {
            text = match transform.apply(text, run.told_on) {
                Ok(Cell::Text(text)) => text,
                Ok(Cell::Noted(text, code)) => {
                    run.note(OnError::Drop, site.reason(code));
                    text
                }
                Ok(Cell::Json(value)) => return Said::Value(value),
                Ok(Cell::None) => return Said::Blank,
                Err(code) => return worthless(run, site, code, on_error),
            };
        }
        let Some(codes) = &self.codes else { return Said::Value(Value::String(text.into_owned())) };
        match codes.find(&text) {
            Found::Code(code) => Said::Value(Value::String(code.into_owned())),
            Found::NoStandard => worthless(run, site, "code-no-standard", on_error),
            Found::Ambiguous => worthless(run, site, "code-ambiguous", on_error),
            Found::Unknown => worthless(run, site, "code-unknown", on_error),
        }
    }
}

fn worthless(run: &mut Run, site: Site, code: &str, on_error: OnError) -> Said {
    run.note(on_error, site.reason(code));
    Said::Bad
}

/// An empty list says nothing.
pub(super) fn filled(list: Vec<Value>) -> Said {
    if list.is_empty() { Said::Blank } else { Said::Value(Value::Array(list)) }
}
