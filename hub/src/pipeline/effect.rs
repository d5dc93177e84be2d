//! Effect: what a model says of the records without a usable number, before anything moves.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::apply::rules;
use super::groups::{self, Grouped};
use super::links::Decisions;
use super::pool::Pool;
use super::tune::each_page;
use super::working::Working;
use crate::error::Result;
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::linkage::decide::{self, Budget};
use crate::matching::{Candidate, Matcher, surest};
use crate::resolve::{self, Placing};
use crate::store::Conn;
use crate::store::contribution::Row;

/// Limits whose outcome is told beside that of the model's own.
const LIMITS: [f64; 7] = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];
/// Records asked about at a time.
const AT_A_TIME: usize = 1_000;
/// Records closest to the limit that are shown.
const SHOWN: usize = 10;

/// What a model says of the records without a usable number, and how that differs from now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// Records without a usable number.
    pub loose: u64,
    /// Joined by themselves, to somebody known by a number or to each other.
    pub joined: u64,
    /// Somebody is asked.
    pub review: u64,
    /// Like nobody.
    pub apart: u64,
    /// Joins that are not there now.
    pub made: u64,
    /// Joins that are there now and would be no more, or to somebody else.
    pub broken: u64,
    /// How many of the joins are expected to be wrong, by the model's own probabilities.
    pub expected_wrong: f64,
    /// What other limits would come to.
    #[serde(default)]
    pub limits: Vec<AtLimit>,
    /// Records closest to the limit, on either side.
    #[serde(default)]
    pub borderline: Vec<Borderline>,
}

/// What a limit comes to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AtLimit {
    /// Joined from this probability on.
    pub auto: f64,
    /// Records that would be joined.
    pub joined: u64,
    /// How many of the joins are expected to be wrong.
    pub expected_wrong: f64,
}

/// A record close to the limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Borderline {
    /// The record.
    pub contribution: String,
    /// The resident it is like; where that is another record without a number, the one that would be named after it.
    pub resident: String,
    /// How likely they are one person (0 to 1).
    pub probability: f64,
    /// Whether it would be joined.
    pub joined: bool,
    /// How they compare.
    pub sentence: String,
    /// The same in Chinese.
    pub sentence_zh: String,
}

/// What a model whose keys are made says of the loose records: first by the people known by their numbers, then by each
/// other; and from which probability on these records may be joined so that the expected share of wrong joins stays within the
/// budget: a model is learned from all records, and those without a number are not like all.
pub fn effect(hub: &Hub, matcher: &Matcher, loose: &[Token]) -> Result<(Effect, f64)> {
    let mut effect = Effect::default();
    let mut likely = Likely::default();
    let grouped = |conn: &mut Conn, working: &mut Working, asked: BTreeSet<usize>| {
        let (rules, mut decisions) = (rules(hub), Decisions::of(conn)?);
        let mut pool = Pool::stored((&rules, matcher));
        let reach = (working, &mut decisions);
        let grouped = groups::grouped(&mut pool, conn, reach, (&BTreeSet::new(), asked.clone()))?;
        Ok(grouped.into_iter().filter(|(place, _)| asked.contains(place)).collect())
    };
    each_loose(hub, loose, grouped, |row, one: Grouped| {
        likely.note(matcher, row, &one.like);
        match one.resident {
            Some(resident) => effect.joined(row, (one.placing, resident), &one.like),
            None => effect.left(row, !one.like.is_empty()),
        }
        Ok(())
    })?;
    let auto = limit(&mut likely.all, matcher.limits().auto, Budget::default().wrong);
    likely.tell(matcher, &mut effect);
    Ok((effect, auto))
}

/// Where the budget of wrong joins ends, in a gap between probabilities, a join may be wrong so many times as often as that.
const IN_A_GAP: f64 = 10.0;

/// The lowest limit, not below `least`, that keeps the expected share of wrong joins within `wrong`.
fn limit(likely: &mut [f64], least: f64, wrong: f64) -> f64 {
    likely.sort_by(|one, other| other.total_cmp(one));
    let allowed = decide::within(likely, least, |_| wrong);
    let last = allowed.checked_sub(1).map_or(1.0, |last| likely[last]);
    match likely.get(allowed).filter(|next| **next >= least) {
        // Probabilities are rounded to a millionth.
        Some(next) => (1.0 - IN_A_GAP * wrong).min(last).max(next + 1e-6),
        None => least,
    }
}

/// How likely the likeliest candidates are that may be joined by themselves.
#[derive(Default)]
struct Likely {
    all: Vec<f64>,
    /// Those closest to the limit, with their distance from it.
    closest: Vec<(f64, String, Candidate)>,
}

