//! The contributions that one transaction of the writer looks at, as they will stand when it commits.
//!
//! Each is read from the store once at most; what the transaction is about to overwrite is never shown as it was. Owns no
//! rule: who joins whom is said by resolve.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::alone::Alone;
use super::golden::Golden;
use super::known::{self, Known};
use super::links::is_by_key;
use super::reading::Reading;
use super::spread::spread;
use crate::contribution::Contribution;
use crate::error::{Error, Kind, Result};
use crate::keyring::{Keyring, Tag, Token};
use crate::matching::Matcher;
use crate::store::Conn;
use crate::store::bulk::{Carried, Moved, Writes};
use crate::store::contribution::{self as stored, Row};
use crate::store::past_link::PastLink;

/// A contribution to be written.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// What stood under its id, and the aliases that carried.
    pub before: Option<(Row, Vec<Token>)>,
    /// What will stand.
    pub row: Row,
    /// The same as resolve and merge read it; read from the row where it is not given and somebody asks.
    pub said: Option<Contribution>,
    /// The aliases it carries.
    pub aliases: Vec<Token>,
    /// What it comes to by itself, where that has been asked.
    pub alone: Option<Alone>,
    /// How a model reads it, where that has been asked.
    pub reading: Option<Read>,
}

/// A reading and the version of the model.
pub type Read = (i64, Arc<Reading>);

/// A contribution as it will stand.
#[derive(Debug)]
pub struct Held {
    /// The row.
    pub row: Row,
    /// As resolve and merge read it, once somebody has asked.
    said: OnceLock<Contribution>,
    /// As the first model reads it by which somebody has asked.
    reading: OnceLock<Read>,
    /// The aliases it carries.
    pub aliases: Vec<Token>,
    /// What it comes to by itself, where that has been asked.
    pub alone: Option<Alone>,
    /// Link and entity as they are stored; `None` where nothing live is.
    pub was: Option<(String, Option<Vec<u8>>)>,
    fate: Fate,
    before: Option<Row>,
}

impl Held {
    /// The golden document of its person if nobody else speaks of them, where that is known.
    pub fn golden_alone(&self) -> Option<&Golden> {
        self.alone.as_ref().filter(|_| is_by_key(&self.row.link)).and_then(|alone| alone.golden.as_ref())
    }
}

/// What is done with a contribution at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Moves,
    Written { replaces: bool, realiased: bool },
}

/// Contributions under the tokens that were asked for, as places in the working set.
pub type Groups = BTreeMap<Token, Vec<usize>>;

/// The working set of one transaction.
#[derive(Default)]
pub struct Working {
    held: Vec<Held>,
    places: HashMap<Token, usize>,
    known: Option<Arc<Known>>,
}

impl Working {
    /// Begins with what is to be written. What is not `known` is not looked for in the store.
    pub fn of(fresh: Vec<Fresh>, known: Option<Arc<Known>>) -> Result<Self> {
        let (held, places) = (Vec::with_capacity(fresh.len()), HashMap::with_capacity(fresh.len()));
        let mut working = Self { held, places, known };
        for Fresh { before, row, said, aliases, alone, reading } in fresh {
            let realiased = before.as_ref().is_none_or(|(_, carried)| *carried != aliases);
            let fate = Fate::Written { replaces: before.is_some(), realiased };
            let said = said.map_or_else(OnceLock::new, OnceLock::from);
            let reading = reading.map_or_else(OnceLock::new, OnceLock::from);
            let before = before.map(|(before, _)| before).filter(Row::is_live);
            let was = before.as_ref().map(|before| (before.link.clone(), before.entity.clone()));
            working.hold(Held { row, said, reading, aliases, alone, was, fate, before })?;
        }
        Ok(working)
    }

    fn hold(&mut self, held: Held) -> Result<()> {
        self.places.insert(held.row.token()?, self.held.len());
        self.held.push(held);
        Ok(())
    }

    /// What the contribution at a place says.
    pub fn said(&self, place: usize) -> Result<&Contribution> {
        let held = &self.held[place];
        if held.said.get().is_none() {
            // Another thread may have read the same meanwhile.
            let _set = held.said.set(held.row.contribution()?);
        }
        held.said.get().ok_or_else(|| Error::new(Kind::Internal, "a contribution that was just read"))
    }

    /// What the contributions at these places say.
    pub fn all_said(&self, places: &[usize]) -> Result<Vec<&Contribution>> {
        places.iter().map(|place| self.said(*place)).collect()
    }

