//! Code tables as data: the rows of `schemas/codes/*.csv` and the local codes of `code-variants.csv`.
//!
//! Owns reading the tables and the look-up a mapping compiles from them. Never guesses: a label that two rows share,
//! or a local code without a standard one, is told apart from an unknown value and never replaced.

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::Regex;

use crate::mapping::text;

/// The file with the local codes of real systems.
pub const VARIANTS: &str = "code-variants";

/// A code table: one CSV file with a heading line.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeTable {
    /// Name of the file without its ending.
    pub name: String,
    /// The rows in the order of the file.
    pub rows: Vec<Code>,
    /// The headings.
    pub headings: Vec<String>,
}

/// A row of a code table.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The code, with its leading zeros.
    pub code: String,
    /// Chinese label.
    pub name_zh: String,
    /// English label, where the table has one.
    pub name_en: String,
    /// All columns by heading.
    pub columns: BTreeMap<String, String>,
}

/// What a mapping asks of a table.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The rows of this scheme only.
    pub scheme: Option<&'a str>,
    /// Schemes of local codes that are accepted besides, and win over the table.
    pub variants: &'a [String],
    /// The column that is given, `code` without it.
    pub give: Option<&'a str>,
    /// Expression for further codes that are taken as they are.
    pub accept: Option<&'a str>,
}

impl CodeTable {
    /// Reads a table; the error carries the line.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, (u64, String)> {
        let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
        let place = |error: csv::Error| {
            (error.position().map_or(1, csv::Position::line), format!("this is not a line of the table: {error}"))
        };
        let headings: Vec<String> = reader.headers().map_err(place)?.iter().map(str::to_owned).collect();
        let key = if name == VARIANTS { "local_code" } else { "code" };
        if !headings.iter().any(|heading| heading == key) {
            return Err((1, format!("a code table needs the heading `{key}`")));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(place)?;
            let columns: BTreeMap<String, String> =
                headings.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
            let column = |heading: &str| columns.get(heading).cloned().unwrap_or_default();
            rows.push(Code { code: column(key), name_zh: column("name_zh"), name_en: column("name_en"), columns });
        }
        Ok(Self { name: name.to_owned(), rows, headings })
    }

    /// The first row with this code.
    pub fn get(&self, code: &str) -> Option<&Code> {
        self.rows.iter().find(|row| row.code == code)
    }

    /// The heading whose value tells the schemes of the table apart.
    fn scheme_heading(&self) -> Option<&str> {
        ["scheme", "table", "level"].into_iter().find(|name| self.headings.iter().any(|heading| heading == name))
    }

    fn rows_of<'a>(&'a self, scheme: Option<&'a str>) -> Result<Vec<&'a Code>, String> {
        let Some(scheme) = scheme else { return Ok(self.rows.iter().collect()) };
        let heading = self.scheme_heading().ok_or_else(|| format!("the table `{}` has no schemes", self.name))?;
        let rows: Vec<&Code> =
            self.rows.iter().filter(|row| row.columns.get(heading).is_some_and(|value| value == scheme)).collect();
        if rows.is_empty() { Err(format!("the table `{}` has no scheme `{scheme}`", self.name)) } else { Ok(rows) }
    }
}

