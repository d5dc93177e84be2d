//! social-security/unemployment-insurance: a workbook with a title row, 15 headings and a total row; no birth date.

use std::io::{self, Write};

use chrono::Datelike;

use super::super::dice::Topic;
use super::super::format::sheet;
use super::super::noise;
use super::super::number;
use super::super::{City, CityDelivery};
use super::{Entry, Row, Shape, insured};

pub(in crate::city) const SHAPE: Shape = Shape {
    key: 0,
    name: 1,
    number: 2,
    code: 3,
    ..Shape::of(&[
        "个人编号",
        "姓名",
        "公民身份证",
        "性别",
        "单位编号",
        "单位名称",
        "单位类型",
        "经济类型",
        "参加工作时间",
        "个人参保时间",
        "最近参保时间",
        "个人参保状态",
        "缴费比例类",
        "经办人",
        "经办时间",
    ])
};

/// The columns whose cells are dates.
const DATES: [usize; 4] = [8, 9, 10, 14];

/// Fills a row.
pub(super) fn fill(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let person = entry.person;
    let throw = person.dice.on(Topic::Form).at(20);
    let cells = &mut row.cells;
    cells.show(insured::person_number(person)).show(person.name);
    match throw.at(1).below(20) {
        0 => cells.push(&person.number().to_ascii_lowercase()),
        _ => cells.push(&number::with_age(person.number(), throw.at(2).chance(3_000))),
    };
    cells.push(if throw.at(3).chance(33_000) { person.sex.code() } else { person.sex.label() });
    let (number, name) = noise::employer(person.dice.at(u64::from(person.job_since)), city.employers());
    cells.show(number).show(name).push("企业").push("有限责任公司");
    let since = insured::career_start(person, city.start()).unwrap_or_else(|| city.start());
    cells.show(noise::serial(since)).push(&noise::sheet_date(since, throw.at(4))).push("");
    cells.push(if throw.at(5).chance(50_000) { "参保缴费" } else { "1" }).push("1").push("窗口一");
    cells.show(noise::serial(city.start()) - 30);
}

/// Writes the file.
pub(in crate::city) fn write(delivery: &CityDelivery, out: &mut dyn Write) -> io::Result<u64> {
    let title = format!("职工失业保险参保信息（{}年{}月）", delivery.as_of_date.year(), delivery.as_of_date.month());
    sheet::write(
        out,
        &sheet::Sheet { name: "失业保险", title: &title, columns: SHAPE.columns, dates: &DATES },
        delivery,
    )
}
