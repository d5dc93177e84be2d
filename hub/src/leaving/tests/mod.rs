//! Leaving on a store of its own: versions are written as the pipeline writes them, then asked for.

mod events;
mod records;
mod text;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::config::{Agreement, DatabaseConfig};
use crate::entity::sample::keyring;
use crate::keyring::Token;
use crate::leaving::{Event, Scope};
use crate::pipeline::golden::entity_id;
use crate::store::bulk::{self, Writes};
use crate::store::entity::{self, Entity, Version};
use crate::store::{Db, Lease, codec};

const HERE: &str = "130108001001";
const THERE: &str = "130108001002";

/// A store that versions can be written to.
struct World {
    db: Db,
    lease: Lease,
    _folder: TempDir,
}

/// A version to be written: whose, and its document; none ends the entity.
type Written<'a> = (&'a str, Option<Value>);

impl World {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("hub.db").display());
        let db = Db::open(&DatabaseConfig { url, ..DatabaseConfig::default() }, "test").expect("a store");
        db.prepare().expect("a schema");
        db.found(keyring().id(), "landing", "rules").expect("a writer's row");
        let lease = db.lease("test", 0, 1_000_000_000, |_| false).expect("an answer").expect("a lease");
        Self { db, lease, _folder: folder }
    }

    /// Writes versions of residents in one transaction at `now`.
    fn residents(&self, now: i64, written: &[Written]) {
        self.written("resident", now, written);
    }

    fn written(&self, kind: &str, now: i64, written: &[Written]) {
        let write = |change: &mut crate::store::Change<'_>| {
            for (who, document) in written {
                let id = id(kind, who);
                let before = entity::rows(change.conn, std::slice::from_ref(&id))?.pop();
                let number = before.map_or(1, |row| row.version + 1);
                let (state, seq) = (if document.is_some() { "live" } else { "ended" }, change.take_seq());
                let document: Map<String, Value> =
                    document.clone().and_then(|document| document.as_object().cloned()).unwrap_or_default();
                let community = document.get("community").and_then(Value::as_str).map(str::to_owned);
                let row = Entity {
                    id: id.clone(),
                    kind: kind.to_owned(),
                    token: key(who).to_vec(),
                    state: state.to_owned(),
                    version: number,
                    seq,
                    community,
                    changed_at: now,
                };
                let version = Version {
                    entity: id,
                    version: number,
                    seq,
                    kind: kind.to_owned(),
                    state: state.to_owned(),
                    at: now,
                    delivery: "d".to_owned(),
                    document: codec::encode(&document)?,
                };
                let mut writes = Writes::default();
                writes.append(row, version);
                bulk::write(change.conn, &writes)?;
            }
            Ok(())
        };
        self.db.apply(&self.lease, now, write).expect("versions");
    }

    /// All events in pages of `limit`.
    fn events(&self, scope: &Scope, limit: i64) -> Vec<Event> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let (last, mut events) = self
                .db
                .read(|conn| {
                    let versions = entity::changes(conn, after, limit)?;
                    let events = super::events(conn, keyring(), "e", scope, &versions)?;
                    Ok((versions.last().map(|version| version.seq), events))
                })
                .expect("events");
            all.append(&mut events);
            match last {
                Some(last) => after = last,
                None => return all,
            }
        }
    }

    /// All full records as of `seq` in pages of `limit`.
    fn snapshot(&self, scope: &Scope, seq: i64, limit: i64) -> Vec<Event> {
        let (mut all, mut after) = (Vec::new(), Vec::new());
        loop {
            let read =
                |conn: &mut crate::store::Conn| super::snapshot(conn, keyring(), "e", scope, (seq, &after, limit));
            let mut page = self.db.read(read).expect("a page");
            all.append(&mut page.events);
            match page.next {
                Some(next) => after = next,
                None => return all,
            }
        }
    }
}

fn key(who: &str) -> Token {
    keyring().token("person", &[who]).expect("a token")
}

fn id(kind: &str, who: &str) -> Vec<u8> {
    entity_id(keyring(), kind, key(who)).expect("an id").to_vec()
}

fn id_text(who: &str) -> String {
    Token::from_slice(&id("resident", who)).expect("sixteen bytes").to_string()
}

/// How a document names another person.
fn named(who: &str) -> Value {
    json!({"key": key(who), "name": who})
}

fn agreement(communities: &[&str], fields: &[&str]) -> Agreement {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Agreement {
        id: "station".to_owned(),
        title: crate::feed::spec::Text::default(),
        entities: texts(&["resident", "household"]),
        fields: [("resident".to_owned(), texts(fields)), ("household".to_owned(), texts(&["number", "members"]))]
            .into(),
        communities: texts(communities),
    }
}

fn scope(communities: &[&str], fields: &[&str]) -> Scope {
    Scope::Agreement(agreement(communities, fields))
}