impl Likely {
    fn note(&mut self, matcher: &Matcher, row: &Row, like: &[Candidate]) {
        let Some(best) = surest(like).filter(|best| best.ground.is_none()) else { return };
        self.all.push(best.probability);
        let distance = (best.probability - matcher.limits().auto).abs();
        if self.closest.len() < SHOWN || self.closest.last().is_some_and(|last| distance < last.0) {
            let at = self.closest.partition_point(|other| other.0 <= distance);
            self.closest.insert(at, (distance, id::hex(&row.id), best.clone()));
            self.closest.truncate(SHOWN);
        }
    }

    fn tell(self, matcher: &Matcher, effect: &mut Effect) {
        let at = |auto: f64| {
            let joined = self.all.iter().filter(|likely| **likely >= auto);
            AtLimit {
                auto,
                joined: joined.clone().count() as u64,
                expected_wrong: joined.map(|likely| 1.0 - likely).sum(),
            }
        };
        effect.limits = LIMITS.into_iter().map(at).collect();
        let shown = |(_, contribution, candidate): (f64, String, Candidate)| {
            let explained = matcher.explained(&candidate);
            Borderline {
                contribution,
                resident: candidate.entity.to_string(),
                probability: candidate.probability,
                joined: matcher.is_sure(&candidate),
                sentence: explained.sentence,
                sentence_zh: explained.sentence_zh,
            }
        };
        effect.borderline = self.closest.into_iter().map(shown).collect();
    }
}

/// The live records without a usable number.
pub fn loose(hub: &Hub) -> Result<Vec<Token>> {
    let mut ids = Vec::new();
    each_page(hub, |page| {
        for row in page.iter().filter(|row| resolve::is_loose(&row.link)) {
            ids.push(row.token()?);
        }
        Ok(())
    })?;
    Ok(ids)
}

/// Asks about those of these records that are still without a usable number, some at a time.
fn each_loose<T>(
    hub: &Hub,
    ids: &[Token],
    ask: impl Fn(&mut Conn, &mut Working, BTreeSet<usize>) -> Result<Vec<(usize, T)>>,
    mut each: impl FnMut(&Row, T) -> Result<()>,
) -> Result<()> {
    for ids in ids.chunks(AT_A_TIME) {
        let (working, answers) = hub.db.read(|conn| {
            let mut working = Working::default();
            let mut places: BTreeSet<usize> =
                working.by_ids(conn, &ids.iter().copied().collect())?.into_iter().collect();
            places.retain(|place| resolve::is_loose(&working.at(*place).row.link));
            let answers = ask(conn, &mut working, places)?;
            Ok((working, answers))
        })?;
        answers.into_iter().try_for_each(|(place, answer)| each(&working.at(place).row, answer))?;
    }
    Ok(())
}

impl Effect {
    fn joined(&mut self, row: &Row, (placing, resident): (Placing, Token), like: &[Candidate]) {
        self.loose += 1;
        self.joined += 1;
        self.expected_wrong += surest(like).map_or(0.0, |candidate| 1.0 - candidate.probability);
        let is_there = resolve::placing(&row.link) == Some(placing)
            && (placing == Placing::Group || row.entity.as_deref() == Some(resident.0.as_slice()));
        self.made += u64::from(!is_there);
        self.broken += u64::from(!is_there && row.entity.is_some());
    }

    fn left(&mut self, row: &Row, is_asked: bool) {
        self.loose += 1;
        *if is_asked { &mut self.review } else { &mut self.apart } += 1;
        self.broken += u64::from(row.entity.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRONG: f64 = 0.0015;

    #[test]
    fn the_limit_is_the_least_where_the_budget_lasts() {
        assert_eq!(limit(&mut [], 0.6, WRONG), 0.6);
        let mut sure = vec![0.999_999; 1_000];
        sure.push(0.7);
        assert_eq!(limit(&mut sure, 0.6, WRONG), 0.6);
        assert_eq!(limit(&mut [0.5, 0.999_999], 0.6, WRONG), 0.6, "what lies below is not joined anyway");
    }

    #[test]
    fn a_few_doubtful_ones_are_left_out() {
        let mut likely = vec![0.999_999; 107];
        likely.extend([0.7; 14]);
        assert_eq!(limit(&mut likely, 0.6, WRONG), 0.985);
        let mut close = vec![0.999_999; 10];
        close.extend([0.99; 50]);
        assert_eq!(limit(&mut close, 0.6, WRONG), 0.990_001, "not one of many that are as likely");
        assert_eq!(limit(&mut [0.9], 0.6, WRONG), 0.985);
    }
}
