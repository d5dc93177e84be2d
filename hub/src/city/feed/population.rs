//! family-planning/population: XML in UTF-8, 24 columns, the data date in every row.

use std::io::{self, Write};

use chrono::{Datelike, Days, NaiveDate};

use super::super::dice::Topic;
use super::super::format::sink::{Encoding, Sink};
use super::super::format::xml;
use super::super::household::Household;
use super::super::noise;
use super::super::number;
use super::super::person::{Coded, Person, Role, Sex};
use super::super::place::{Form, REGION};
use super::super::{City, CityDelivery};
use super::{Cells, Entry, Row, Shape, registered};

pub(in crate::city) const SHAPE: Shape = Shape {
    key: 0,
    name: 1,
    number: 3,
    birth: 6,
    code: 7,
    division: 22,
    dashes: true,
    ..Shape::of(&[
        "户人编号",
        "姓名",
        "性别",
        "身份证号",
        "小区组名",
        "门牌号",
        "出生日期",
        "民族",
        "文化程度",
        "户口性质",
        "婚姻状况",
        "初婚日期",
        "与户主关系",
        "户籍所在地",
        "现居住地",
        "配偶姓名",
        "配偶身份证号",
        "父亲姓名",
        "父亲身份证号",
        "母亲姓名",
        "母亲身份证号",
        "居住状况",
        "落户地区",
        "数据日期",
    ])
};

/// Fills a row.
pub(super) fn fill(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let (household, person) = (entry.household, entry.person);
    let throw = person.dice.on(Topic::Form);
    // One clerk in three types codes where the others type labels.
    let coded = |coded: Coded| if throw.chance(33_000) { coded.0 } else { coded.1 };
    let home = city.community(household.current.community);
    let married = household.partner(person);
    let cells = &mut row.cells;
    cells.show(format_args!("1301080{:010}", person.index)).show(noise::dotted(&person.name, '．'));
    cells.push(if throw.chance(33_000) { person.sex.code() } else { person.sex.label() });
    cells.push(&number::with_age(person.number(), throw.at(1).chance(2_000)));
    if away(household) {
        cells.push("").push("");
    } else {
        cells.push(household.current.compound()).show(household.current.text(Form::Door, home.street));
    }
    cells.show(person.birth).push(coded(person.ethnic)).push(person.education().map_or("", coded));
    cells.push(hukou(household)).push(coded(marital(person, married.is_some())));
    match married.and_then(|_| household.wedding_date(city.start())) {
        Some(date) => cells.show(date),
        None => cells.push(""),
    };
    cells.push(registered::relation(household, person));
    addresses(cells, city, household);
    relative(cells, married);
    relative(cells, household.parent(person, Sex::Male));
    relative(cells, household.parent(person, Sex::Female));
    cells.push(presence(household));
    let division = city.community(household.registered.community);
    match throw.at(2).below(2) {
        _ if household.floating => cells.push(""),
        0 => cells.push(division.code),
        _ => cells.push(division.name),
    };
    cells.show(city.date(entry.day));
}

fn addresses(cells: &mut Cells, city: &City, household: &Household) {
    let registered = city.community(household.registered.community);
    let current = city.community(household.current.community);
    if household.floating {
        cells.push("外省市");
    } else {
        cells.show(format_args!("{REGION}{}", registered.name));
    }
    if away(household) {
        cells.push("");
    } else {
        cells.show(format_args!("{REGION}{}", current.name));
    }
}

/// Registered here and living elsewhere: the department does not know where.
fn away(household: &Household) -> bool {
    household.apart && !household.floating
}

fn relative(cells: &mut Cells, relative: Option<&Person>) {
    match relative {
        Some(person) => cells.show(person.name).push(&person.number()),
        None => cells.push("").push(""),
    };
}

fn hukou(household: &Household) -> &'static str {
    if household.dice.on(Topic::Form).at(3).chance(80_000) { "非农业家庭户口" } else { "农业家庭户口" }
}

fn presence(household: &Household) -> &'static str {
    match (household.floating, household.apart) {
        (true, _) => "人在户不在",
        (false, true) => "户在人不在",
        (false, false) => "人在户在",
    }
}

/// Marital status as the department knows it.
pub(super) fn marital(person: &Person, married: bool) -> Coded {
    match person.role {
        _ if married && person.dice.on(Topic::Marriage).chance(6_000) => ("22", "再婚"),
        _ if married => ("21", "初婚"),
        Role::Head if person.age > 70 => ("30", "丧偶"),
        Role::Head if person.age > 40 => ("40", "离婚"),
        Role::Parent => ("20", "已婚"),
        _ => ("10", "未婚"),
    }
}

impl Household {
    /// When the couple married; always before the city's first day.
    pub(in crate::city) fn wedding_date(&self, start: NaiveDate) -> Option<NaiveDate> {
        let (head, spouse) = self.couple()?;
        let throw = self.dice.on(Topic::Marriage);
        let year = head.birth.year().max(spouse.birth.year()) + 22;
        NaiveDate::from_yo_opt(year, 1 + throw.at(2).below(365) as u32).map(|date| date.min(start - Days::new(400)))
    }
}

/// Writes the file.
pub(in crate::city) fn write(delivery: &CityDelivery, out: &mut dyn Write) -> io::Result<u64> {
    let mut sink = Sink::new(out, Encoding::Utf8);
    sink.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<全员人口>\n");
    let mut rows = 0;
    delivery.each_row(&mut |row| {
        rows += 1;
        xml::open(&mut sink.text, "人口");
        xml::elements(&mut sink.text, SHAPE.columns, &row.cells);
        xml::close(&mut sink.text, "人口");
        sink.text.push('\n');
        sink.relieve()
    })?;
    sink.text.push_str("</全员人口>\n");
    sink.finish()?;
    Ok(rows)
}
