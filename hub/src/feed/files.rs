//! The data files of the hub: those embedded in the binary, and a folder whose files stand over them.
//!
//! Owns where a key stands in a file, so that what is wrong with it is said with its line. Interprets nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Kind, Result};

static MAPPINGS: Dir = include_dir!("$CARGO_MANIFEST_DIR/../mappings");
static SCHEMAS: Dir = include_dir!("$CARGO_MANIFEST_DIR/../schemas");

/// Files by path, `mappings/...` and `schemas/...`, with `/` between folders.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Cow<'static, [u8]>>);

impl Files {
    /// The files in the binary.
    pub fn embedded() -> Self {
        let mut files = Self::default();
        files.embed("mappings", &MAPPINGS);
        files.embed("schemas", &SCHEMAS);
        files
    }

    fn embed(&mut self, root: &str, dir: &Dir<'static>) {
        for file in dir.files() {
            let path = format!("{root}/{}", file.path().to_string_lossy().replace('\\', "/"));
            self.0.insert(path, Cow::Borrowed(file.contents()));
        }
        for below in dir.dirs() {
            self.embed(root, below);
        }
    }

    /// Puts the files of a folder's `mappings/` and `schemas/` over these.
    pub fn overlay(&mut self, folder: &Path) -> Result<()> {
        let mut any = false;
        for root in ["mappings", "schemas"] {
            let below = folder.join(root);
            if below.is_dir() {
                any = true;
                self.read(root, &below)?;
            }
        }
        if any {
            return Ok(());
        }
        let message = format!("{} has neither a folder `mappings` nor `schemas`", folder.display());
        Err(Error::new(Kind::Config, message)
            .coded("no-data", format!("{} 中没有 mappings 或 schemas 目录。", folder.display())))
    }

    fn read(&mut self, root: &str, folder: &Path) -> Result<()> {
        let failed =
            |path: &Path, error| Error::new(Kind::Config, format!("reading {}", path.display())).because(error);
        for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
            let path = entry.map_err(|error| failed(folder, error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let below = format!("{root}/{name}");
            if path.is_dir() {
                self.read(&below, &path)?;
            } else {
                self.0.insert(below, Cow::Owned(std::fs::read(&path).map_err(|error| failed(&path, error))?));
            }
        }
        Ok(())
    }

    /// The bytes of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(AsRef::as_ref)
    }

    /// The text of a file, or a sentence.
    pub fn text(&self, path: &str) -> std::result::Result<&str, String> {
        let bytes = self.get(path).ok_or_else(|| "there is no such file".to_owned())?;
        std::str::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())
    }

    /// The paths below a folder with an ending, in order.
    pub fn below<'a>(&'a self, folder: &'a str, ending: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().map(String::as_str).filter(move |path| path.starts_with(folder) && path.ends_with(ending))
    }

    /// Puts a file in; for tests.
    #[cfg(test)]
    pub fn put(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        self.0.insert(path.to_owned(), Cow::Owned(text.into()));
    }
}

/// The line of a byte, counted from 1.
pub fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}

/// The line of a TOML file where the key at this path stands, or the nearest one above it that does.
pub fn toml_line(text: &str, path: &[String]) -> usize {
    let Ok(table) = DeTable::parse(text) else { return 1 };
    let mut offset = 0;
    let root = DeValue::Table(table.into_inner());
    let mut here = &root;
    for step in path {
        let next = match here {
            DeValue::Table(table) => table
                .iter()
                .find(|(key, _)| key.get_ref() == step.as_str())
                .map(|(key, value)| (key.span().start, value)),
            DeValue::Array(items) => {
                step.parse().ok().and_then(|index: usize| items.get(index)).map(|value| (value.span().start, value))
            }
            _ => None,
        };
        let Some((start, value)) = next else { break };
        // A table opened by a header stands at the header; its span may be its first key.
        offset = start;
        here = value.get_ref();
    }
    line_at(text, offset)
}

/// The line of a JSON file where a key first stands.
pub fn json_line(text: &str, key: Option<&str>) -> usize {
    key.and_then(|key| text.find(&format!("\"{key}\""))).map_or(1, |offset| line_at(text, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_on_its_line() {
        let text = "feed = 'a/b'\n\n[[part]]\nname = 'x'\n\n[part.attributes.sex]\nfrom = 'S'\nwith = [\n 'a']\n";
        let line = |path: &[&str]| toml_line(text, &path.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["feed"]), 1);
        assert_eq!(line(&["part", "0", "name"]), 4);
        assert_eq!(line(&["part", "0", "attributes", "sex", "with"]), 8);
        assert_eq!(line(&["part", "0", "attributes", "sex", "codes"]), 6);
        assert_eq!(line(&["nothing"]), 1);
        assert_eq!(json_line("{\n \"a\": 1,\n \"b\": 2}", Some("b")), 3);
    }

    #[test]
    fn a_folder_stands_over_what_is_embedded() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Files::default().overlay(folder.path()).is_err());
        std::fs::create_dir_all(folder.path().join("mappings/d")).unwrap();
        std::fs::write(folder.path().join("mappings/d/f.toml"), "x").unwrap();
        let mut files = Files::default();
        files.put("mappings/d/f.toml", "old");
        files.put("mappings/d/g.toml", "kept");
        files.overlay(folder.path()).unwrap();
        assert_eq!(files.text("mappings/d/f.toml"), Ok("x"));
        assert_eq!(files.below("mappings/", ".toml").count(), 2);
    }
}
