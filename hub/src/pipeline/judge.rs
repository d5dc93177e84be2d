//! Judge: limits, control totals, end of input, forbidden columns. Says ready, held or refused; changes nothing.

use adapters::{DecodeErrorKind, Envelope, Format};

use super::walk::Walked;
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::reason::Reason;
use crate::store::delivery::{Delivery, HoldReason};
use crate::store::live_keys;
use crate::store::staging::{self, sets};
use crate::time::DAY;

/// How far ahead of the hub's clock an as-of may be: a day, in microseconds. A later one would make all that follows stale.
const AHEAD: i64 = DAY;

/// Code of the reason that erases a delivery's bytes.
pub const FORBIDDEN: &str = "forbidden-column";

/// What becomes of a delivery.
pub struct Judgement {
    /// `ready`, `held` or `refused`.
    pub state: &'static str,
    /// Why it is held or refused.
    pub reasons: Vec<HoldReason>,
    /// Its bytes may not stay.
    pub erase: bool,
}

/// How many rows came to what, for the limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Rows rejected.
    pub rejected: i64,
    /// Live source keys of the feed before.
    pub stored: i64,
    /// Of those, absent in the delivery.
    pub absent: i64,
}

/// Judges an inspected delivery.
pub fn judge(hub: &Hub, feed: &Feed, of: &Delivery, walked: &Walked) -> Result<Judgement> {
    let counts = hub.db.read(|conn| {
        let stored = if feed.spec.mode == Mode::Snapshot { live_keys::count(conn, &of.feed)? } else { 0 };
        let marked = staging::totals(conn, &of.id)?;
        // What is stored and was not met while the rows were compared did not come, unless another delivery has been
        // applied meanwhile: before it holds anything, it is counted key by key.
        let absent = match (stored - marked.present).max(0) {
            many if shrinks_too_much(feed, many, stored) => sets::absent_count(conn, &of.feed, &of.id, stored)?,
            few => few,
        };
        Ok(Counts { rejected: marked.rejected, stored, absent })
    })?;
    judgement(feed, of, walked, counts, hub.now())
}

/// The judgement as a function of what was seen.
pub fn judgement(feed: &Feed, of: &Delivery, walked: &Walked, counts: Counts, now: i64) -> Result<Judgement> {
    if let Some(column) = forbidden_column(feed, &walked.envelope) {
        let (zh, en) = (
            format!("文件含有禁止提供的字段“{column}”，已整批退回并删除。"),
            format!("The file has the forbidden column '{column}'; it is refused whole and erased."),
        );
        let reason = HoldReason::fatal(Reason::new(FORBIDDEN, "", zh, en));
        return Ok(Judgement { state: "refused", reasons: vec![reason], erase: true });
    }
    if let Some(fault) = &walked.fault
        && fault.kind == DecodeErrorKind::Io
    {
        return Err(Error::new(Kind::Unavailable, "reading the landed bytes").because(fault.to_string()));
    }
    let mut reasons = Vec::new();
    read_to_its_end(feed, of, walked, &mut reasons);
    as_of(walked, now, &mut reasons);
    if of.channel != "records" {
        limits(feed, walked, counts, &mut reasons);
    }
    let state = if reasons.is_empty() { "ready" } else { "held" };
    Ok(Judgement { state, reasons, erase: false })
}

/// The forbidden column that was seen, if any.
pub fn forbidden_column<'a>(feed: &'a Feed, envelope: &Envelope) -> Option<&'a str> {
    let seen = |name: &&String| {
        envelope.columns.iter().any(|column| column == *name || column.rsplit('/').next() == Some(name.as_str()))
    };
    feed.spec.forbidden.iter().find(seen).map(String::as_str)
}