/// What a value stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<'a> {
    /// The standard's code.
    Code(Cow<'a, str>),
    /// Known, and the standard has nothing for it.
    NoStandard,
    /// A label that several rows share.
    Ambiguous,
    /// Neither a code nor a label of the table.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
enum Entry {
    Code(String),
    NoStandard,
    Ambiguous,
}

/// A compiled look-up from codes and labels to codes.
#[derive(Debug)]
pub struct Lookup {
    table: String,
    entries: std::collections::HashMap<String, Entry>,
    accept: Option<Regex>,
}

impl Lookup {
    /// Compiles what a mapping asks of a table; the error is a sentence for the mapping's author.
    pub fn compile(tables: &BTreeMap<String, CodeTable>, table: &str, wanted: Wanted) -> Result<Self, String> {
        let codes = tables.get(table).ok_or_else(|| format!("there is no code table `{table}`"))?;
        let give = wanted.give.unwrap_or("code");
        if !codes.headings.iter().any(|heading| heading == give) {
            return Err(format!("the table `{table}` has no column `{give}`"));
        }
        let rows = codes.rows_of(wanted.scheme)?;
        let mut lookup = Self { table: table.to_owned(), entries: Default::default(), accept: None };
        let mut seen = std::collections::HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            for heading in ["code", "alpha", "alpha3"] {
                let Some(key) = row.columns.get(heading).filter(|key| !key.is_empty()) else { continue };
                let key = text::fold(key).into_owned();
                if seen.insert(key.clone(), index).is_some_and(|other| other != index) {
                    return Err(format!("the table `{table}` has `{key}` twice: name its `scheme`"));
                }
                lookup.entries.insert(key, Entry::Code(row.columns.get(give).cloned().unwrap_or_default()));
            }
        }
        for row in &rows {
            lookup.add_label(&row.name_zh, row.columns.get(give).cloned().unwrap_or_default());
        }
        let standard: Vec<&str> = rows.iter().map(|row| row.code.as_str()).collect();
        lookup.add_variants(tables, wanted.variants, &standard)?;
        if let Some(accept) = wanted.accept {
            let whole = Regex::new(&format!("^(?:{accept})$")).map_err(|error| format!("`accept`: {error}"))?;
            lookup.accept = Some(whole);
        }
        Ok(lookup)
    }

    /// Local codes win over the table: a feed that names their scheme says that it means them.
    fn add_variants(
        &mut self,
        tables: &BTreeMap<String, CodeTable>,
        schemes: &[String],
        standard: &[&str],
    ) -> Result<(), String> {
        let rows = tables.get(VARIANTS).map(|table| table.rows.as_slice()).unwrap_or_default();
        let mut local: BTreeMap<String, (Entry, &str)> = BTreeMap::new();
        for scheme in schemes {
            let of = |row: &&Code, heading: &str, value: &str| row.columns.get(heading).is_some_and(|is| is == value);
            let rows: Vec<&Code> =
                rows.iter().filter(|row| of(row, "domain", &self.table) && of(row, "scheme", scheme)).collect();
            if rows.is_empty() {
                return Err(format!("{VARIANTS} has no scheme `{scheme}` for `{}`", self.table));
            }
            for row in rows {
                let canonical = row.columns.get("canonical_code").map_or("", String::as_str);
                if !canonical.is_empty() && !standard.contains(&canonical) {
                    return Err(format!("{VARIANTS}: `{canonical}` of `{scheme}` is no code of `{}`", self.table));
                }
                let entry = if canonical.is_empty() { Entry::NoStandard } else { Entry::Code(canonical.to_owned()) };
                let label = row.columns.get("local_name_zh").map_or("", String::as_str);
                for key in [row.code.as_str(), label] {
                    let key = text::fold(key).into_owned();
                    match local.get(&key) {
                        _ if key.is_empty() => {}
                        Some((known, other)) if *known != entry && other != scheme => {
                            return Err(format!("`{key}` means different things in `{other}` and `{scheme}`"));
                        }
                        Some((known, _)) if *known != entry => {
                            local.insert(key, (Entry::Ambiguous, scheme));
                        }
                        _ => {
                            local.insert(key, (entry.clone(), scheme));
                        }
                    }
                }
            }
        }
        self.entries.extend(local.into_iter().map(|(key, (entry, _))| (key, entry)));
        Ok(())
    }

    fn add_label(&mut self, label: &str, code: String) {
        let key = text::fold(label).into_owned();
        if key.is_empty() {
            return;
        }
        let entry = Entry::Code(code);
        match self.entries.get(&key) {
            None => drop(self.entries.insert(key, entry)),
            Some(known) if *known == entry => {}
            Some(_) => drop(self.entries.insert(key, Entry::Ambiguous)),
        }
    }

    /// What a value stands for; spaces around and full-width characters do not count.
    pub fn find<'a>(&'a self, value: &'a str) -> Found<'a> {
        let folded = text::fold(value);
        match self.entries.get(folded.as_ref()) {
            Some(Entry::Code(code)) => Found::Code(Cow::Borrowed(code)),
            Some(Entry::NoStandard) => Found::NoStandard,
            Some(Entry::Ambiguous) => Found::Ambiguous,
            None if self.accept.as_ref().is_some_and(|accept| accept.is_match(&folded)) => Found::Code(folded),
            None => Found::Unknown,
        }
    }

    /// Everything that bears on what the look-up answers, in a fixed order, for the rules fingerprint.
    pub fn describe(&self) -> String {
        let sorted: BTreeMap<&String, &Entry> = self.entries.iter().collect();
        format!("{} {sorted:?} {:?}", self.table, self.accept.as_ref().map(Regex::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> BTreeMap<String, CodeTable> {
        let read = |name: &str, text: &str| (name.to_owned(), CodeTable::read(name, text.as_bytes()).unwrap());
        BTreeMap::from([
            read("sex", "code,name_zh,name_en\n0,未知的性别,\n1,男,male\n2,女,female\n"),
            read(
                "kind",
                "code,name_zh,scheme\n10,家庭户口,A\n10,非农业户口,B\n11,非农业家庭户口,A\n7,同名,A\n8,同名,A\n",
            ),
            read("country", "code,name_zh,alpha,alpha3\n156,中国,CN,CHN\n"),
            read(
                VARIANTS,
                "domain,scheme,local_code,local_name_zh,canonical_code\nsex,zero,0,男,1\nsex,one,0,女,2\n\
                 sex,none,x,不便,\nkind,local,10,非农业,11\nsex,odd,5,某,7\n",
            ),
        ])
    }

    fn lookup(table: &str, wanted: Wanted) -> Result<Lookup, String> {
        Lookup::compile(&tables(), table, wanted)
    }

    fn code(found: &str) -> Found<'_> {
        Found::Code(Cow::Borrowed(found))
    }

    #[test]
    fn a_code_and_its_label_mean_the_same() {
        let sex = lookup("sex", Wanted::default()).unwrap();
        for value in ["1", " 男 ", "１", "\u{3000}男"] {
            assert_eq!(sex.find(value), code("1"), "{value}");
        }
        assert_eq!(sex.find("3"), Found::Unknown);
    }

    #[test]
    fn local_codes_win_over_the_table() {
        let variants = ["zero".to_owned()];
        let sex = lookup("sex", Wanted { variants: &variants, ..Wanted::default() }).unwrap();
        assert_eq!((sex.find("0"), sex.find("2")), (code("1"), code("2")));
    }

    #[test]
    fn two_local_lists_that_contradict_each_other_are_refused() {
        let variants = ["zero".to_owned(), "one".to_owned()];
        let refused = lookup("sex", Wanted { variants: &variants, ..Wanted::default() });
        assert!(refused.unwrap_err().contains("means different things"));
    }

    #[test]
    fn a_local_code_without_a_standard_one_is_told_apart() {
        let variants = ["none".to_owned()];
        let sex = lookup("sex", Wanted { variants: &variants, ..Wanted::default() }).unwrap();
        assert_eq!(sex.find("不便"), Found::NoStandard);
    }

    #[test]
    fn a_local_code_that_leads_to_no_code_is_refused() {
        let variants = ["odd".to_owned()];
        assert!(lookup("sex", Wanted { variants: &variants, ..Wanted::default() }).is_err());
    }

    #[test]
    fn a_table_with_schemes_needs_one_named() {
        assert!(lookup("kind", Wanted::default()).unwrap_err().contains("scheme"));
        let kind = lookup("kind", Wanted { scheme: Some("A"), ..Wanted::default() }).unwrap();
        assert_eq!((kind.find("家庭户口"), kind.find("非农业户口")), (code("10"), Found::Unknown));
        assert!(lookup("kind", Wanted { scheme: Some("C"), ..Wanted::default() }).is_err());
    }

    #[test]
    fn a_label_of_two_codes_is_never_guessed() {
        let kind = lookup("kind", Wanted { scheme: Some("A"), ..Wanted::default() }).unwrap();
        assert_eq!((kind.find("同名"), kind.find("7")), (Found::Ambiguous, code("7")));
    }

    #[test]
    fn countries_are_given_as_three_letters_and_newer_ones_pass() {
        let wanted = Wanted { give: Some("alpha3"), accept: Some("[A-Z]{3}"), ..Wanted::default() };
        let country = lookup("country", wanted).unwrap();
        for value in ["156", "CN", "CHN", "中国"] {
            assert_eq!(country.find(value), code("CHN"));
        }
        assert_eq!((country.find("SRB"), country.find("Serbia")), (code("SRB"), Found::Unknown));
    }
}
