//! civil-affairs/marriage-registrations: XML in UTF-8, exactly 19 children per row, headings repeated for man and woman.

use std::io::{self, Write};

use chrono::{Datelike, Days, NaiveDate};

use super::super::dice::Topic;
use super::super::format::sink::{Encoding, Sink};
use super::super::format::xml;
use super::super::household::Household;
use super::super::noise;
use super::super::person::{Person, Sex};
use super::super::place::Form;
use super::super::wrong::{Operation, Take};
use super::super::{City, CityDelivery};
use super::{Cells, Entry, NONE, Row, Shape, Visit};

pub(in crate::city) const SHAPE: Shape = Shape {
    key: 1,
    name: 11,
    number: 12,
    birth: 18,
    code: 15,
    division: NONE,
    dashes: true,
    ..Shape::of(&[
        "业务类型",
        "证件号码",
        "登记时间",
        "男方姓名",
        "身份证号",
        "职业",
        "家庭地址",
        "民族",
        "文化程度",
        "婚姻状况",
        "出生日期",
        "女方姓名",
        "身份证号",
        "职业",
        "家庭地址",
        "民族",
        "文化程度",
        "婚姻状况",
        "出生日期",
    ])
};

/// What one row registers.
#[derive(Debug, Clone, Copy)]
pub(in crate::city) struct Wedlock {
    pub operation: Operation,
    pub on: NaiveDate,
    /// Makes the certificate number unique among the couple's.
    pub nth: u32,
    /// Day of the delivery that first holds it.
    pub sent_on: u32,
}

/// The rows of a couple: what is new on the day, and now and then an old row again.
pub(super) fn entries(city: &City, household: &Household, day: u32, visit: Visit<'_>) -> io::Result<()> {
    let Some((head, _)) = household.couple() else { return Ok(()) };
    for wedlock in events(city, household, day).into_iter().flatten() {
        let again = household.dice.on(Topic::Resend).at(u64::from(day)).chance(city.marriages_again());
        if wedlock.sent_on == day || again {
            visit(&Entry {
                day,
                household,
                person: head,
                take: Take::Event(wedlock.operation),
                wedlock: Some(wedlock),
            })?;
        }
    }
    Ok(())
}

/// What the register holds about a couple after the deliveries of a day.
pub(in crate::city) fn events(city: &City, household: &Household, day: u32) -> [Option<Wedlock>; 4] {
    let mut events = [None; 4];
    let throw = household.dice.on(Topic::Marriage);
    let Some(wed_on) = household.wedding_date(city.start()).filter(|_| throw.chance(75_000)) else { return events };
    let wedlock =
        |operation, days: u64, nth| Some(Wedlock { operation, on: wed_on + Days::new(days), nth, sent_on: 1 });
    events[0] = wedlock(Operation::Marriage, 0, 0);
    match throw.at(3).below(100) {
        0..3 => events[1] = wedlock(Operation::Reissue, 150, 1),
        3..5 => {
            events[1] = wedlock(Operation::Divorce, 200, 1);
            events[2] = wedlock(Operation::Marriage, 350, 2);
        }
        _ => {}
    }
    let divorced_on = (2..=day).find(|&day| household.dice.on(Topic::Divorce).at(u64::from(day)).chance(200));
    let both = |day: u32| household.members.iter().take(2).all(|one| one.left_on.is_none_or(|left_on| left_on > day));
    if let Some(sent_on) = divorced_on.filter(|&day| both(day)) {
        events[3] = Some(Wedlock { operation: Operation::Divorce, on: city.date(sent_on), nth: 3, sent_on });
    }
    events
}

/// Fills a row; the entry's take may be a special case without a plan of its own, then it is a wedding of the day.
pub(super) fn fill(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let household = entry.household;
    let operation = if let Take::Event(operation) = entry.take { operation } else { Operation::Marriage };
    let wedlock = entry.wedlock.unwrap_or_else(|| Wedlock {
        operation,
        on: city.date(entry.day) - Days::new(1),
        nth: entry.day,
        sent_on: entry.day,
    });
    let (code, label, letters, before) = match wedlock.operation {
        Operation::Marriage if wedlock.nth == 2 => ("IA", "结婚登记", "J", "40"),
        Operation::Marriage => ("IA", "结婚登记", "J", "10"),
        Operation::Divorce => ("IB", "离婚登记", "L", "20"),
        Operation::Reissue => ("ICA", "补发结婚证", "BJ", "20"),
        Operation::Annulment => ("ID", "撤销婚姻", "CX", "20"),
    };
    let throw = household.dice.on(Topic::Form).at(30);
    let cells = &mut row.cells;
    cells.push(if throw.chance(50_000) { code } else { label });
    cells.show(format_args!("{letters}130108-{}-{:09}{}", wedlock.on.year(), household.number, wedlock.nth));
    cells.show(wedlock.on);
    let Some((head, spouse)) = household.couple() else { return };
    let (man, woman) = if head.sex == Sex::Male { (head, spouse) } else { (spouse, head) };
    party(cells, city, household, man, before);
    party(cells, city, household, woman, before);
}

fn party(cells: &mut Cells, city: &City, household: &Household, person: &Person, before: &str) {
    let throw = person.dice.on(Topic::Form).at(31);
    let street = city.community(household.current.community).street;
    let coded = |coded: (&'static str, &'static str)| if throw.chance(33_000) { coded.0 } else { coded.1 };
    cells.show(noise::dotted(&person.name, '·')).push(&person.number());
    cells.push(person.employment().map_or("", |employment| employment.1));
    // Of people who live elsewhere than they are registered the registry keeps no address.
    if household.apart {
        cells.push("");
    } else {
        cells.show(household.current.text(Form::Short, street));
    }
    cells.push(coded(person.ethnic)).push(person.education().map_or("", coded)).push(before).show(person.birth);
}

/// Writes the file.
pub(in crate::city) fn write(delivery: &CityDelivery, out: &mut dyn Write) -> io::Result<u64> {
    let mut sink = Sink::new(out, Encoding::Utf8);
    sink.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<婚姻登记>");
    // The department writes local time without an offset.
    xml::element(&mut sink.text, "导出日期", delivery.as_of.trim_end_matches("+08:00"));
    xml::element(&mut sink.text, "总数", &delivery.total.to_string());
    sink.text.push('\n');
    let mut rows = 0;
    delivery.each_row(&mut |row| {
        rows += 1;
        xml::open(&mut sink.text, "记录");
        xml::elements(&mut sink.text, SHAPE.columns, &row.cells);
        xml::close(&mut sink.text, "记录");
        sink.text.push('\n');
        sink.relieve()
    })?;
    sink.text.push_str("</婚姻登记>\n");
    sink.finish()?;
    Ok(rows)
}
