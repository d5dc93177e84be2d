//! Cron expressions with seconds, in Asia/Shanghai. Owns reading them and the moments they name; plans nothing.

use std::str::FromStr;

use chrono::DateTime;
use croner::Cron;

use crate::error::{Error, Kind, Result};
use crate::time;

/// Which neighbour of a moment is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The latest one, the moment itself among them.
    AtOrBefore,
    /// The next one.
    After,
}

/// Reads six fields: seconds, minutes, hours, day, month, weekday. Others would be read as something else: five begin
/// with minutes, a seventh is a year, after which nothing is expected any more.
pub fn read(expression: &str) -> Result<Cron> {
    let wrong = |why: &str| Error::new(Kind::Config, format!("the cron expression '{expression}' {why}"));
    if expression.split_whitespace().count() != 6 {
        return Err(wrong("has not six fields: seconds, minutes, hours, day, month, weekday"));
    }
    Cron::from_str(expression).map_err(|error| wrong("cannot be read").because(error))
}

/// The nearest moment on one side of `now` that the expression names, in microseconds since 1970.
pub fn tick(expression: &str, now: i64, side: Side) -> Result<i64> {
    let none = || Error::new(Kind::Config, format!("the cron expression '{expression}' names no moment"));
    let cron = read(expression)?;
    let moment = DateTime::from_timestamp_micros(now).ok_or_else(none)?.with_timezone(&time::shanghai());
    let found = match side {
        Side::AtOrBefore => cron.find_previous_occurrence(&moment, true),
        Side::After => cron.find_next_occurrence(&moment, false),
    };
    Ok(found.map_err(|error| none().because(error))?.timestamp() * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_ticks_are_those_of_shanghai() {
        let now = time::instant("2026-11-22T03:30:00+08:00").expect("a moment");
        let (daily, day) = ("0 30 3 * * *", 86_400_000_000);
        assert_eq!(tick(daily, now, Side::AtOrBefore).ok(), Some(now));
        assert_eq!(tick(daily, now - 1_000_000, Side::AtOrBefore).ok(), Some(now - day));
        assert_eq!(tick(daily, now, Side::After).ok(), Some(now + day));
    }

    #[test]
    fn a_wrong_expression_is_named() {
        for wrong in ["every day", "0 2 * * *", "0 0 2 * * * 2026", "0 0 25 * * *", "0 0 2 30 2 *", "a b c d e f"] {
            let error = tick(wrong, 0, Side::After).expect_err(wrong);
            assert!(error.context.contains(wrong), "{error}");
        }
    }
}
