//! health/resident-health-records: JSON by the identifiers of WS 365, an array on the first day, lines afterwards.

use std::io::{self, Write};

use chrono::{Days, NaiveTime, TimeDelta};

use super::super::dice::Topic;
use super::super::format::json;
use super::super::format::sink::{Encoding, Sink};
use super::super::noise;
use super::super::person::Person;
use super::super::place::Form;
use super::super::wrong::Take;
use super::super::{City, CityDelivery};
use super::{Entry, Row, Shape, population, usual_take};

pub(in crate::city) const SHAPE: Shape = Shape {
    key: 0,
    name: 3,
    number: 2,
    birth: 5,
    code: 6,
    id_type: 1,
    // One column holds the number of whatever document it is; `Passport` empties it first and fills it then.
    other_number: 2,
    ..Shape::of(&[
        "DE01.00.009.00",
        "DE02.01.031.00",
        "DE02.01.030.00",
        "DE02.01.039.00",
        "DE02.01.040.00",
        "DE02.01.005.01",
        "DE02.01.025.00",
        "DE02.01.018.00",
        "DE02.01.041.00",
        "DE02.01.052.00",
        "DE02.01.004.00",
        "DE02.01.010.00",
        "DE02.01.024.00",
        "DE02.01.009.01",
        "DE02.01.009.02",
        "DE02.01.009.03",
        "DE02.01.009.04",
        "DE02.01.009.05",
        "DE02.01.009.06",
        "division",
        "DE04.50.001.00",
        "DE04.50.010.00",
        "DE02.01.036.00",
        "lastModifyDate",
        "status",
    ])
};

/// What the day's delivery says about a person: on the first day all, later what changed, and old rows again.
pub(super) fn take(city: &City, person: &Person, day: u32) -> Take {
    if let Some(left_on) = person.left_on {
        return if left_on == day { Take::Cancelled } else { Take::Absent };
    }
    let again = || person.dice.on(Topic::Resend).at(u64::from(day)).chance(city.records_again());
    if day == 1 || person.came_on == day || person.changed_on == day || again() {
        usual_take(super::Feed::Health, person)
    } else {
        Take::Absent
    }
}

/// Whether the record's address is the current one; the other kind is the registered one.
pub(in crate::city) fn tells_current(person: &Person, floating: bool) -> bool {
    floating || person.dice.on(Topic::Form).at(40).chance(70_000)
}

/// Fills a row.
pub(super) fn fill(row: &mut Row, city: &City, entry: &Entry<'_>) {
    let (household, person) = (entry.household, entry.person);
    let cancelled = entry.take == Take::Cancelled;
    let cells = &mut row.cells;
    cells.show(format_args!("{}", record_number(city, person))).push("01").push(&person.number());
    cells.show(noise::dotted(&person.name, '・')).push(person.sex.code()).show(noise::digits(person.birth));
    cells.push(person.ethnic.0).push(population::marital(person, household.partner(person).is_some()).0);
    cells.push(person.education().map_or("", |education| education.0));
    cells.push(person.employment().map_or("", |employment| employment.0));
    if person.works() {
        cells.show(noise::employer(person.dice.at(u64::from(person.job_since)), city.employers()).1);
    } else {
        cells.push("");
    }
    cells.push(&noise::phones(person.dice, person.phone_since));
    let current = tells_current(person, household.floating);
    let place = if current { household.current } else { household.registered };
    let community = city.community(place.community);
    cells.push(if current { "09" } else { "01" }).push("河北省").push("石家庄市").push("裕华区");
    cells.push(community.street).show(place.text(Form::Road, community.street));
    cells.show(format_args!("{}{}", place.compound(), place.text(Form::Door, community.street))).push(community.code);
    let blood = person.dice.on(Topic::Blood);
    cells.show(1 + blood.below(6)).push(if blood.at(1).chance(99_000) { "2" } else { "1" });
    if cancelled && person.age > 60 {
        cells.show(noise::digits(city.date(entry.day) - Days::new(3)));
    } else {
        cells.push("");
    }
    cells.show(changed_at(city, entry)).push(if cancelled { "1" } else { "0" });
}

/// Seventeen digits: county, street, committee and a sequence within it; they never change, whoever moves.
fn record_number(city: &City, person: &Person) -> impl std::fmt::Display {
    let committees = city.communities() as u64;
    let committee = city.community((person.index % committees) as usize).code;
    format!("{committee}{:05}", person.index / committees)
}

fn changed_at(city: &City, entry: &Entry<'_>) -> impl std::fmt::Display {
    let person = entry.person;
    let throw = person.dice.on(Topic::Form).at(41);
    let last = match entry.take {
        Take::Cancelled => entry.day,
        _ if person.index >= super::super::household::CAST => entry.day,
        _ => person.changed_on.max(person.came_on),
    };
    let day = if last == 1 { city.start() - Days::new(1 + throw.below(900)) } else { city.date(last) };
    let time = day.and_time(NaiveTime::MIN) + TimeDelta::seconds(throw.at(1).below(5 * 3_600) as i64);
    time.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Writes the file.
pub(in crate::city) fn write(delivery: &CityDelivery, out: &mut dyn Write) -> io::Result<u64> {
    let lines = delivery.day > 1;
    let mut sink = Sink::new(out, Encoding::Utf8);
    let mut rows = 0;
    delivery.each_row(&mut |row| {
        if !lines {
            sink.text.push_str(if rows == 0 { "[\n" } else { ",\n" });
        }
        rows += 1;
        json::object(&mut sink.text, SHAPE.columns, &row.cells);
        if lines {
            sink.text.push('\n');
        }
        sink.relieve()
    })?;
    if !lines {
        sink.text.push_str(if rows == 0 { "[]\n" } else { "\n]\n" });
    }
    sink.finish()?;
    Ok(rows)
}
