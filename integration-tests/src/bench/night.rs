//! The files of a night, written once for all cases that load them.

use super::Result;
use super::city::{self, HEALTH, INSURED, POPULATION, Sent};
use super::derived;
use super::options::Plan;

/// The files.
#[derive(Debug, Clone)]
pub struct Night {
    /// Insured persons, the first time.
    pub insured: Sent,
    /// Another department's records about the same people.
    pub population: Sent,
    /// Health records, for posts one by one.
    pub health: Sent,
    /// The first file with the next sequence.
    pub again: Sent,
    /// The next day of the first feed.
    pub next_day: Sent,
}

impl Night {
    /// Writes the files.
    pub fn written(plan: &Plan) -> Result<Self> {
        let folder = plan.folder().join("night");
        plan.say(&format!("writing the files of {} residents", plan.residents));
        let sent = city::first_day(plan.residents, &[INSURED, POPULATION, HEALTH], &folder)?;
        let [insured, population, health]: [Sent; 3] = sent.try_into().map_err(|_| "three files")?;
        let again = derived::sent_again(&insured, 2, &folder.join("again.xml"))?;
        let next_day = derived::next_day(&insured, &folder.join("next_day.xml"))?;
        Ok(Self { insured, population, health, again, next_day })
    }
}