    /// How a model reads the contribution at a place.
    pub fn reading(&self, keyring: &Keyring, matcher: &Matcher, place: usize) -> Result<Arc<Reading>> {
        let held = &self.held[place];
        if let Some((_, reading)) = held.reading.get().filter(|(version, _)| *version == matcher.version) {
            return Ok(reading.clone());
        }
        let reading = Arc::new(Reading::of(keyring, matcher, self.said(place)?)?);
        // Another thread may have read the same meanwhile, or another model.
        let _set = held.reading.set((matcher.version, reading.clone()));
        Ok(reading)
    }

    /// The contribution at a place.
    pub fn at(&self, place: usize) -> &Held {
        &self.held[place]
    }

    /// What stood under the id of a contribution that is written, if it was live.
    pub fn before(&self, place: usize) -> Result<Option<Contribution>> {
        self.held[place].before.as_ref().map(Row::contribution).transpose()
    }

    /// Where a contribution is held, if it is.
    pub fn place_of(&self, id: &Token) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The entity of a contribution that is held.
    pub fn entity_of(&self, id: &Token) -> Result<Option<Token>> {
        let entity = self.places.get(id).and_then(|place| self.held[*place].row.entity.as_deref());
        entity.map(Token::from_slice).transpose()
    }

    /// All places.
    pub fn places(&self) -> std::ops::Range<usize> {
        0..self.held.len()
    }

    /// The live contributions of these ids.
    pub fn by_ids(&mut self, conn: &mut Conn, ids: &BTreeSet<Token>) -> Result<Vec<usize>> {
        let unknown: Vec<Vec<u8>> =
            ids.iter().filter(|id| !self.places.contains_key(id)).map(|id| id.to_vec()).collect();
        let found = stored::by_ids(conn, &unknown)?;
        self.take_in(found.into_iter().filter(Row::is_live).collect())?;
        Ok(ids.iter().filter_map(|id| self.places.get(id).copied()).collect())
    }

    /// Whether the contribution at a place is written by this transaction.
    pub fn is_fresh(&self, place: usize) -> bool {
        matches!(self.held[place].fate, Fate::Written { .. })
    }

    /// Whether nothing was ever stored under the id of the contribution at a place.
    pub fn is_new(&self, place: usize) -> bool {
        matches!(self.held[place].fate, Fate::Written { replaces: false, .. })
    }

    /// The live contributions that assert one of these person keys.
    pub fn under_keys(&mut self, conn: &mut Conn, keys: &BTreeSet<Token>) -> Result<Groups> {
        self.take_in(stored::live_under_keys(conn, &self.stored(keys))?)?;
        self.grouped(keys, |row| row.key_token.as_ref())
    }

    /// The live contributions of these entities.
    pub fn of_entities(&mut self, conn: &mut Conn, entities: &BTreeSet<Token>) -> Result<Groups> {
        // Most of them were found under their keys already.
        let mut unknown = Vec::new();
        for id in stored::live_ids_of_entities(conn, &self.stored(entities))? {
            if !self.places.contains_key(&Token::from_slice(&id)?) {
                unknown.push(id);
            }
        }
        self.take_in(stored::by_ids(conn, &unknown)?)?;
        self.grouped(entities, |row| row.entity.as_ref())
    }

    /// The live contributions of these households.
    pub fn of_households(&mut self, conn: &mut Conn, households: &BTreeSet<Token>) -> Result<Groups> {
        self.take_in(stored::live_of_households(conn, &self.stored(households))?)?;
        self.grouped(households, |row| row.household.as_ref())
    }

    /// The live contributions that carry one of these aliases, by alias.
    pub fn carrying(&mut self, conn: &mut Conn, aliases: &BTreeSet<Token>) -> Result<Groups> {
        let carriers = stored::live_with_aliases(conn, &self.stored(aliases))?;
        self.take_in(carriers.into_iter().map(|(_, row)| row).collect())?;
        let mut groups = Groups::new();
        for (place, held) in self.held.iter().enumerate().filter(|(_, held)| held.row.is_live()) {
            for alias in &held.aliases {
                if aliases.contains(alias) {
                    groups.entry(*alias).or_default().push(place);
                }
            }
        }
        Ok(groups)
    }

    /// Those of the tokens that the store may hold.
    pub fn stored(&self, tokens: &BTreeSet<Token>) -> Vec<Vec<u8>> {
        let may_hold = |token: &&Token| known::may_hold(self.known.as_deref(), &token.0);
        tokens.iter().filter(may_hold).map(|token| token.to_vec()).collect()
    }

