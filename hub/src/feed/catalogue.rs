//! The catalogue of all feeds, entity schemas and code tables the hub works by.
//!
//! Owns loading them from the binary or a folder. A catalogue with a finding is not used: what is wrong is said at start.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::Feed;
use super::check::Finding;
use super::compile::{self, World};
use super::files::Files;
use crate::code::CodeTable;
use crate::error::{Error, Kind, Result};

/// Everything that is data: feeds, entity schemas, code tables.
#[derive(Default)]
pub struct Catalogue {
    feeds: BTreeMap<String, Arc<Feed>>,
    entities: BTreeMap<String, Value>,
    codes: BTreeMap<String, CodeTable>,
}

impl Catalogue {
    /// The catalogue in the binary, with the files of the configured folder over it where there is one.
    pub fn configured(folder: Option<&Path>) -> Result<Self> {
        folder.map_or_else(Self::embedded, Self::load)
    }

    /// The catalogue in the binary.
    pub fn embedded() -> Result<Self> {
        Self::of(&Files::embedded())
    }

    /// The catalogue in the binary with the files of a folder (`mappings/`, `schemas/`) over it.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut files = Files::embedded();
        files.overlay(folder)?;
        Self::of(&files)
    }

    /// The catalogue of these files, or an error that names everything wrong with them, a line each.
    pub fn of(files: &Files) -> Result<Self> {
        let (catalogue, findings) = Self::compile(files);
        if findings.is_empty() {
            return Ok(catalogue);
        }
        let all: Vec<String> = findings.iter().map(Finding::to_string).collect();
        let error = Error::new(Kind::Config, format!("the feeds' data are wrong:\n{}", all.join("\n")));
        Err(error.coded("feeds-wrong", format!("数据源配置有误：\n{}", all.join("\n"))))
    }

    /// The catalogue as far as the files are right, and what is wrong with them.
    pub fn compile(files: &Files) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let codes = code_tables(files, &mut findings);
        let entities = entities(files, &mut findings);
        let world = World { files, tables: &codes, entities: &entities };
        let mut feeds = BTreeMap::new();
        for path in files.below("mappings/", ".toml").filter(|path| !path.ends_with(".tests.toml")) {
            if let Some(feed) = compile::feed(&world, path, &mut findings) {
                feeds.insert(feed.spec.feed.clone(), Arc::new(feed));
            }
        }
        (Self { feeds, entities, codes }, findings)
    }

    /// The feed `department/feed`.
    pub fn get(&self, feed: &str) -> Option<Arc<Feed>> {
        self.feeds.get(feed).cloned()
    }

    /// All feeds by name.
    pub fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.feeds.values()
    }

    /// The JSON Schema of a kind of entity.
    pub fn entity_schema(&self, kind: &str) -> Option<&Value> {
        self.entities.get(kind)
    }

    /// A code table.
    pub fn codes(&self, table: &str) -> Option<&CodeTable> {
        self.codes.get(table)
    }
}

fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

fn code_tables(files: &Files, findings: &mut Vec<Finding>) -> BTreeMap<String, CodeTable> {
    let mut tables = BTreeMap::new();
    for path in files.below("schemas/codes/", ".csv") {
        let name = stem(path);
        match CodeTable::read(&name, files.get(path).unwrap_or_default()) {
            Ok(table) => drop(tables.insert(name, table)),
            Err((line, message)) => findings.push(Finding::new(path, usize::try_from(line).unwrap_or(1), message)),
        }
    }
    tables
}

fn entities(files: &Files, findings: &mut Vec<Finding>) -> BTreeMap<String, Value> {
    let mut entities = BTreeMap::new();
    for path in files.below("schemas/entities/", ".json") {
        match files.text(path).map_err(|message| (1, message)).and_then(|text| {
            serde_json::from_str(text).map_err(|error| (error.line().max(1), format!("this is not JSON: {error}")))
        }) {
            Ok(schema) => drop(entities.insert(stem(path), schema)),
            Err((line, message)) => findings.push(Finding::new(path, line, message)),
        }
    }
    entities
}
