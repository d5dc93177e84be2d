//! Verify: recomputes everything that is a function of the contributions and counts what differs. Reads only; names no person.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};

use super::apply::rules;
use super::golden::{Joined, Rules, ended_resident, entity_id, golden_household, golden_resident};
use super::links::{Decisions, link_text};
use super::pool::Pool;
use super::working::Working;
use super::{groups, shift};
use crate::contribution::Contribution;
use crate::entity::{HOUSEHOLD, RESIDENT};
use crate::error::Result;
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::resolve::{self, AliasMeaning, Claims, Placing, Standing};
use crate::store::contribution::{self, Row};
use crate::store::entity::{self, Entity, Version};
use crate::store::{Conn, codec, delivery, matching};

const PAGE: i64 = 1_000;
/// Differences described one by one; all are counted.
const SHOWN: usize = 20;

/// What verify found.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Live contributions looked at.
    pub contributions: u64,
    /// Entities looked at.
    pub entities: u64,
    /// Keys of likeness looked at.
    pub match_keys: u64,
    /// How many things are not as they should be.
    pub differences: u64,
    /// The first of them, by token and id.
    pub shown: Vec<String>,
}

impl Verified {
    fn differs(&mut self, what: impl FnOnce() -> String) {
        self.differences += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(what());
        }
    }
}

/// Recomputes links, golden documents and counts.
pub fn verify(hub: &Hub) -> Result<Verified> {
    hub.db.read(|conn| {
        let mut verified = Verified::default();
        let rules = rules(hub);
        links(&rules, conn, &mut verified)?;
        entities(&rules, conn, &mut verified)?;
        sequence(conn, &mut verified)?;
        deliveries(conn, &mut verified)?;
        Ok(verified)
    })
}

/// Every live contribution: its tokens, where it belongs, and that the entities it speaks of are there.
fn links(rules: &Rules, conn: &mut Conn, verified: &mut Verified) -> Result<()> {
    let mut after = Vec::new();
    loop {
        let page = contribution::page(conn, &after, PAGE)?;
        let Some(last) = page.last() else { return no_other_keys(rules, conn, verified) };
        after.clone_from(&last.id);
        verified.contributions += page.len() as u64;
        let expected = expected_links(rules, conn, &page)?;
        match_keys(rules, conn, &page, verified)?;
        let mut spoken_of: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
        let ids: Vec<Vec<u8>> = page.iter().map(|row| row.id.clone()).collect();
        let mut aliases: HashMap<Vec<u8>, BTreeSet<Vec<u8>>> = HashMap::new();
        for (id, alias) in contribution::aliases_of(conn, &ids)? {
            aliases.entry(id).or_default().insert(alias);
        }
        for (row, Expected { text, entity, claims }) in page.iter().zip(&expected) {
            let (text, entity) = (*text, entity.clone());
            let household = claims.household.map(Token::to_vec);
            let carries: BTreeSet<Vec<u8>> = claims.aliases.iter().map(|alias| alias.to_vec()).collect();
            let as_stored = row.link == text
                && row.entity == entity
                && row.key_token == claims.key.map(Token::to_vec)
                && row.household == household
                && aliases.remove(&row.id).unwrap_or_default() == carries;
            if !as_stored {
                verified.differs(|| {
                    format!("contribution {} of {}: link {} should be {text}", id::hex(&row.id), row.feed, row.link)
                });
            }
            spoken_of.extend(entity.map(|id| (id, RESIDENT)));
            if let Some(token) = household {
                spoken_of.insert(entity_id(rules.keyring, HOUSEHOLD, Token::from_slice(&token)?)?.to_vec(), HOUSEHOLD);
            }
        }
        let ids: Vec<Vec<u8>> = spoken_of.keys().cloned().collect();
        let there = entity::current(conn, &ids)?;
        let live = there.iter().filter(|(entity, _)| entity.state == "live").count();
        for _ in live..ids.len() {
            verified.differs(|| "an entity that contributions speak of is not there or has ended".to_owned());
        }
    }
}

