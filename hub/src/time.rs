//! Moments as senders write them. Instants are microseconds since 1970 UTC; a date without a zone is midnight in Asia/Shanghai.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone};
use regex::Regex;

use crate::error::{Error, Kind, Result};

/// Microseconds of a day.
pub const DAY: i64 = 24 * 3_600_000_000;

/// Asia/Shanghai: UTC+8 without summer time since 1991.
pub fn shanghai() -> FixedOffset {
    FixedOffset::east_opt(8 * 3600)
        .unwrap_or_else(|| FixedOffset::east_opt(0).unwrap_or_else(|| unreachable!("zero is an offset")))
}

/// RFC 3339, a date and time without zone, or a date.
pub fn instant(text: &str) -> Result<i64> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.timestamp_micros());
    }
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y%m%d", "%Y%m%d%H%M%S"]
        .iter()
        .find_map(|format| in_format(text, format))
        .ok_or_else(|| unreadable("the as-of"))
}

/// A date or a date and time in one chrono format.
pub fn in_format(text: &str, format: &str) -> Option<i64> {
    let text = text.trim();
    let local = match NaiveDateTime::parse_from_str(text, format) {
        Ok(moment) => moment,
        Err(_) => NaiveDate::parse_from_str(text, format).ok()?.and_time(NaiveTime::MIN),
    };
    shanghai().from_local_datetime(&local).single().map(|moment| moment.timestamp_micros())
}

/// The as-of in a file's name: the group `date` of `pattern`, and the sender's sequence where the group `sequence` is
/// there and takes part in the match.
pub fn in_file_name(name: &str, pattern: &str, format: &str) -> Result<(i64, Option<i64>)> {
    let regex = Regex::new(pattern).map_err(|error| Error::new(Kind::Config, "as_of.pattern").because(error))?;
    let broken = || unreadable("the file's name (header Hub-File-Name)");
    let captures = regex.captures(name).ok_or_else(broken)?;
    let date = captures.name("date").and_then(|found| in_format(found.as_str(), format)).ok_or_else(broken)?;
    let sequence = captures.name("sequence").map(|found| found.as_str().parse().map_err(|_| broken())).transpose()?;
    Ok((date, sequence))
}

/// An instant in RFC 3339 with the offset of Asia/Shanghai.
pub fn text(instant: i64) -> String {
    match DateTime::from_timestamp_micros(instant) {
        Some(moment) => moment.with_timezone(&shanghai()).to_rfc3339_opts(SecondsFormat::AutoSi, false),
        None => instant.to_string(),
    }
}

fn unreadable(what: &str) -> Error {
    Error::new(Kind::Invalid, format!("{what} does not tell the as-of as the feed wants it"))
        .coded("as-of-unreadable", "无法读取数据时点，请核对格式。")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_midnight_in_shanghai() {
        assert_eq!(instant("2026-11-01").ok(), instant("2026-10-31T16:00:00Z").ok());
        assert_eq!(instant("2026-11-01").map(text).ok().as_deref(), Some("2026-11-01T00:00:00+08:00"));
    }

    #[test]
    fn a_file_name_tells_the_date() {
        let found = in_file_name("czrk_20261101.txt", r"czrk_(?P<date>\d{8})", "%Y%m%d");
        assert_eq!(found.ok().map(|(date, _)| date), instant("2026-11-01").ok());
        assert!(in_file_name("czrk.txt", r"czrk_(?P<date>\d{8})", "%Y%m%d").is_err());
    }

    #[test]
    fn a_file_name_tells_the_sequence_where_the_sender_counts() {
        let sequence = |name: &str, pattern: &str| {
            in_file_name(name, &format!(r"czrk_(?P<date>\d{{8}}){pattern}"), "%Y%m%d")
                .map(|(_, sequence)| sequence)
                .ok()
        };
        let counted = r"(_(?P<sequence>\w+))?\.txt";
        assert_eq!(sequence("czrk_20261101_007.txt", counted), Some(Some(7)));
        assert_eq!(sequence("czrk_20261101.txt", counted), Some(None), "not in this name");
        assert_eq!(sequence("czrk_20261101_007.txt", ""), Some(None), "not wanted");
        assert_eq!(sequence("czrk_20261101_new.txt", counted), None, "no number");
    }
}
