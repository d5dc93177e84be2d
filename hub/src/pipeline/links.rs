//! Where contributions belong, resolved again for all that a change may touch: by key, by alias, by decision. What the rules
//! say stands in resolve; here is only whom to ask about and what becomes of the answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::golden::{Rules, entity_id};
use super::likeness;
use super::working::Working;
use crate::entity::{HOUSEHOLD, RESIDENT};
use crate::error::Result;
use crate::keyring::{Keyring, Token};
use crate::resolve::{self, AliasMeaning, Claims, Decided, Link, Placing, Standing};
use crate::store::contribution::Row;
use crate::store::entity::Entity;
use crate::store::{Conn, decision, matching};

/// The link of a contribution by the key it asserts.
pub(super) const BY_KEY: &str = "key";
/// The link of a contribution by a decision.
const BY_DECISION: &str = "decision";

/// Where a change may reach: tokens of contributions before and after it.
#[derive(Debug, Default)]
pub struct Touched {
    keys: BTreeSet<Token>,
    aliases: BTreeSet<Token>,
    households: BTreeSet<Token>,
    /// Entities, each with the person key that makes its id, where that is known.
    entities: BTreeMap<Token, Option<Token>>,
    /// Contributions whose place is asked for by itself.
    contributions: BTreeSet<Token>,
}

impl Touched {
    /// Adds a contribution as it was or as it is.
    pub(super) fn add(&mut self, row: &Row, aliases: &[Token]) -> Result<()> {
        let read = |token: &Option<Vec<u8>>| token.as_deref().map(Token::from_slice).transpose();
        self.keys.extend(read(&row.key_token)?);
        self.households.extend(read(&row.household)?);
        self.add_id(read(&row.entity)?);
        self.aliases.extend(aliases);
        Ok(())
    }

    fn add_id(&mut self, entity: Option<Token>) {
        if let Some(entity) = entity {
            self.entities.entry(entity).or_default();
        }
    }

    /// Adds a contribution whose place may be another without its having changed.
    pub fn add_contribution(&mut self, id: Token) {
        self.contributions.insert(id);
    }

    /// Adds a person: whoever asserts the key, and the entity.
    pub fn add_person(&mut self, keyring: &Keyring, key: Token) -> Result<()> {
        self.keys.insert(key);
        self.entities.insert(entity_id(keyring, RESIDENT, key)?, Some(key));
        Ok(())
    }

    /// The contributions whose place is asked for by itself.
    pub(super) fn contributions(&self) -> &BTreeSet<Token> {
        &self.contributions
    }

    /// The entities, each with the person key that makes its id, where that is known.
    pub(super) fn entities(&self) -> &BTreeMap<Token, Option<Token>> {
        &self.entities
    }

    /// The households.
    pub(super) fn households(&self) -> &BTreeSet<Token> {
        &self.households
    }

    /// Adds an entity whatever contributes to it.
    pub fn add_entity(&mut self, row: &Entity) -> Result<()> {
        if row.kind == HOUSEHOLD {
            self.households.insert(Token::from_slice(&row.token)?);
        } else {
            self.add_id(Some(Token::from_slice(&row.id)?));
        }
        Ok(())
    }
}

/// How a contribution stands: what is stored as its link, and the key of the person it belongs to.
pub fn link_text(link: &Link) -> (&'static str, Option<Token>) {
    match link {
        Link::Key(key) => (BY_KEY, Some(*key)),
        Link::Alias(key) => ("alias", Some(*key)),
        Link::Decided(person) => (BY_DECISION, Some(*person)),
        Link::None(reason) => (reason, None),
    }
}

/// Whether the number of a contribution with this link counts as the person's.
pub fn is_by_key(link: &str) -> bool {
    link == BY_KEY
}

/// Whether there is a person as long as a contribution with this link is about them. Who is only meant by a department's
/// number is meant by somebody else's record too.
pub fn founds(link: &str) -> bool {
    matches!(link, BY_KEY | BY_DECISION) || resolve::placing(link) == Some(Placing::Group)
}

/// The decisions that a transaction has had to look at. A store without any is asked once.
#[derive(Debug, Default)]
pub struct Decisions {
    are_any: bool,
    decided: Decided,
}

impl Decisions {
    /// Begins to look.
    pub fn of(conn: &mut Conn) -> Result<Self> {
        Ok(Self { are_any: decision::is_any(conn)?, decided: Decided::default() })
    }

