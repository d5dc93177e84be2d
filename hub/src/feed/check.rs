//! What `hub check` does: reads all data, compiles every feed, runs the tests beside the mappings.
//!
//! Owns the findings and their form, `file:line: message`. Changes nothing.

use std::fmt;
use std::path::Path;

use super::catalogue::Catalogue;
use super::files::Files;
use super::{Feed, case};
use crate::error::Result;

/// Something wrong with the data, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the folder of the data.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong, one English sentence.
    pub message: String,
}

impl Finding {
    /// A finding at a line of a file.
    pub fn new(file: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Checks the data in the binary, or with a folder's files over them. Without findings all is well.
pub fn check(folder: Option<&Path>) -> Result<Vec<Finding>> {
    let mut files = Files::embedded();
    if let Some(folder) = folder {
        files.overlay(folder)?;
    }
    Ok(check_files(&files))
}

/// Checks these files.
pub fn check_files(files: &Files) -> Vec<Finding> {
    let (catalogue, mut findings) = Catalogue::compile(files);
    for feed in catalogue.feeds() {
        findings.extend(tests_of(files, feed));
    }
    findings.sort();
    findings
}

fn tests_of(files: &Files, feed: &Feed) -> Vec<Finding> {
    let path = format!("mappings/{}.tests.toml", feed.spec.feed);
    match files.text(&path) {
        Ok(text) => case::run(files, feed, &path, text),
        Err(message) => vec![Finding::new(path, 1, format!("a feed has tests beside its mapping: {message}"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_data_have_no_finding() {
        let findings: Vec<String> = check(None).unwrap().iter().map(Finding::to_string).collect();
        assert_eq!(findings, Vec::<String>::new(), "\n{}\n", findings.join("\n"));
    }
}
