//! The part of the demo about records without a usable number: a model is made of what has come, and places them.

use serde::Serialize;

use super::stage::Stage;
use crate::error::Result;
use crate::matching::Explained;
use crate::pipeline::standings::{JOINED, REVIEW};
use crate::pipeline::tune::{self, Tuned};
use crate::pipeline::verify;
use crate::store::matching;

/// What likeness came to.
#[derive(Debug, Serialize)]
pub struct Alike {
    /// The model and its effect.
    pub tuned: Tuned,
    /// Records that wait for somebody to say whom they are about.
    pub review: i64,
    /// One of those that were joined, in words.
    pub example: Option<Explained>,
    /// What verify found afterwards.
    pub differences: u64,
}

/// Makes a model and places by it; `None` in a city too small to learn from.
pub fn placed(stage: &Stage) -> Result<Option<Alike>> {
    let tuned = match tune::tune(&stage.hub, "demo", true, &|_| ()) {
        Ok(tuned) => tuned,
        Err(error) if error.code == Some(tune::TOO_FEW) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (review, example) = stage.hub.db.read(|conn| {
        let first = matching::list(conn, JOINED, None, 1)?.into_iter().next();
        let example = match first {
            Some(row) => {
                let matcher = stage.hub.models.ready(conn, row.model)?;
                row.candidates()?.first().map(|best| matcher.explained(best))
            }
            None => None,
        };
        Ok((matching::count(conn, REVIEW)?, example))
    })?;
    let differences = verify::verify(&stage.hub)?.differences;
    Ok(Some(Alike { tuned, review, example, differences }))
}