    /// Looks for what was decided of these contributions and people.
    pub fn learn(&mut self, conn: &mut Conn, of: impl Iterator<Item = Token>) -> Result<()> {
        if !self.are_any {
            return Ok(());
        }
        decision::learn(conn, &mut self.decided, of.map(Token::to_vec).collect())
    }

    /// What was found.
    pub fn found(&self) -> &Decided {
        &self.decided
    }
}

/// Says again where all that is touched belongs; what that touches in turn is added.
pub fn resettle(
    rules: &Rules,
    conn: &mut Conn,
    (working, touched): (&mut Working, &mut Touched),
    now: i64,
) -> Result<(Decisions, matching::Changes)> {
    let mut decisions = Decisions::of(conn)?;
    for place in working.by_ids(conn, &touched.contributions)? {
        let held = working.at(place);
        touched.add(&held.row, &held.aliases)?;
    }
    by_keys(rules, conn, (working, touched), &mut decisions)?;
    by_aliases(rules, conn, (working, touched), &mut decisions)?;
    by_decisions(rules, conn, (working, touched), &mut decisions)?;
    let matched = likeness::resettle(rules, conn, (working, touched), &mut decisions, now)?;
    names(rules, working, touched)?;
    Ok((decisions, matched))
}

/// Residents who had their name from a contribution that has gone elsewhere: what stands of them says where.
fn names(rules: &Rules, working: &Working, touched: &mut Touched) -> Result<()> {
    for place in working.places().filter(|place| !working.is_new(*place)) {
        let held = working.at(place);
        let was = held.was.as_ref().and_then(|(_, entity)| entity.as_ref());
        if held.row.kind == RESIDENT && (!held.row.is_live() || was != held.row.entity.as_ref()) {
            let named = entity_id(rules.keyring, RESIDENT, held.row.token()?)?;
            if rules.may_hold(&named.0) {
                touched.add_id(Some(named));
            }
        }
    }
    Ok(())
}

type Reach<'a> = (&'a mut Working, &'a mut Touched);

/// Agreement under every touched key: who joined and who waits.
fn by_keys(rules: &Rules, conn: &mut Conn, (working, touched): Reach, decisions: &mut Decisions) -> Result<()> {
    let groups = working.under_keys(conn, &touched.keys)?;
    let mut concerned: BTreeSet<Token> = touched.keys.clone();
    for place in groups.values().flatten().filter(|_| decisions.are_any) {
        concerned.insert(working.at(*place).row.token()?);
    }
    decisions.learn(conn, concerned.into_iter())?;
    for (key, places) in groups {
        let (mut witnesses, mut links) = (Vec::with_capacity(places.len()), Vec::new());
        for place in places {
            let id = working.at(place).row.token()?;
            if decisions.found().is_witness(id, key) {
                witnesses.push(place);
            } else {
                links.push((place, decisions.found().link(id, Link::Key(key))));
            }
        }
        let standings = standings(rules, working, &witnesses)?;
        for (place, standing) in witnesses.into_iter().zip(standings) {
            let link = match standing {
                Standing::Joined => Link::Key(decisions.found().person(key)),
                Standing::Waiting(reason) => decisions.found().link(working.at(place).row.token()?, Link::None(reason)),
            };
            links.push((place, link));
        }
        for (place, link) in links {
            if relink(rules, working, place, &link, touched)? {
                touched.aliases.extend(&working.at(place).aliases);
            }
        }
    }
    Ok(())
}

/// The standing of each of the contributions under one key.
fn standings(rules: &Rules, working: &Working, places: &[usize]) -> Result<Vec<Standing>> {
    if let [place] = places
        && let Some(alone) = &working.at(*place).alone
    {
        return Ok(vec![alone.standing]);
    }
    Ok(resolve::agreement(rules.resident, &working.all_said(places)?))
}

/// What every touched alias means now, and where those go that live by it.
fn by_aliases(rules: &Rules, conn: &mut Conn, (working, touched): Reach, decisions: &mut Decisions) -> Result<()> {
    let carriers = working.carrying(conn, &touched.aliases)?;
    let keyless: BTreeSet<usize> =
        carriers.into_values().flatten().filter(|place| working.at(*place).row.key_token.is_none()).collect();
    let mut asked = Vec::with_capacity(keyless.len());
    for place in keyless {
        asked.push((place, resolve::claims(rules.resident, rules.keyring, working.said(place)?)?));
    }
    let theirs: BTreeSet<Token> = asked.iter().flat_map(|(_, claims)| &claims.aliases).copied().collect();
    let meanings = meanings(conn, working, &theirs, decisions)?;
    let mut concerned = Vec::with_capacity(asked.len());
    for (place, _) in &asked {
        concerned.push(working.at(*place).row.token()?);
    }
    decisions.learn(conn, concerned.iter().copied())?;
    for ((place, claims), id) in asked.into_iter().zip(concerned) {
        let by_rules = resolve::link(&claims, Standing::Joined, &meanings_of(&claims, &meanings));
        relink(rules, working, place, &decisions.found().link(id, by_rules), touched)?;
    }
    Ok(())
}