/// Where a contribution belongs.
struct Expected {
    text: &'static str,
    entity: Option<Vec<u8>>,
    claims: Claims,
}

/// Where each contribution belongs, computed from documents and the keys of likeness; those are computed, too.
fn expected_links(rules: &Rules, conn: &mut Conn, page: &[Row]) -> Result<Vec<Expected>> {
    let mut claims = Vec::new();
    for row in page {
        claims.push(resolve::claims(rules.resident, rules.keyring, &row.contribution()?)?);
    }
    let mut decisions = Decisions::of(conn)?;
    let ids: Vec<Token> = page.iter().map(Row::token).collect::<Result<_>>()?;
    decisions.learn(conn, ids.iter().copied())?;
    let keys: Vec<Vec<u8>> = claims.iter().filter_map(|claims| claims.key).map(Token::to_vec).collect();
    let standings = standings(rules, conn, &keys, &mut decisions)?;
    let aliases: Vec<Vec<u8>> = claims
        .iter()
        .filter(|claims| claims.key.is_none())
        .flat_map(|claims| &claims.aliases)
        .map(|alias| alias.to_vec())
        .collect();
    let mut teachers: HashMap<Token, Vec<Token>> = HashMap::new();
    let carriers = contribution::live_with_aliases(conn, &aliases)?;
    let their_keys: Vec<Vec<u8>> = carriers.iter().filter_map(|(_, row)| row.key_token.clone()).collect();
    let their_standings = self::standings(rules, conn, &their_keys, &mut decisions)?;
    for (alias, row) in carriers {
        if let (Some(key), Some(Standing::Joined)) = (&row.key_token, their_standings.get(&row.id)) {
            teachers.entry(Token::from_slice(&alias)?).or_default().push(Token::from_slice(key)?);
        }
    }
    let mut expected = Vec::new();
    let decided = decisions.found();
    for ((row, claims), id) in page.iter().zip(claims).zip(ids) {
        let means = |alias| resolve::alias(teachers.get(alias).into_iter().flatten().map(|key| decided.person(*key)));
        let meanings: Vec<AliasMeaning> = claims.aliases.iter().map(means).collect();
        let standing = standings.get(&row.id).copied().unwrap_or(Standing::Joined);
        let (text, key) = link_text(&decided.link(id, resolve::link(&claims, standing, &meanings)));
        let entity = key.map(|key| entity_id(rules.keyring, &row.kind, key)).transpose()?.map(Token::to_vec);
        expected.push(Expected { text, entity, claims });
    }
    by_likeness(rules, conn, page, &mut expected)?;
    Ok(expected)
}

/// Where those belong whom only likeness can place.
fn by_likeness(rules: &Rules, conn: &mut Conn, page: &[Row], expected: &mut [Expected]) -> Result<()> {
    let Some(active) = rules.models.standing(conn)?.active else { return Ok(()) };
    let loose =
        page.iter().zip(expected.iter()).filter(|(row, one)| row.kind == RESIDENT && resolve::is_loose(one.text));
    let ids: BTreeSet<Token> = loose.map(|(row, _)| row.token()).collect::<Result<_>>()?;
    let (mut working, mut decisions) = (Working::default(), Decisions::of(conn)?);
    let asked = working.by_ids(conn, &ids)?.into_iter().collect();
    let mut pool = Pool::stored((rules, &active));
    let reach = (&mut working, &mut decisions);
    let mut placed: HashMap<Vec<u8>, (Placing, Option<Token>)> = HashMap::new();
    for (place, one) in groups::grouped(&mut pool, conn, reach, (&BTreeSet::new(), asked))? {
        placed.insert(working.at(place).row.id.clone(), (one.placing, one.resident));
    }
    for (row, one) in page.iter().zip(expected) {
        if let Some((placing, entity)) = placed.remove(&row.id) {
            one.text = resolve::placed(one.text, placing);
            one.entity = entity.map(Token::to_vec);
        }
    }
    Ok(())
}

