//! When a feed's next delivery is expected, and whether it is late: a function of the feed's schedule, its newest
//! delivery and the moment. Decides nothing and tells nobody.

use std::collections::HashMap;

use serde::Serialize;

use crate::cron::{Side, tick};
use crate::error::Result;
use crate::feed::spec::ScheduleSpec;
use crate::hub::Hub;
use crate::store::delivery::{self, Delivery};

const MINUTE: i64 = 60_000_000;
/// How long before its time a delivery may come and still be the one that was expected.
const EARLY: i64 = 60 * MINUTE;

/// How a feed keeps to its schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Punctuality {
    /// No schedule is declared.
    Unscheduled,
    /// Nothing has ever come, so nobody says since when something should have.
    Never,
    /// The last expected delivery has come.
    OnTime,
    /// It is time, and not yet late.
    Due,
    /// It is late.
    Late,
    /// It is so late that somebody should ask.
    Missing,
}

/// What is expected of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// How it keeps to its schedule.
    pub punctuality: Punctuality,
    /// When the next delivery is expected, or was, where it has not come yet; microseconds since 1970.
    pub next_at: Option<i64>,
}

/// A feed's newest delivery and what is expected next.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// `department/feed`.
    pub feed: String,
    /// The newest delivery that was not refused.
    pub last: Option<Delivery>,
    /// What is expected.
    pub expected: Expected,
}

impl Arrival {
    /// Whether the expected delivery is late or missing.
    pub fn is_late(&self) -> bool {
        matches!(self.expected.punctuality, Punctuality::Late | Punctuality::Missing)
    }

    /// Whether it is so late that somebody should ask.
    pub fn is_missing(&self) -> bool {
        self.expected.punctuality == Punctuality::Missing
    }
}

/// All feeds by name.
pub fn arrivals(hub: &Hub) -> Result<Vec<Arrival>> {
    let mut newest: HashMap<String, Delivery> =
        hub.db.read(delivery::newest)?.into_iter().map(|row| (row.feed.clone(), row)).collect();
    let now = hub.now();
    let arrival = |feed: &std::sync::Arc<crate::feed::Feed>| {
        let last = newest.remove(&feed.spec.feed);
        let expected = expected(feed.spec.schedule.as_ref(), last.as_ref().map(|row| row.received_at), now)?;
        Ok(Arrival { feed: feed.spec.feed.clone(), last, expected })
    };
    hub.catalogue.feeds().map(arrival).collect()
}

/// What is expected of a feed at `now`, of which a delivery came last at `last`.
///
/// A delivery counts for the tick it follows, and up to an hour before a tick (a quarter of the time between two, where
/// that is less) for that one.
pub fn expected(schedule: Option<&ScheduleSpec>, last: Option<i64>, now: i64) -> Result<Expected> {
    let Some(schedule) = schedule else {
        return Ok(Expected { punctuality: Punctuality::Unscheduled, next_at: None });
    };
    let (before, next) = (tick(&schedule.cron, now, Side::AtOrBefore)?, tick(&schedule.cron, now, Side::After)?);
    let Some(last) = last else {
        return Ok(Expected { punctuality: Punctuality::Never, next_at: Some(next) });
    };
    let early = EARLY.min((next - before) / 4);
    let since = now - before;
    let punctuality = match last >= before - early {
        true => Punctuality::OnTime,
        false if since > i64::from(schedule.missing_after_minutes) * MINUTE => Punctuality::Missing,
        false if since > i64::from(schedule.late_after_minutes) * MINUTE => Punctuality::Late,
        false => Punctuality::Due,
    };
    let came = punctuality == Punctuality::OnTime;
    let next_at = match came {
        // It came before its time: the next one is that after.
        true if last >= next - early => tick(&schedule.cron, next, Side::After)?,
        true => next,
        false => before,
    };
    Ok(Expected { punctuality, next_at: Some(next_at) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn at(text: &str) -> i64 {
        time::instant(text).expect("a moment")
    }

    /// What is expected of a feed that sends at two in the morning, late after two hours, missing after twelve.
    fn nightly(last: Option<&str>, now: &str) -> (Punctuality, String) {
        let schedule =
            ScheduleSpec { cron: "0 0 2 * * *".to_owned(), late_after_minutes: 120, missing_after_minutes: 720 };
        let expected = expected(Some(&schedule), last.map(at), at(now)).expect("an answer");
        (expected.punctuality, time::text(expected.next_at.expect("a moment")))
    }

    #[test]
    fn a_delivery_grows_due_then_late_then_missing_until_it_comes() {
        let last = Some("2026-11-01T02:10:00");
        let cases = [
            ("2026-11-01T12:00:00", Punctuality::OnTime, "2026-11-02T02:00:00+08:00"),
            ("2026-11-02T02:30:00", Punctuality::Due, "2026-11-02T02:00:00+08:00"),
            ("2026-11-02T04:01:00", Punctuality::Late, "2026-11-02T02:00:00+08:00"),
            ("2026-11-02T14:01:00", Punctuality::Missing, "2026-11-02T02:00:00+08:00"),
            ("2026-11-03T02:30:00", Punctuality::Due, "2026-11-03T02:00:00+08:00"),
        ];
        for (now, punctuality, next) in cases {
            assert_eq!(nightly(last, now), (punctuality, next.to_owned()), "{now}");
        }
        let came = nightly(Some("2026-11-02T13:00:00"), "2026-11-02T14:01:00");
        assert_eq!(came, (Punctuality::OnTime, "2026-11-03T02:00:00+08:00".to_owned()));
    }

    #[test]
    fn a_delivery_that_comes_a_little_early_is_the_expected_one() {
        let early = Some("2026-11-02T01:30:00");
        assert_eq!(
            nightly(early, "2026-11-02T01:40:00"),
            (Punctuality::OnTime, "2026-11-03T02:00:00+08:00".to_owned())
        );
        assert_eq!(
            nightly(early, "2026-11-02T09:00:00"),
            (Punctuality::OnTime, "2026-11-03T02:00:00+08:00".to_owned())
        );
        let too_early = Some("2026-11-02T00:30:00");
        assert_eq!(nightly(too_early, "2026-11-02T09:00:00").0, Punctuality::Late);
    }

    #[test]
    fn a_feed_that_never_sent_is_not_called_late() {
        let never = nightly(None, "2026-11-02T15:00:00");
        assert_eq!(never, (Punctuality::Never, "2026-11-03T02:00:00+08:00".to_owned()));
    }

    #[test]
    fn nothing_is_expected_without_a_schedule() {
        let expected = expected(None, Some(0), 1).expect("an answer");
        assert_eq!(expected, Expected { punctuality: Punctuality::Unscheduled, next_at: None });
    }
}
