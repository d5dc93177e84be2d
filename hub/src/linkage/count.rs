//! How common values are: counted among things, not records, so that duplicates make nothing look common.
//!
//! Owns counting and the values that are shared by too many. Never weighs a pair.

use fnv::FnvHashMap;

use super::evidence::{Kind, Tokens, Value};
use super::model::ColumnModel;
use super::table::Table;

/// What was counted in one column.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Counted {
    /// Things that have a value.
    pub valued: u32,
    /// Tokens more than one thing has, sorted.
    pub counts: Vec<(u64, u32)>,
    /// How many others share a token that was seen once.
    pub once: f64,
    /// Chance that two different things share a token, by its place among the tokens of a value: the whole value first.
    pub chances: [f64; PLACES],
    /// How many others have a name that chance would give to none; see `namesakes`.
    pub namesakes: f64,
}

/// Places of tokens whose chances are counted.
const PLACES: usize = 4;

/// A token nobody else has is still taken to be shared by this many others.
const LEAST: f64 = 0.02;

/// Counts one column. `thing_of` says which thing each record is.
pub fn count(table: &Table, column: usize, thing_of: &[u32]) -> Counted {
    let mut seen: Vec<(u64, u32, u8)> = Vec::with_capacity(table.len());
    let mut valued = 0_u32;
    let mut tokens = Tokens::new();
    let mut last = u32::MAX;
    let mut parts = FnvHashMap::default();
    let mut order: Vec<u32> = (0..table.len() as u32).collect();
    order.sort_by_key(|record| (thing_of.get(*record as usize).copied().unwrap_or(*record), *record));
    for record in order {
        let thing = thing_of.get(record as usize).copied().unwrap_or(record);
        let Some(value) = table.value(record, column) else { continue };
        valued += u32::from(thing != last);
        last = thing;
        tokens.clear();
        value.tokens(&mut tokens);
        // The words of a text are counted by `words`.
        let counted = if matches!(value, Value::Text(_)) { 1 } else { tokens.len() };
        if let (Value::NameZh(name), Some(whole)) = (value, tokens.get(1)) {
            parts.extend(name.parts().map(|parts| (*whole, parts)));
        }
        seen.extend((0_u8..).zip(tokens.iter().take(counted)).map(|(at, token)| (*token, thing, at)));
    }
    seen.sort_unstable();
    seen.dedup_by_key(|(token, thing, _)| (*token, *thing));
    let counted = summed(&seen, valued);
    Counted { namesakes: namesakes(&counted, &parts), ..counted }
}

/// A name that chance would give to fewer others than this is rare.
pub const RARE: f64 = 0.01;
/// Of fewer things with rare names nothing is learned.
const ENOUGH: usize = 500;
/// At most so many others are believed to have a rare name.
const MOST: f64 = 0.1;

/// How many others have a rare name: more than come by it by chance where children are named after somebody.
fn namesakes(counted: &Counted, parts: &FnvHashMap<u64, [u64; 2]>) -> f64 {
    let counts: FnvHashMap<u64, u32> = counted.counts.iter().copied().collect();
    let count = |token: u64| f64::from(counts.get(&token).copied().unwrap_or(1));
    let (mut things, mut others) = (0.0, 0.0);
    for (name, parts) in parts {
        let named = count(*name);
        let both: f64 = parts.iter().map(|part| (count(*part) - named).max(0.0) + counted.once).product();
        if both < RARE * f64::from(counted.valued) {
            things += named;
            others += named * (named - 1.0);
        }
    }
    if things < ENOUGH as f64 { RARE } else { (others / things).clamp(RARE, MOST) }
}