fn read_to_its_end(feed: &Feed, of: &Delivery, walked: &Walked, reasons: &mut Vec<HoldReason>) {
    if let Some(fault) = &walked.fault {
        let zh = format!("{}（位置：{}）。", fault_zh(fault.kind), fault.place);
        let en = format!("{} ({}).", fault.message.trim_end_matches('.'), fault.place);
        reasons.push(HoldReason::fatal(Reason::new(fault.kind.code(), "", zh, en)));
        return;
    }
    let inside = feed.spec.total.as_ref().and_then(|total| walked.envelope.values.get(&total.envelope));
    let told = inside.or(walked.envelope.values.get("total")).map(|text| text.trim().parse::<i64>());
    let totals = [of.declared_total, told.as_ref().and_then(|told| told.as_ref().ok()).copied()];
    if let Some(Err(_)) = told {
        reasons.push(HoldReason::releasable(Reason::new(
            "total-unreadable",
            "",
            "文件内的总行数无法读取。",
            "The control total in the file cannot be read.",
        )));
    }
    for total in totals.into_iter().flatten() {
        if total != walked.received as i64 {
            let (zh, en) = (
                format!("声明 {total} 行，实收 {} 行。", walked.received),
                format!("{total} rows were declared, {} arrived.", walked.received),
            );
            reasons.push(HoldReason::releasable(Reason::new("total-mismatch", "", zh, en)));
        }
    }
    let proved = walked.envelope.complete || totals.iter().any(Option::is_some);
    if feed.spec.total.is_some() && inside.is_none() && of.declared_total.is_none() && of.channel != "records" {
        reasons.push(HoldReason::releasable(Reason::new(
            "total-missing",
            "",
            "文件缺少应有的总行数。",
            "The control total this feed wants is missing.",
        )));
    } else if !proved || (walked.ends_badly && !walked.envelope.complete) {
        let text = matches!(&feed.spec.format, Format::Text(_) | Format::Json(_));
        let reason = Reason::new(
            "truncated",
            "",
            "文件没有完整结尾，可能被截断。",
            "The file does not prove its end; it may be cut.",
        );
        reasons.push(if text { HoldReason::releasable(reason) } else { HoldReason::fatal(reason) });
    }
}

fn as_of(walked: &Walked, now: i64, reasons: &mut Vec<HoldReason>) {
    if let Some(fault) = &walked.as_of_fault
        && walked.fault.is_none()
    {
        reasons.push(HoldReason::fatal(fault.clone()));
    }
    if walked.as_of.is_some_and(|as_of| as_of.instant > now + AHEAD) {
        let (zh, en) = ("数据时点晚于当前时间一天以上。", "The as-of is more than a day ahead of the hub's clock.");
        reasons.push(HoldReason::releasable(Reason::new("as-of-ahead", "", zh, en)));
    }
}

fn limits(feed: &Feed, walked: &Walked, counts: Counts, reasons: &mut Vec<HoldReason>) {
    let limit = &feed.spec.limits;
    if walked.received == 0 && walked.fault.is_none() && feed.spec.mode == Mode::Snapshot {
        reasons.push(HoldReason::releasable(Reason::new(
            "zero-rows",
            "",
            "全量文件没有任何记录。",
            "The snapshot has no rows.",
        )));
        return;
    }
    let rejected = percent(counts.rejected, walked.received as i64);
    // A handful of rows is no share to judge by: a delta of three with one bad row is no wrong file.
    if counts.rejected > 3 && rejected > limit.rejected_percent {
        let (zh, en) = (
            format!("拒收 {rejected:.1}%，超过上限 {}%。", limit.rejected_percent),
            format!("{rejected:.1} % of the rows were rejected; the limit is {} %.", limit.rejected_percent),
        );
        reasons.push(HoldReason::releasable(Reason::new("rejected-limit", "", zh, en)));
    }
    let shrunk = percent(counts.absent, counts.stored);
    if shrinks_too_much(feed, counts.absent, counts.stored) {
        let (zh, en) = (
            format!("较库存减少 {shrunk:.1}%，超过上限 {}%。", limit.shrink_percent),
            format!("{shrunk:.1} % of the stored records are absent; the limit is {} %.", limit.shrink_percent),
        );
        reasons.push(HoldReason::releasable(Reason::new("shrink-limit", "", zh, en)));
    }
}

fn shrinks_too_much(feed: &Feed, absent: i64, stored: i64) -> bool {
    absent > 3 && percent(absent, stored) > feed.spec.limits.shrink_percent
}

fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn fault_zh(kind: DecodeErrorKind) -> &'static str {
    match kind {
        DecodeErrorKind::Truncated => "文件不完整",
        DecodeErrorKind::Malformed => "文件格式错误",
        DecodeErrorKind::Encoding => "字符编码与声明不符",
        DecodeErrorKind::Limit => "超出解码限制",
        DecodeErrorKind::Forbidden => "文件含有禁止的内容（如文档类型声明）",
        DecodeErrorKind::Missing => "缺少约定的工作表、行元素或表头",
        DecodeErrorKind::Io => "读取失败",
    }
}
