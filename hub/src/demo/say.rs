//! What the demo prints: the table, the dataset beside what the city knows, and what to type next.

use super::alike::Alike;
use super::stage::Stage;
use super::{Report, Shown};
use crate::cli::print;
use crate::error::Result;

/// One JSON object.
pub fn json(report: &Report) -> Result<()> {
    print::json(report)
}

/// Words for people.
pub fn words(report: &Report, stage: &Stage) -> Result<()> {
    let headings = [
        "feed",
        "day",
        "received",
        "applied",
        "unchanged",
        "stale",
        "rejected",
        "issues",
        "seconds",
        "records/s",
        "file",
    ];
    print::table(&headings, &report.deliveries.iter().map(row).collect::<Vec<_>>());
    for again in &report.repeated {
        print::line(&format!(
            "{} came a second time on day {}: the first delivery was answered; {} contributions, {} entities and {} changes were written",
            again.feed, again.day, again.contributions, again.entities, again.changes
        ));
    }
    let (found, known) = (&report.dataset, &report.expected);
    print::line("");
    let pair = |name: &str, found: i64, known: u64| vec![name.to_owned(), found.to_string(), known.to_string()];
    print::table(
        &["dataset", "found", "the city knows"],
        &[
            pair("residents", found.residents, known.residents),
            pair("households", found.households, known.households),
            pair("communities", found.communities, known.communities),
            pair("unresolved", found.unresolved, known.unresolved),
        ],
    );
    print::line(&format!("verify: {} differences", report.verify.differences));
    report.alike.iter().for_each(alike);
    print::line("\nTry, while this runs:");
    let curl = |token: &str, path: &str| format!("  curl -s -H 'Authorization: Bearer {token}' '{}{path}'", stage.url);
    print::line(&curl(&stage.consumer, "/v1/residents?limit=3"));
    print::line(&curl(&stage.consumer, "/v1/changes?limit=3"));
    print::line(&curl(&stage.administrator, "/v1/rejections?state=open&limit=3"));
    print::line(&curl(&stage.administrator, "/v1/reviews?state=joined&limit=3"));
    print::line(&format!(
        "\nThe API to browse: {}/docs (any user name, an administrator's token as password)",
        stage.url
    ));
    print::line("Ctrl-C ends the demo; its data stay below the demo's folder.");
    Ok(())
}

/// What became of records without a usable number.
fn alike(alike: &Alike) {
    let effect = &alike.tuned.effect;
    print::line(&format!(
        "\n{} records came without a usable number: {} were joined to a resident by likeness, {} wait for a clerk, {} are like nobody",
        effect.loose, effect.joined, alike.review, effect.apart
    ));
    if let Some(example) = &alike.example {
        print::line(&format!("one of them: {}", example.sentence));
        print::line(&format!("            {}", example.sentence_zh));
    }
    print::line(&format!("verify after that: {} differences", alike.differences));
}

fn row(shown: &Shown) -> Vec<String> {
    let speed = if shown.seconds > 0.0 { shown.received as f64 / shown.seconds } else { 0.0 };
    vec![
        shown.feed.clone(),
        shown.day.to_string(),
        shown.received.to_string(),
        shown.applied.to_string(),
        shown.unchanged.to_string(),
        shown.stale.to_string(),
        shown.rejected.to_string(),
        shown.issues.to_string(),
        format!("{:.2}", shown.seconds),
        format!("{speed:.0}"),
        if shown.state == "applied" { shown.occasion.clone() } else { format!("{} ({})", shown.occasion, shown.state) },
    ]
}
