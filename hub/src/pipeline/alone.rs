//! What a contribution comes to where nobody else speaks of its person, made ahead of the transaction that stores it.
//!
//! A memo and nothing more: settling asks the rules wherever a second contribution is involved, and with the memo or
//! without it the same is stored.

use super::golden::{Golden, Rules, golden_resident};
use super::links::BY_KEY;
use crate::contribution::Contribution;
use crate::error::Result;
use crate::resolve::{self, Standing};

/// The memo of one contribution that asserts a person key.
#[derive(Debug, Clone)]
pub struct Alone {
    /// Whether it joins under its key by itself.
    pub standing: Standing,
    /// The golden document of the person of whom it alone speaks; `None` where it does not join.
    pub golden: Option<Golden>,
}

impl Alone {
    /// Asks the rules about `said` by itself.
    pub fn of(rules: &Rules, said: &Contribution) -> Result<Self> {
        let standing = resolve::agreement(rules.resident, &[said]).into_iter().next();
        let standing = standing.unwrap_or(Standing::Waiting(resolve::NO_KEY));
        let golden = match standing {
            Standing::Joined => Golden::made(golden_resident(rules, &[(said, BY_KEY)])?)?,
            Standing::Waiting(_) => None,
        };
        Ok(Self { standing, golden })
    }
}
