//! Rebuild: everything that is a function of the contributions made anew from them, under the merge rules of now. Entity ids
//! stay; an entity whose document comes out the same gets no version.

use std::collections::HashMap;

use serde::Serialize;

use super::apply::rules;
use super::golden;
use super::links::Touched;
use super::working::Fresh;
use crate::error::Result;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::resolve;
use crate::store::contribution::{self, Document, Row};
use crate::store::{Conn, codec, entity, writer};

const PAGE: i64 = 500;

/// What a rebuild came to.
#[derive(Debug, Default, Serialize)]
pub struct Rebuilt {
    /// Live contributions read.
    pub contributions: u64,
    /// Versions appended.
    pub versions: u64,
}

/// Rebuilds in pages, each its own transaction; readers see each entity either before or after.
pub fn rebuild(hub: &Hub, progress: &dyn Fn(u64)) -> Result<Rebuilt> {
    let lease = hub.writer()?;
    let mut rebuilt = Rebuilt::default();
    let mut after = Vec::new();
    loop {
        let (next, count, versions) = hub.db.apply(&lease, hub.now(), |change| {
            let page = contribution::page(change.conn, &after, PAGE)?;
            let fresh = remade(hub, change.conn, &page)?;
            let versions = golden::settle(&rules(hub), change, fresh, Touched::default(), "rebuild")?;
            Ok((page.last().map(|row| row.id.clone()), page.len() as u64, versions))
        })?;
        rebuilt.contributions += count;
        rebuilt.versions += versions;
        progress(count);
        match next {
            Some(last) => after = last,
            None => break,
        }
    }
    rebuilt.versions += entities_without_contributions(hub)?;
    let rules = format!("{}+{}", hub.resident.version(), hub.household.version());
    hub.db.apply(&lease, hub.now(), |change| writer::made_with(change.conn, &rules))?;
    Ok(rebuilt)
}

/// Each contribution as the rules of now read what it says.
fn remade(hub: &Hub, conn: &mut Conn, page: &[Row]) -> Result<Vec<Fresh>> {
    let ids: Vec<Vec<u8>> = page.iter().map(|row| row.id.clone()).collect();
    let mut carried: HashMap<Vec<u8>, Vec<Token>> = HashMap::new();
    for (id, alias) in contribution::aliases_of(conn, &ids)? {
        carried.entry(id).or_default().push(Token::from_slice(&alias)?);
    }
    let mut fresh = Vec::with_capacity(page.len());
    for before in page {
        let (said, aliases) = before.said()?;
        let claims = resolve::claims(&hub.resident, &hub.keyring, &said)?;
        let mut row = before.clone();
        row.key_token = claims.key.map(Token::to_vec);
        row.household = claims.household.map(Token::to_vec);
        if let Some(keyless) = claims.keyless.filter(|_| claims.aliases.is_empty()) {
            row.link = keyless.to_owned();
            row.entity = None;
        }
        if aliases != claims.aliases {
            row.document = codec::encode(&Document { aliases: claims.aliases.clone(), ..before.document()? })?;
        }
        let there = carried.remove(&before.id).unwrap_or_default();
        fresh.push(Fresh {
            before: Some((before.clone(), there)),
            row,
            said: Some(said),
            aliases: claims.aliases,
            alone: None,
            reading: None,
        });
    }
    Ok(fresh)
}

fn entities_without_contributions(hub: &Hub) -> Result<u64> {
    let lease = hub.writer()?;
    let (mut after, mut versions) = (Vec::new(), 0);
    loop {
        let (next, appended) = hub.db.apply(&lease, hub.now(), |change| {
            let page = entity::all_after(change.conn, &after, PAGE)?;
            let mut touched = Touched::default();
            for (row, _) in &page {
                touched.add_entity(row)?;
            }
            let appended = golden::settle(&rules(hub), change, Vec::new(), touched, "rebuild")?;
            Ok((page.last().map(|(row, _)| row.id.clone()), appended))
        })?;
        versions += appended;
        match next {
            Some(last) => after = last,
            None => return Ok(versions),
        }
    }
}