/// There are no keys of likeness but those that were looked at.
fn no_other_keys(rules: &Rules, conn: &mut Conn, verified: &mut Verified) -> Result<()> {
    let Some(active) = rules.models.standing(conn)?.active else { return Ok(()) };
    let stored = matching::keys_of(conn, active.version)?;
    if stored.unsigned_abs() != verified.match_keys {
        let computed = verified.match_keys;
        verified.differs(|| format!("{stored} keys of likeness are stored, {computed} follow from the contributions"));
    }
    Ok(())
}

/// The tags under which records are found, of each live contribution.
fn match_keys(rules: &Rules, conn: &mut Conn, page: &[Row], verified: &mut Verified) -> Result<()> {
    let Some(active) = rules.models.standing(conn)?.active else { return Ok(()) };
    let mut computed = Vec::new();
    for row in page.iter().filter(|row| row.kind == RESIDENT) {
        computed.extend(shift::keys_of(rules, &active, row)?);
    }
    verified.match_keys += computed.len() as u64;
    if matching::there(conn, &computed)?.len() != computed.len() {
        verified.differs(|| "the keys of likeness are not those of the contributions".to_owned());
    }
    Ok(())
}

/// Agreement under keys, by contribution; of those that bear witness.
fn standings(
    rules: &Rules,
    conn: &mut Conn,
    keys: &[Vec<u8>],
    decisions: &mut Decisions,
) -> Result<HashMap<Vec<u8>, Standing>> {
    let mut groups: BTreeMap<Vec<u8>, Vec<(Vec<u8>, Contribution)>> = BTreeMap::new();
    let mut keys = keys.to_vec();
    keys.sort();
    keys.dedup();
    let found = contribution::live_under_keys(conn, &keys)?;
    let concerned = keys.iter().chain(found.iter().map(|row| &row.id)).map(|token| Token::from_slice(token));
    decisions.learn(conn, concerned.collect::<Result<Vec<_>>>()?.into_iter())?;
    for row in found {
        let key = row.key_token.clone().unwrap_or_default();
        if decisions.found().is_witness(row.token()?, Token::from_slice(&key)?) {
            groups.entry(key).or_default().push((row.id.clone(), row.contribution()?));
        }
    }
    let mut standings = HashMap::new();
    for group in groups.into_values() {
        let contributions: Vec<&Contribution> = group.iter().map(|(_, contribution)| contribution).collect();
        let found = resolve::agreement(rules.resident, &contributions);
        standings.extend(group.iter().map(|(id, _)| id.clone()).zip(found));
    }
    Ok(standings)
}