    /// Those of the tags under which a loose record may be found as it is stored.
    pub fn stored_tags<'a>(&self, tags: impl IntoIterator<Item = &'a Tag>) -> Vec<Tag> {
        let known = self.known.as_deref();
        tags.into_iter().filter(|tag| known.is_none_or(|known| known.may_hold_tag(**tag))).copied().collect()
    }

    /// Notes a person whom a loose record may be about.
    pub fn note_looked_at(&self, person: Token) {
        if let Some(known) = &self.known {
            known.note_looked_at(&person.0);
        }
    }

    /// Those of these people whom a loose record may have been taken for, as they are stored.
    pub fn looked_at(&self, people: &BTreeSet<Token>) -> BTreeSet<Token> {
        let known = self.known.as_deref();
        let may_be = |person: &&Token| known.is_none_or(|known| known.may_be_looked_at(&person.0));
        people.iter().filter(may_be).copied().collect()
    }

    fn take_in(&mut self, rows: Vec<Row>) -> Result<()> {
        let mut unknown = Vec::with_capacity(rows.len());
        for row in rows {
            if !self.places.contains_key(&row.token()?) {
                unknown.push(row);
            }
        }
        let read = spread(&unknown, Row::said)?;
        for (row, (said, aliases)) in unknown.into_iter().zip(read) {
            // One row may have been found twice, by two aliases.
            if !self.places.contains_key(&said.id) {
                let was = row.is_live().then(|| (row.link.clone(), row.entity.clone()));
                let said = OnceLock::from(said);
                let reading = OnceLock::new();
                let fate = Fate::Stays;
                self.hold(Held { row, said, reading, aliases, alone: None, was, fate, before: None })?;
            }
        }
        Ok(())
    }

    fn grouped(&self, wanted: &BTreeSet<Token>, token: impl Fn(&Row) -> Option<&Vec<u8>>) -> Result<Groups> {
        let mut groups = Groups::new();
        for (place, held) in self.held.iter().enumerate().filter(|(_, held)| held.row.is_live()) {
            let Some(token) = token(&held.row).map(|token| Token::from_slice(token)).transpose()? else { continue };
            if wanted.contains(&token) {
                groups.entry(token).or_default().push(place);
            }
        }
        Ok(groups)
    }

    /// Says where the contribution at a place belongs.
    pub fn relink(&mut self, place: usize, link: &str, entity: Option<Token>) {
        let held = &mut self.held[place];
        link.clone_into(&mut held.row.link);
        held.row.entity = entity.map(Token::to_vec);
        if held.fate == Fate::Stays {
            held.fate = Fate::Moves;
        }
    }

    /// What is to be stored of it at a moment.
    pub fn into_writes(self, now: i64) -> Writes {
        let mut writes = Writes::default();
        for Held { mut row, was, aliases, fate, .. } in self.held {
            writes.left.extend(settled(&mut row, was, now));
            match fate {
                Fate::Stays => {}
                Fate::Moves => writes.moved.push(Moved {
                    id: row.id,
                    link: row.link,
                    entity: row.entity,
                    linked_at: row.linked_at,
                }),
                Fate::Written { replaces, realiased } => {
                    if realiased {
                        let carried = |alias: &Token| Carried { alias: alias.to_vec(), contribution: row.id.clone() };
                        writes.aliases.extend(aliases.iter().collect::<BTreeSet<_>>().into_iter().map(carried));
                    }
                    if replaces {
                        writes.replaced.push(row.id.clone());
                        writes.alias_owners.extend(realiased.then(|| row.id.clone()));
                    }
                    writes.contributions.push(row);
                }
            }
        }
        writes
    }
}

/// Notes since when a contribution belongs where it does, and the place it has left, if it stood there for any time.
fn settled(row: &mut Row, was: Option<(String, Option<Vec<u8>>)>, now: i64) -> Option<PastLink> {
    if was.as_ref().is_some_and(|(link, entity)| *link == row.link && *entity == row.entity) {
        return None;
    }
    // A clock may be set back; what follows does not begin before what it follows.
    let since = row.linked_at;
    row.linked_at = now.max(since);
    let (link, entity) = was.filter(|_| row.linked_at > since)?;
    let (contribution, until) = (row.id.clone(), row.linked_at);
    Some(PastLink { contribution, until, since, link, entity, model: None, document: None })
}
