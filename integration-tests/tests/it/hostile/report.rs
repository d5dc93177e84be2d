//! The report as Excel opens it: a value from outside is never a formula, and no digit is lost.

use integration_tests::hub::{Hub, shape};
use integration_tests::store::Store;
use integration_tests::world::{Person, registered, registered_residents};

use super::is_unharmed;

#[test]
fn a_value_in_the_report_is_never_a_formula() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let formulas = [
        "=cmd|'/C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1:A9)",
        "\t=1+1",
        "＝1+1",
        "=HYPERLINK(\"http://x\",\"点\")",
        "\r=1",
    ];
    let mut rows: Vec<_> =
        (10..250).map(|number| registered(&Person::nth(number), &format!("{number:03}"), "户主")).collect();
    for (formula, number) in formulas.iter().zip(1..) {
        // Sex is a code, so each of these is dropped with the value as it was sent.
        rows.push(registered(&Person::nth(number), "001", "户主").with("性别", formula).with("派出所", formula));
    }
    let delivered = hub.deliver(&registered_residents("20261101", rows));
    assert_eq!(delivered["state"], "applied", "{delivered}");
    let report = hub.administrator().get(&format!("/v1/deliveries/{}/report.csv", shape::delivery_id(&delivered)));
    assert_eq!(report.status, 200, "{report}");
    let text = report.text();
    let values: Vec<Vec<String>> = cells(text.trim_start_matches('\u{feff}'));
    assert_eq!(values.iter().filter(|line| line[2] == "性别").count(), formulas.len(), "{text}");
    for cell in values.iter().flatten() {
        let first = cell.trim_start().chars().next();
        assert!(!first.is_some_and(|first| "=+-@＝＋－＠".contains(first)), "{cell:?} is a formula in {text}");
    }
    is_unharmed(&mut hub);
}

#[test]
fn the_report_opens_in_excel() {
    let mut hub = Hub::on(Store::Sqlite).rejections_allowed().start();
    let (zhang, wang) = (Person::nth(1), Person::nth(2));
    let nameless = registered(&zhang, "001", "户主").with("姓名", "");
    let delivered = hub.deliver(&registered_residents(
        "20261101",
        [nameless, registered(&wang, "007", "户主").with("性别", "不详,\"男\"")],
    ));
    let report = hub.administrator().get(&format!("/v1/deliveries/{}/report.csv", shape::delivery_id(&delivered)));
    assert!(report.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")), "{:?}", report.headers);
    assert!(
        report.header("content-disposition").is_some_and(|kind| kind.starts_with("attachment")),
        "{:?}",
        report.headers
    );
    assert_eq!(report.body[..3], [0xEF, 0xBB, 0xBF], "Excel knows UTF-8 by its mark");
    let text = report.text();
    let text = text.trim_start_matches('\u{feff}');
    assert!(text.starts_with("行号,主键,字段,值,原因,类别,代码\r\n"), "{text}");
    assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count(), "{text:?}");
    let lines = cells(text);
    let rejected = lines.iter().find(|line| line[5] == "拒收").unwrap_or_else(|| panic!("no rejection in {text}"));
    // A tab before it: Excel would round a number of 18 digits.
    assert_eq!(
        (rejected[0].as_str(), rejected[1].as_str(), rejected[2].as_str()),
        ("2", format!("\t{}", zhang.id_no).as_str(), "姓名")
    );
    assert!(rejected[4].chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)), "{rejected:?}");
    let dropped = lines.iter().find(|line| line[5] == "字段舍弃").unwrap_or_else(|| panic!("no issue in {text}"));
    assert_eq!((dropped[2].as_str(), dropped[3].as_str()), ("性别", "不详,\"男\""), "{dropped:?}");
    is_unharmed(&mut hub);
}

/// The cells of a CSV, read by its rules (RFC 4180).
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quoted) {
            ('"', true) if letters.peek() == Some(&'"') => cell.extend(letters.next()),
            ('"', _) => quoted = !quoted,
            (',', false) => line.push(std::mem::take(&mut cell)),
            ('\r', false) if letters.peek() == Some(&'\n') => {}
            ('\n', false) => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            (other, _) => cell.push(other),
        }
    }
    lines
}