/// Every entity: its golden document.
fn entities(rules: &Rules, conn: &mut Conn, verified: &mut Verified) -> Result<()> {
    let mut after = Vec::new();
    loop {
        let page = entity::all_after(conn, &after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        verified.entities += page.len() as u64;
        let of_kind = |kind: &str| page.iter().filter(|(entity, _)| entity.kind == kind).cloned().collect::<Vec<_>>();
        residents(rules, conn, &of_kind(RESIDENT), verified)?;
        households(rules, conn, &of_kind(HOUSEHOLD), verified)?;
    }
}

fn residents(rules: &Rules, conn: &mut Conn, page: &[(Entity, Version)], verified: &mut Verified) -> Result<()> {
    let ids: Vec<Vec<u8>> = page.iter().map(|(entity, _)| entity.id.clone()).collect();
    let mut joined: HashMap<Vec<u8>, Vec<(Contribution, String)>> = HashMap::new();
    for row in contribution::live_of_entities(conn, &ids)? {
        let said = row.contribution()?;
        joined.entry(row.entity.unwrap_or_default()).or_default().push((said, row.link));
    }
    let mut decisions = Decisions::of(conn)?;
    let tokens: Vec<Token> = page.iter().map(|(entity, _)| Token::from_slice(&entity.token)).collect::<Result<_>>()?;
    decisions.learn(conn, tokens.iter().copied())?;
    let mut elsewhere: HashMap<Vec<u8>, Token> = HashMap::new();
    let named_after: Vec<Vec<u8>> = tokens.iter().map(|token| token.to_vec()).collect();
    for row in contribution::by_ids(conn, &named_after)?.into_iter().filter(Row::is_live) {
        if let Some(entity) = row.entity {
            elsewhere.insert(row.id, Token::from_slice(&entity)?);
        }
    }
    for ((entity, version), token) in page.iter().zip(tokens) {
        let joined = joined.get(&entity.id).map_or(&[][..], Vec::as_slice);
        let joined: Vec<Joined> = joined.iter().map(|(said, link)| (said, link.as_str())).collect();
        let golden = golden_resident(rules, &joined)?;
        let elsewhere = elsewhere.get(token.0.as_slice()).copied();
        let ended = ended_resident(rules.keyring, decisions.found(), (token, elsewhere))?;
        compare(entity, version, (golden, ended), verified)?;
    }
    Ok(())
}

fn households(rules: &Rules, conn: &mut Conn, page: &[(Entity, Version)], verified: &mut Verified) -> Result<()> {
    let tokens: Vec<Vec<u8>> = page.iter().map(|(entity, _)| entity.token.clone()).collect();
    let mut members: HashMap<Vec<u8>, Vec<Contribution>> = HashMap::new();
    for row in contribution::live_of_households(conn, &tokens)? {
        members.entry(row.household.clone().unwrap_or_default()).or_default().push(row.contribution()?);
    }
    for (entity, version) in page {
        let members: Vec<&Contribution> = members.get(&entity.token).into_iter().flatten().collect();
        let golden = golden_household(rules, &members)?;
        compare(entity, version, (golden, Map::new()), verified)?;
    }
    Ok(())
}

fn compare(
    entity: &Entity,
    version: &Version,
    (golden, ended): (Option<Map<String, Value>>, Map<String, Value>),
    verified: &mut Verified,
) -> Result<()> {
    let state = if golden.is_some() { "live" } else { "ended" };
    let golden = golden.unwrap_or(ended);
    let stored: Map<String, Value> = codec::decode(&version.document)?;
    let community = golden.get("community").and_then(Value::as_str);
    if entity.state != state
        || stored != golden
        || entity.community.as_deref() != community
        || entity.seq != version.seq
    {
        verified.differs(|| {
            let names = golden.keys().chain(stored.keys()).filter(|name| golden.get(*name) != stored.get(*name));
            let names: std::collections::BTreeSet<&String> = names.collect();
            format!(
                "{} {}: {} should be {state}; differing attributes {names:?}",
                entity.kind,
                id::hex(&entity.id),
                entity.state
            )
        });
    }
    Ok(())
}

/// `seq` is gap-free: as many versions as the last `seq` says.
fn sequence(conn: &mut Conn, verified: &mut Verified) -> Result<()> {
    let (versions, last) = entity::sequence(conn)?;
    if versions != last {
        verified.differs(|| format!("{versions} versions, but the last seq is {last}"));
    }
    Ok(())
}

/// Conservation: an applied delivery has no row waiting, and none has fewer than it received.
fn deliveries(conn: &mut Conn, verified: &mut Verified) -> Result<()> {
    let mut before = None;
    loop {
        let page =
            delivery::list(conn, &delivery::Filter { before: before.take(), limit: PAGE, ..Default::default() })?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.id.clone());
        for row in &page {
            let waiting = row.waiting();
            if waiting < 0 || (row.state == "applied" && waiting != 0) {
                verified.differs(|| format!("delivery {}: {waiting} rows waiting while {}", row.id, row.state));
            }
        }
    }
}
