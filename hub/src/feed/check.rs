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

    /// The findings after one file of the data was changed.
    fn after(path: &str, from: &str, to: &str) -> Vec<String> {
        let mut files = Files::embedded();
        let text = files.text(path).unwrap().to_owned();
        assert!(text.contains(from), "{path} holds no `{from}`");
        files.put(path, text.replacen(from, to, 1));
        check_files(&files).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_wrong_mapping_is_told_with_file_line_and_sentence() {
        let mapping = "mappings/family-planning/population.toml";
        let line = |text: &str| {
            let files = Files::embedded();
            let all = files.text(mapping).unwrap();
            1 + all.lines().position(|line| line.contains(text)).unwrap()
        };
        for (from, to, at, message) in [
            (
                "from = \"婚姻状况\"",
                "from = \"婚姻\"",
                "婚姻状况\"",
                "`婚姻` is not a column of schemas/feeds/family-planning/population.json",
            ),
            (
                "\"family planning JS1015\"",
                "\"family planning JS9\"",
                "codes = \"marital\"",
                "code-variants has no scheme `family planning JS9` for `marital`",
            ),
            ("codes = \"marital\"", "codes = \"marrital\"", "codes = \"marital\"", "there is no code table `marrital`"),
            ("codes = \"marital\"", "code = \"marital\"", "codes = \"marital\"", "unknown field `code`"),
            (
                "[part.attributes.marital]",
                "[part.attributes.married]",
                "[part.attributes.marital]",
                "the entity `resident` has no attribute `married`",
            ),
            (
                "with = [\"date\", \"past\"]",
                "with = [\"date\", \"future\"]",
                "birth_date",
                "there is no transform `future`",
            ),
            ("entity = \"resident\"", "entity = \"person\"", "entity =", "there is no entity `person`"),
            (
                "feed = \"family-planning/population\"",
                "feed = \"family-planning/people\"",
                "feed =",
                "does not agree with the file's place",
            ),
            ("mode = \"snapshot\"", "mode = \"snapshot\"\nends_when = 'row.x == '", "mode =", "is not CEL"),
            ("from = \"户口性质\"", "from = \"数据日期\"", "from = \"户口性质\"", "`数据日期` is the as-of"),
            ("cron = \"", "cron = \"61 ", "cron =", "has not six fields"),
            ("cron = \"0 ", "cron = \"61 ", "cron =", "cannot be read"),
            ("mode = \"snapshot\"", "mode = \"all\"", "mode =", "unknown variant `all`"),
        ] {
            let found = after(mapping, from, to);
            let told = found.iter().any(|finding| {
                let offset = usize::from(to.contains("ends_when"));
                finding.starts_with(&format!("{mapping}:{}: ", line(at) + offset)) && finding.contains(message)
            });
            assert!(told, "{from} -> {to}: {found:#?}");
        }
    }

    #[test]
    fn a_broken_file_of_any_kind_is_told_with_its_line() {
        for (path, from, to, begins) in [
            ("schemas/codes/sex.csv", "2,女,female", "2,女", "schemas/codes/sex.csv:4: "),
            (
                "schemas/feeds/family-planning/population.json",
                "\"maxLength\": 20",
                "\"maxLength\" 20",
                "schemas/feeds/family-planning/population.json:8: ",
            ),
            ("schemas/entities/resident.json", "{", "", "schemas/entities/resident.json:2: "),
            ("mappings/family-planning/population.toml", "[key]", "[key", "mappings/family-planning/population.toml:"),
            (
                "mappings/family-planning/population.tests.toml",
                "exact = true",
                "exactly = true",
                "mappings/family-planning/population.tests.toml:",
            ),
        ] {
            let found = after(path, from, to);
            assert!(found.iter().any(|finding| finding.starts_with(begins)), "{path}: {found:#?}");
        }
    }

    #[test]
    fn a_case_that_does_not_hold_is_told_with_its_line() {
        let tests = "mappings/public-security/registered-residents.tests.toml";
        let found = after(tests, "household_relation = \"02\"", "household_relation = \"03\"");
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(&format!("{tests}:18: a good row")), "{}", found[0]);
        assert!(found[0].contains("person/household_relation is \"02\", expected \"03\""), "{}", found[0]);
        let found = after(tests, "issues = [\"id-check-digit /公民身份号码\"]", "issues = []");
        assert!(found[0].ends_with("unexpected issue `id-check-digit /公民身份号码`"), "{found:#?}");
        let found = after(tests, "bad = \"column-count\"", "bad = \"too-long\"");
        assert!(found[0].ends_with("row 3: cannot be read: `column-count`"), "{found:#?}");
    }

    #[test]
    fn a_mapping_without_tests_is_told() {
        let mut files = Files::embedded();
        let mapping = files.text("mappings/public-security/registered-residents.toml").unwrap();
        let (mapping, feed) = (mapping.replace("public-security/", "police/"), "police/registered-residents");
        files.put(&format!("mappings/{feed}.toml"), mapping);
        let schema = files.text("schemas/feeds/public-security/registered-residents.json").unwrap().to_owned();
        files.put(&format!("schemas/feeds/{feed}.json"), schema);
        let found = check_files(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, format!("mappings/{feed}.tests.toml"));
    }
}