fn summed(seen: &[(u64, u32, u8)], valued: u32) -> Counted {
    let runs = || seen.chunk_by(|a, b| a.0 == b.0).map(|run| (run, run.len() as u32));
    let wholes =
        |times: u32| runs().filter(|(run, count)| *count == times && run.iter().any(|(.., at)| *at == 0)).count();
    let (one, two) = (wholes(1) as f64, wholes(2) as f64);
    let once = if one > 0.0 { (2.0 * two / one).clamp(LEAST, 1.0) } else { 1.0 };
    let others = |count: u32| if count > 1 { f64::from(count - 1) } else { once };
    let valued_f = f64::from(valued.max(1));
    let mut chances = [0.0; PLACES];
    for (run, count) in runs() {
        for (at, chance) in (0_u8..).zip(&mut chances) {
            if run.iter().any(|(.., place)| *place == at) {
                *chance += f64::from(count) / valued_f * others(count) / valued_f;
            }
        }
    }
    let counts = runs().filter(|(_, count)| *count > 1).map(|(run, count)| (run[0].0, count)).collect();
    Counted { valued, counts, once, chances, namesakes: RARE }
}

/// How many records' texts have each word: (word, count), sorted, those of one text only left out.
pub fn words(table: &Table, column: usize) -> Vec<(u64, u32)> {
    let mut counts: FnvHashMap<u64, u32> = FnvHashMap::default();
    let mut tokens = Tokens::new();
    for (value, count) in table.counted(column) {
        tokens.clear();
        value.tokens(&mut tokens);
        for word in tokens.iter().skip(1) {
            *counts.entry(*word).or_default() += count;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    counts.sort_unstable();
    counts
}

/// Gives the words of a text column their weights: the rarer, the more telling.
pub fn weigh(table: &mut Table, column: usize, model: &ColumnModel) {
    if model.kind != Kind::Text {
        return;
    }
    let words = Words::of(model);
    table.amend(column, |value| words.weigh(value));
}

/// The words of a text column, ready to be weighed.
#[derive(Debug)]
pub struct Words {
    counts: FnvHashMap<u64, u32>,
    texts: f64,
}

impl Words {
    /// Those of a model's column.
    pub fn of(model: &ColumnModel) -> Self {
        Self { counts: model.words.iter().copied().collect(), texts: f64::from(model.texts.max(1)) }
    }

    /// Gives the words of a text their weights: one to a word no other text has.
    pub fn weigh(&self, value: &mut Value) {
        if let Value::Text(text) = value {
            let telling = |count: u32| (1.0 + self.texts / f64::from(count)).ln();
            text.weigh(|word| (telling(self.counts.get(&word).copied().unwrap_or(1)) / telling(1)) as f32);
        }
    }
}

/// A number or phone with more holders than this is looked at closer.
const HOLDERS: u32 = 8;

/// Values of a column, by [`Value::common`], that are shared by too many different things to belong to one: placeholders, an
/// office's phone.
///
/// A value is one when most of its holders differ in the columns that name them.
pub fn shared_by_many(table: &Table, column: usize) -> Vec<u64> {
    let kinds = table.kinds();
    if !matches!(kinds.get(column), Some(Kind::CitizenId | Kind::Phone)) {
        return Vec::new();
    }
    let naming: Vec<usize> = (0..kinds.len())
        .filter(|at| matches!(kinds[*at], Kind::NameZh | Kind::NameLatin | Kind::BirthDate) && *at != column)
        .collect();
    let mut counts: FnvHashMap<u64, u32> = FnvHashMap::default();
    for (value, count) in table.counted(column) {
        if let Some(common) = value.common() {
            *counts.entry(common).or_default() += count;
        }
    }
    let mut holders: FnvHashMap<u64, Vec<Vec<u32>>> = FnvHashMap::default();
    for record in 0..table.len() as u32 {
        if let Some(common) = table.value(record, column).and_then(Value::common)
            && counts.get(&common).is_some_and(|count| *count > HOLDERS)
        {
            let cells = table.cell_numbers(record);
            holders.entry(common).or_default().push(naming.iter().map(|at| cells[*at]).collect());
        }
    }
    let mut shared: Vec<u64> = (holders.into_iter())
        .filter(|(_, holders)| {
            let mut different = holders.clone();
            different.sort_unstable();
            different.dedup();
            naming.is_empty() || different.len() > (holders.len() / 2).max(HOLDERS as usize)
        })
        .map(|(common, _)| common)
        .collect();
    shared.sort_unstable();
    shared
}
