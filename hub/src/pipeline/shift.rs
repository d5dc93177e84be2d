//! Which records a transaction moves as far as likeness looks at them: their keys of before and of now, and whom else that
//! may move.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::golden::Rules;
use super::likeness::Standing;
use super::pool::Turnover;
use super::reading::Reading;
use super::spread::spread;
use super::working::Working;
use crate::entity::RESIDENT;
use crate::error::Result;
use crate::keyring::{Tag, Token};
use crate::matching::{Matcher, cells};
use crate::resolve;
use crate::store::contribution::Row;
use crate::store::matching::{Changes, Key};

/// The tags of the active model under which records are found that a transaction moves, by place; all others are found
/// as they are stored.
pub type Keyed = HashMap<usize, Vec<Tag>>;

/// What a transaction moves of likeness.
#[derive(Default)]
pub struct Moved {
    /// Loose records that have changed.
    pub asked: BTreeSet<usize>,
    /// People known otherwise of whom records have come, changed or gone.
    pub people: BTreeSet<Token>,
    /// Tags of such records, of before and now: loose records under them may be moved.
    pub around: Vec<Tag>,
    /// Loose records that have come and gone under each tag.
    pub turnover: Turnover,
    /// What is found otherwise than it is stored.
    pub keyed: Keyed,
    /// What loose records said that say another thing now, or are loose no more.
    pub left: Vec<(Token, Arc<Reading>)>,
    /// Records that are loose no more.
    pub left_from: BTreeSet<usize>,
}

/// A record that has changed or changed its place.
struct Shift {
    place: usize,
    /// Whether it was loose and is; `None` where nothing live was or is.
    was: Option<bool>,
    now: Option<bool>,
    /// Its tags before and now, in order, by model.
    tags: Vec<(i64, Vec<Tag>, Vec<Tag>)>,
    is_rekeyed: bool,
    /// Whom it showed and shows, if it is not loose.
    people: Vec<Token>,
    /// What it said, if it was loose and is so no more or says another thing.
    left: Option<Arc<Reading>>,
}

/// What has changed or changed its place: its keys are made anew, it is asked about if it is loose now, and whoever is found
/// under its keys, of before and of now, may be moved by it.
pub fn moved(
    rules: &Rules,
    standing: &Standing,
    working: &Working,
    changes: &mut Changes,
    again: &BTreeSet<Token>,
) -> Result<Moved> {
    let mut moved = Moved::default();
    let mut places = Vec::new();
    for place in working.places().filter(|place| working.at(*place).row.kind == RESIDENT) {
        let held = working.at(place);
        let stands = (held.row.link.as_str(), &held.row.entity);
        let is_same = !working.is_fresh(place)
            && held.was.as_ref().is_some_and(|(link, entity)| (link.as_str(), entity) == stands);
        let is_asked = !is_same || again.contains(&held.row.token()?);
        if is_asked && held.row.is_live() && resolve::is_loose(&held.row.link) {
            moved.asked.insert(place);
        }
        if !is_same {
            places.push(place);
        }
    }
    let active = standing.active.as_ref().map(|active| active.version);
    for shift in spread(&places, |place| shifted(rules, standing, working, *place))?.into_iter().flatten() {
        moved.people.extend(shift.people);
        if let Some(left) = shift.left {
            moved.left.push((working.at(shift.place).row.token()?, left));
        }
        if shift.was == Some(true) && shift.now != Some(true) {
            moved.left_from.insert(shift.place);
        }
        for (model, before, after) in shift.tags {
            if shift.is_rekeyed {
                let id = &working.at(shift.place).row.id;
                changes.rekey(id, (&before, shift.was.is_some()), &after, (model, shift.now.unwrap_or_default()));
            }
            if active == Some(model) {
                moved.found_under(&before, shift.was, false);
                moved.found_under(&after, shift.now, true);
                moved.keyed.insert(shift.place, after);
            }
        }
    }
    Ok(moved)
}

/// What has changed of the record at a place, if that is anything likeness looks at.
fn shifted(rules: &Rules, standing: &Standing, working: &Working, place: usize) -> Result<Option<Shift>> {
    let held = working.at(place);
    let was = was(working, place)?;
    let now = held.row.is_live().then(|| resolve::is_loose(&held.row.link));
    let was_loose = was.as_ref().map(|(is_loose, _)| *is_loose);
    let says_the_same = match (&was, now) {
        (Some((_, said)), Some(_)) => *said == cells(working.said(place)?),
        (None, None) => true,
        _ => false,
    };
    let is_rekeyed = !says_the_same || was_loose != now;
    if !is_rekeyed && held.was.as_ref().is_none_or(|(_, entity)| *entity == held.row.entity) {
        return Ok(None);
    }
    let (mut tags, mut left) = (Vec::new(), None);
    for matcher in standing.all() {
        let after = now.map(|_| working.reading(rules.keyring, matcher, place)).transpose()?;
        let before = match &was {
            Some(_) if says_the_same => after.clone(),
            Some((_, said)) => Some(Arc::new(Reading::of_cells(rules.keyring, matcher, said)?)),
            None => None,
        };
        tags.push((matcher.version, in_order(before.as_deref()), in_order(after.as_deref())));
        if was_loose == Some(true) && is_rekeyed && is_active(standing, matcher) {
            left = before;
        }
    }
    let before = held.was.as_ref().filter(|_| was_loose == Some(false)).and_then(|(_, entity)| entity.as_deref());
    let after = held.row.entity.as_deref().filter(|_| now == Some(false));
    let people = before.into_iter().chain(after).map(Token::from_slice).collect::<Result<_>>()?;
    Ok(Some(Shift { place, was: was_loose, now, tags, is_rekeyed, people, left }))
}

fn is_active(standing: &Standing, matcher: &Matcher) -> bool {
    standing.active.as_ref().is_some_and(|active| active.version == matcher.version)
}

fn in_order(reading: Option<&Reading>) -> Vec<Tag> {
    let mut tags = reading.map(|reading| reading.tags.clone()).unwrap_or_default();
    tags.sort_unstable();
    tags.dedup();
    tags
}

impl Moved {
    /// A record was or is found under these tags, and is loose or not: whoever is known by their number is evidence.
    fn found_under(&mut self, tags: &[Tag], is_loose: Option<bool>, now: bool) {
        match is_loose {
            Some(false) => self.around.extend(tags),
            Some(true) => {
                for tag in tags {
                    let (gone, come) = self.turnover.entry(*tag).or_default();
                    *if now { come } else { gone } += 1;
                }
            }
            None => {}
        }
    }
}

/// Whether the contribution at a place was loose as it is stored, and what it said; `None` where nothing live was.
fn was(working: &Working, place: usize) -> Result<Option<(bool, Vec<String>)>> {
    let Some((link, _)) = &working.at(place).was else { return Ok(None) };
    let before = working.before(place)?;
    let said = match &before {
        Some(before) => before,
        None => working.said(place)?,
    };
    Ok(Some((resolve::is_loose(link), cells(said))))
}

/// The keys of a contribution under a model, as they are to be stored.
pub fn keys_of(rules: &Rules, matcher: &Matcher, row: &Row) -> Result<Vec<Key>> {
    let reading = Reading::of(rules.keyring, matcher, &row.contribution()?)?;
    Ok(Key::all(&row.id, &reading.tags, (matcher.version, resolve::is_loose(&row.link))).collect())
}
