//! social-security/insured-persons: XML declared GB2312 whose bytes are GB 18030; a person and 0 to 3 insurances.

use std::io::{self, Write};

use chrono::{Datelike, NaiveDate};

use super::super::dice::Topic;
use super::super::format::sink::{Encoding, Sink};
use super::super::format::xml;
use super::super::household::CAST;
use super::super::noise;
use super::super::number;
use super::super::person::Person;
use super::super::place::{DISTRICT, Form, Place};
use super::super::{City, CityDelivery};
use super::{Cells, Entry, Row, Shape};

pub(in crate::city) const SHAPE: Shape = Shape {
    key: 1,
    name: 3,
    number: 2,
    birth: 9,
    code: 6,
    id_type: 7,
    nationality: 5,
    other_number: 8,
    group_code: 3,
    ..Shape::of(&[
        "ROWNO", "BAC001", "AAC002", "AAC003", "AAC004", "AAC161", "AAC005", "AAC058", "AAC147", "AAC006", "AAC007",
        "AAE441", "AAE473", "BIC162", "AAC084", "AIC162", "AAC067", "BAC062", "AAC009", "AAC301", "AAE006", "BAC301",
        "AAC010",
    ])
};

/// Place of the current division and of the current address, which a wrong file mixes up.
const DIVISION: usize = 19;
const ADDRESS: usize = 20;

const INSURED: [&str; 9] = ["ROWNO", "BAB001", "AAB004", "AAE140", "AAC030", "AAC049", "AAC031", "AAC040", "AAE180"];

/// The department's number of a person.
pub(super) fn person_number(person: &Person) -> impl std::fmt::Display {
    1_300_000_000 + person.index
}

/// Fills a row.
pub(super) fn fill(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let (household, person) = (entry.household, entry.person);
    let throw = person.dice.on(Topic::Form).at(10);
    let cells = &mut row.cells;
    cells.push("").show(person_number(person));
    cells.push(&number::with_age(person.number(), throw.at(1).chance(3_000)));
    cells.show(noise::dotted(&person.name, '•')).push(person.sex.code()).push("CHN").push(person.ethnic.0);
    cells.push("01").push("").show(noise::digits(person.birth));
    let since = career_start(person, city.start());
    cells.show(since.map_or(0, noise::digits)).show(since.map_or(0, noise::digits)).push("").push("");
    match person.age {
        60.. => cells.push("1").show(noise::digits(retired_on(person))),
        _ => cells.push("0").push(if throw.at(2).chance(50_000) { "0" } else { "99991231" }),
    };
    cells.push(&noise::phones(person.dice, person.phone_since)).push("1");
    cells.push(if household.dice.on(Topic::Form).at(3).chance(80_000) { "10" } else { "20" });
    let current = city.community(household.current.community);
    let form = [Form::Full, Form::Full, Form::Short, Form::Wide][throw.at(3).below(4) as usize];
    // Some rows name the district alone; only of people whose current community is the registered one.
    let precise = household.apart || !throw.at(4).chance(20_000);
    cells.push(if precise { current.code } else { DISTRICT }).show(household.current.text(form, current.street));
    if household.floating {
        cells.show(person.slot.county()).push("外省市");
    } else {
        let registered = city.community(household.registered.community);
        cells.push(registered.code).show(household.registered.text(Form::Full, registered.street));
    }
    insurances(&mut row.groups, city, person);
}

/// What the person is insured against.
fn insurances(groups: &mut Vec<Cells>, city: &City, person: &Person) {
    let throw = person.dice.on(Topic::Insurance);
    let kinds: &[&str] = match throw.below(10) {
        _ if person.index >= CAST => &["110", "310"],
        0 => &[],
        _ if !person.works() => &["150"],
        1..4 => &["110"],
        4..7 => &["110", "310"],
        _ => &["110", "310", "410"],
    };
    let job = person.dice.at(u64::from(person.job_since));
    let wage = 3_200 + 100 * throw.at(1).below(120);
    let since = career_start(person, city.start()).unwrap_or_else(|| city.start());
    for (place, kind) in kinds.iter().enumerate() {
        // A second employer pays the third insurance of some.
        let employer = if place == 2 && throw.at(2).chance(15_000) { job.at(2) } else { job };
        let (number, name) = noise::employer(employer, city.employers());
        let mut group = Cells::default();
        group.show(place + 1).show(number).show(name).push(kind);
        group.show(noise::digits(since)).push("0").push(if throw.at(3).chance(92_000) { "1" } else { "2" });
        group.show(format_args!("{wage}.00")).show(format_args!("{wage}.00"));
        groups.push(group);
    }
}

/// First day of work; none for those who never had any.
pub(super) fn career_start(person: &Person, start: NaiveDate) -> Option<NaiveDate> {
    if !person.works() && person.age < 60 {
        return None;
    }
    let throw = person.dice.on(Topic::Job).at(1_000_000);
    let year = (person.year_at(18) + throw.below(7) as i32).min(start.year() - 1);
    NaiveDate::from_ymd_opt(year, 1 + throw.at(1).below(12) as u32, 1)
}

fn retired_on(person: &Person) -> NaiveDate {
    NaiveDate::from_ymd_opt(person.year_at(60), person.birth.month(), 1).unwrap_or(person.birth)
}

/// Puts another home into a row, as the wrong file does.
pub(in crate::city) fn misplace(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let place = Place::new(city.communities(), entry.person.dice.on(Topic::WrongFile).at(1));
    let community = city.community(place.community);
    row.cells.set(DIVISION, community.code);
    row.cells.set(ADDRESS, &place.text(Form::Full, community.street).to_string());
}

/// Writes the file.
pub(in crate::city) fn write(delivery: &CityDelivery, out: &mut dyn Write) -> io::Result<u64> {
    let mut sink = Sink::new(out, Encoding::Gb18030);
    sink.text.push_str("<?xml version=\"1.0\" encoding=\"GB2312\"?>\n<DATA><HEAD>");
    xml::element(&mut sink.text, "DATADATE", &noise::digits(delivery.as_of_date).to_string());
    xml::element(&mut sink.text, "SEQ", &delivery.sequence.to_string());
    xml::element(&mut sink.text, "TOTAL", &delivery.total.to_string());
    sink.text.push_str("</HEAD><ROWS>\n");
    let mut rows = 0_u64;
    delivery.each_row(&mut |row| {
        rows += 1;
        xml::open(&mut sink.text, "ROW");
        xml::element(&mut sink.text, SHAPE.columns[0], &rows.to_string());
        xml::elements_from(&mut sink.text, 1, SHAPE.columns, &row.cells);
        for group in &row.groups {
            xml::open(&mut sink.text, "INSURED");
            xml::elements(&mut sink.text, &INSURED, group);
            xml::close(&mut sink.text, "INSURED");
        }
        xml::close(&mut sink.text, "ROW");
        sink.text.push('\n');
        sink.relieve()
    })?;
    sink.text.push_str("</ROWS></DATA>\n");
    sink.finish()?;
    Ok(rows)
}
