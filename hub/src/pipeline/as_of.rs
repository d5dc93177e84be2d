//! Which state of the world a delivery tells of: given beside its bytes, or read out of them. Never the time of arrival,
//! except of records that come one by one.

use std::collections::BTreeSet;

use adapters::Envelope;

use super::land::Arrival;
use super::walk::Walked;
use crate::contribution::AsOf;
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::feed::spec::AsOfSpec;
use crate::keyring::Token;
use crate::reason::Reason;
use crate::store::delivery::Delivery;
use crate::time;

/// The as-of a sender gives beside the bytes, as the feed says: instant and sequence, the instant `None` where the
/// content tells it.
pub(super) fn beside(spec: &AsOfSpec, arrival: &Arrival, now: i64) -> Result<(Option<i64>, i64)> {
    let sequence = arrival.sequence.unwrap_or(0);
    if arrival.channel == "records" {
        let instant = arrival.as_of.as_deref().map_or(Ok(now), time::instant)?;
        return Ok((Some(instant), sequence));
    }
    match spec {
        AsOfSpec::Header => match arrival.as_of.as_deref() {
            Some(text) => Ok((Some(time::instant(text)?), sequence)),
            None => Err(Error::new(
                Kind::Invalid,
                "this feed wants its as-of in the header Hub-As-Of (or `as_of=` in the .ok file)",
            )
            .coded("as-of-missing", "该数据源必须在 Hub-As-Of 请求头（或 .ok 文件的 as_of=）中给出数据时点。")),
        },
        AsOfSpec::FileName { pattern, format } => {
            let name = arrival.file_name.as_deref().unwrap_or_default();
            let (instant, counted) = time::in_file_name(name, pattern, format)?;
            Ok((Some(instant), counted.unwrap_or(sequence)))
        }
        AsOfSpec::Envelope { .. } | AsOfSpec::Column { .. } => Ok((None, sequence)),
    }
}

/// The as-of as far as header elements tell it: a delta needs it while rows are compared.
pub(super) fn so_far(
    feed: &Feed,
    of: &Delivery,
    envelope: &Envelope,
    dates: &BTreeSet<String>,
) -> Result<Option<AsOf>> {
    let mut walked = Walked::begun(envelope.clone(), None);
    settle(feed, of, dates, &mut walked)?;
    Ok(walked.as_of)
}

/// Reads the as-of out of what was seen.
pub(super) fn settle(feed: &Feed, of: &Delivery, dates: &BTreeSet<String>, walked: &mut Walked) -> Result<()> {
    if walked.as_of.is_some() {
        return Ok(());
    }
    let (text, format, sequence) = match &feed.spec.as_of {
        AsOfSpec::Header | AsOfSpec::FileName { .. } => return Ok(()),
        AsOfSpec::Envelope { name, format, sequence } => {
            let count = sequence.as_ref().and_then(|name| walked.envelope.values.get(name));
            let count = count.and_then(|text| text.trim().parse::<i64>().ok());
            (walked.envelope.values.get(name).cloned(), format, count)
        }
        AsOfSpec::Column { format, .. } => {
            if dates.len() > 1 {
                let (zh, en) = ("文件中各行的数据日期不一致。", "The rows do not have one and the same data date.");
                walked.as_of_fault = Some(Reason::new("as-of-not-one", "", zh, en));
                return Ok(());
            }
            (dates.first().cloned(), format, None)
        }
    };
    match text.and_then(|text| time::in_format(&text, format)) {
        Some(instant) => {
            let sequence = sequence.unwrap_or(of.as_of_sequence);
            walked.as_of = Some(AsOf { instant, sequence, digest: Token::from_slice(&of.digest)? });
        }
        None => {
            let (zh, en) = ("没有可读的数据时点。", "There is no readable as-of.");
            walked.as_of_fault = Some(Reason::new("as-of-missing", "", zh, en));
        }
    }
    Ok(())
}