fn meanings_of(claims: &Claims, meanings: &HashMap<Token, AliasMeaning>) -> Vec<AliasMeaning> {
    claims.aliases.iter().map(|alias| meanings.get(alias).copied().unwrap_or(AliasMeaning::Unknown)).collect()
}

/// The meaning of each alias, from those that carry it with a key they joined under.
fn meanings(
    conn: &mut Conn,
    working: &mut Working,
    aliases: &BTreeSet<Token>,
    decisions: &mut Decisions,
) -> Result<HashMap<Token, AliasMeaning>> {
    let mut taught: BTreeMap<Token, Vec<Token>> = BTreeMap::new();
    for (alias, places) in working.carrying(conn, aliases)? {
        for row in places.into_iter().map(|place| &working.at(place).row) {
            if let Some(key) = row.key_token.as_ref().filter(|_| is_by_key(&row.link)) {
                taught.entry(alias).or_default().push(Token::from_slice(key)?);
            }
        }
    }
    decisions.learn(conn, taught.values().flatten().copied())?;
    let meaning = |keys: Vec<Token>| resolve::alias(keys.into_iter().map(|key| decisions.found().person(key)));
    Ok(taught.into_iter().map(|(alias, keys)| (alias, meaning(keys))).collect())
}

/// Where those go of whom only people can say it: without a key and without a department's number.
fn by_decisions(rules: &Rules, conn: &mut Conn, (working, touched): Reach, decisions: &mut Decisions) -> Result<()> {
    if !decisions.are_any {
        return Ok(());
    }
    let (mut places, mut concerned) = (Vec::new(), Vec::new());
    for place in working.places() {
        let held = working.at(place);
        let id = held.row.token()?;
        let is_asked = working.is_fresh(place) || touched.contributions.contains(&id);
        if is_asked && held.row.is_live() && held.row.key_token.is_none() && held.aliases.is_empty() {
            places.push((place, id));
            concerned.push(id);
        }
    }
    decisions.learn(conn, concerned.into_iter())?;
    for (place, id) in places {
        let claims = resolve::claims(rules.resident, rules.keyring, working.said(place)?)?;
        let by_rules = resolve::link(&claims, Standing::Joined, &[]);
        relink(rules, working, place, &decisions.found().link(id, by_rules), touched)?;
    }
    Ok(())
}

/// Places a loose contribution by likeness, or no more: to an entity, whose token may be known.
pub(super) fn relink_loose(
    working: &mut Working,
    place: usize,
    (placing, entity, token): (Placing, Option<Token>, Option<Token>),
    touched: &mut Touched,
) -> Result<()> {
    let text = resolve::placed(&working.at(place).row.link, placing);
    put(working, place, (text, entity, token), touched).map(drop)
}

/// Says where a contribution belongs, if that is another place.
fn relink(rules: &Rules, working: &mut Working, place: usize, link: &Link, touched: &mut Touched) -> Result<bool> {
    let (text, key) = link_text(link);
    let entity = key.map(|key| entity_id(rules.keyring, &working.at(place).row.kind, key)).transpose()?;
    put(working, place, (text, entity, key), touched)
}

/// Puts a contribution to an entity, whose key may be known, and says whether that is another place or another link than
/// before; both places are touched then.
fn put(
    working: &mut Working,
    place: usize,
    (text, entity, key): (&str, Option<Token>, Option<Token>),
    touched: &mut Touched,
) -> Result<bool> {
    let row = &working.at(place).row;
    let stands = row.entity.as_deref().map(Token::from_slice).transpose()?;
    let changed = row.link != text || stands != entity;
    if changed {
        touched.add_id(stands);
    }
    if changed || working.is_fresh(place) {
        touched.add_id(entity);
        if let (Some(entity), Some(_)) = (entity, key) {
            touched.entities.insert(entity, key);
        }
    }
    if changed {
        working.relink(place, text, entity);
    }
    Ok(changed)
}
