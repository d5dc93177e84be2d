//! What several columns say together: who may not be one person, whatever else agrees.

use crate::linkage::evidence::{Ground, Kind, Value, Verdict};
use crate::linkage::prepare;
use crate::linkage::zh::joint;

const KINDS: [Kind; 6] = [Kind::CitizenId, Kind::NameZh, Kind::Sex, Kind::BirthDate, Kind::Phone, Kind::AddressZh];
const HOME: &str = "样例花园3-2-501";
const PHONE: &str = "19900123456";

fn record(cells: [&str; 6]) -> Vec<Option<Value>> {
    let mut values: Vec<Option<Value>> = KINDS.iter().zip(cells).map(|(kind, cell)| kind.prepare(cell)).collect();
    joint::settle(&KINDS, &cells, &mut values);
    values
}

/// The verdict and the levels that are left, asked both ways round.
fn judge(one: [&str; 6], other: [&str; 6]) -> (Verdict, Vec<Option<u8>>) {
    judged(&KINDS, &record(one), &record(other))
}

/// As [`judge`], in other columns.
fn judge_in(kinds: &[Kind], one: &[&str], other: &[&str]) -> (Verdict, Vec<Option<u8>>) {
    judged(kinds, &prepare::record(kinds, one), &prepare::record(kinds, other))
}

fn judged(kinds: &[Kind], one: &[Option<Value>], other: &[Option<Value>]) -> (Verdict, Vec<Option<u8>>) {
    let ask = |a: &[Option<Value>], b: &[Option<Value>]| {
        let (a, b): (Vec<_>, Vec<_>) = (a.iter().map(Option::as_ref).collect(), b.iter().map(Option::as_ref).collect());
        let mut levels: Vec<Option<u8>> = a.iter().zip(&b).map(|(a, b)| a.as_ref()?.compare((*b)?)).collect();
        (joint::judge(kinds, &a, &b, &mut levels), levels)
    };
    let answer = ask(one, other);
    assert_eq!(answer, ask(other, one));
    answer
}

#[test]
fn a_number_that_agrees_is_not_counted_again_as_birth_and_sex() {
    let (verdict, levels) = judge(
        ["11010519491231002X", "李梅", "女", "1949-12-31", PHONE, HOME],
        ["110105491231002", "李梅", "2", "19491231", "", ""],
    );
    assert_eq!((verdict, levels[2], levels[3]), (Verdict::Free, None, None));
}

#[test]
fn two_valid_numbers_are_two_people() {
    let (verdict, _) = judge(
        ["11010519491231002X", "李梅", "女", "", PHONE, HOME],
        ["440524188001010014", "李梅", "", "", PHONE, HOME],
    );
    assert_eq!(verdict, Verdict::Veto(Ground::TwoNumbers));
}

#[test]
fn a_parents_number_on_a_child_neither_joins_the_two_nor_parts_the_child_from_itself() {
    let child = ["11010519491231002X", "王小宝", "男", "1975-06-01", PHONE, HOME];
    let (verdict, _) = judge(child, ["11010519491231002X", "李梅", "女", "1949-12-31", PHONE, HOME]);
    assert_eq!(verdict, Verdict::Veto(Ground::BorrowedNumber));
    let (verdict, _) = judge(child, ["440524188001010014", "王小宝", "男", "19750601", PHONE, HOME]);
    assert_eq!(verdict, Verdict::Free);
}

#[test]
fn a_child_called_almost_as_the_parent_whose_number_it_has_is_not_the_parent() {
    let father = ["110105194912310038", "王志豪", "男", "1949-12-31", PHONE, HOME];
    let child = ["110105194912310038", "王梓豪", "男", "1975-06-01", PHONE, HOME];
    assert_eq!(judge(father, child).0, Verdict::Review(Ground::ParentAndChild));
    let near = ["110105194912310038", "王梓豪", "男", "1951-06-01", PHONE, HOME];
    assert_eq!(judge(father, near).0, Verdict::Free);
}

#[test]
fn a_masked_name_that_cannot_be_the_other_casts_doubt_on_one_number() {
    let one = |name| ["11010519491231002X", name, "女", "", PHONE, HOME];
    for other in ["王*梅", "李*轩", "王**"] {
        assert_eq!(judge(one("李晓梅"), one(other)).0, Verdict::Review(Ground::BorrowedNumber), "{other}");
    }
    for other in ["李*梅", "李**", "李*", "李某"] {
        assert_eq!(judge(one("李晓梅"), one(other)).0, Verdict::Free, "{other}");
    }
}

#[test]
fn a_number_with_another_birth_date_is_the_persons_own_where_the_whole_name_is_one() {
    let known = ["11010519491231002X", "李梅", "女", "1949-12-31", "", ""];
    let (verdict, levels) = judge(known, ["11010519491231002X", "李梅", "女", "2019-05-07", PHONE, HOME]);
    assert_eq!((verdict, levels[0], levels[3]), (Verdict::Free, Some(0), None));
    for (name, sex) in [("李梅", "男"), ("李小梅", "女"), ("李*", "女")] {
        let (_, levels) = judge(known, ["11010519491231002X", name, sex, "2019-05-07", PHONE, HOME]);
        assert_eq!(levels[0], Some(4), "{name} {sex}");
    }
}

#[test]
fn a_number_confirmed_by_two_birth_dates_outweighs_another_name() {
    let one = |name, sex| ["11010519491231002X", name, sex, "1949-12-31", "", ""];
    assert_eq!(judge(one("李梅", "女"), one("小红", "女")).0, Verdict::Free);
    assert_eq!(judge(one("李梅", "女"), one("王海涛", "男")).0, Verdict::Veto(Ground::BorrowedNumber));
    let unborn = ["11010519491231002X", "王海涛", "女", "", "", ""];
    assert_eq!(judge(one("李梅", "女"), unborn).0, Verdict::Review(Ground::BorrowedNumber));
}

#[test]
fn a_number_that_tells_another_day_of_the_year_is_the_persons_own() {
    let (verdict, levels) = judge(
        ["11010519491231002X", "李梅", "女", "1949-11-30", PHONE, HOME],
        ["11010519491231002X", "李梅", "女", "1949-12-31", PHONE, HOME],
    );
    assert_eq!((verdict, levels[0]), (Verdict::Free, Some(0)));
}

#[test]
fn twins_are_never_joined_by_machine() {
    let twin = |name| ["", name, "男", "2015-02-09", PHONE, HOME];
    assert_eq!(judge(twin("王建国"), twin("王海涛")).0, Verdict::Veto(Ground::Twins));
    assert_eq!(judge(twin("王子轩"), twin("王子涵")).0, Verdict::Review(Ground::Twins));
    let elsewhere = ["", "王子涵", "男", "2015-02-09", "", "范本小区1-1-101"];
    assert_eq!(judge(twin("王子轩"), elsewhere).0, Verdict::Review(Ground::Twins));
    let sister = ["", "王子涵", "女", "2015-02-09", PHONE, HOME];
    assert_eq!(judge(twin("王子轩"), sister).0, Verdict::Veto(Ground::Twins));
}

#[test]
fn a_number_one_slip_apart_that_ends_alike_outweighs_another_name() {
    let one = ["11010519491231002X", "李红敏", "女", "1949-12-31", PHONE, HOME];
    let renamed = ["11010519491321002X", "李莉文", "女", "1949-12-31", PHONE, HOME];
    assert_eq!(judge(one, renamed).0, Verdict::Free);
    let twin = ["110105194912310021", "李莉文", "女", "1949-12-31", PHONE, HOME];
    assert_eq!(judge(one, twin).0, Verdict::Review(Ground::Twins));
}

#[test]
fn a_number_of_another_sex_and_another_day_is_somebody_elses() {
    let own = |sex| record(["11010519491231002X", "李红敏", sex, "1951-12-31", PHONE, HOME]);
    let is_borrowed =
        |record: Vec<Option<Value>>| matches!(&record[0], Some(Value::CitizenId(document)) if document.is_borrowed());
    assert!(!is_borrowed(own("女")) && is_borrowed(own("男")));
}

#[test]
fn parent_and_child_of_one_home_are_two_people() {
    let (verdict, _) =
        judge(["", "张丽", "女", "1990-03-07", PHONE, HOME], ["", "张丽之子", "男", "2026-03-09", PHONE, HOME]);
    assert_eq!(verdict, Verdict::Veto(Ground::ParentAndChild));
    let (verdict, _) =
        judge(["", "王强", "男", "1962-03-07", PHONE, HOME], ["", "王明", "男", "1990-11-21", PHONE, HOME]);
    assert_eq!(verdict, Verdict::Veto(Ground::ParentAndChild));
}

#[test]
fn a_newborn_is_the_child_that_has_got_a_name() {
    let (verdict, levels) =
        judge(["", "张丽之子", "男", "2026-03-09", PHONE, HOME], ["", "王小宝", "男", "20260309", PHONE, HOME]);
    assert_eq!((verdict, levels[1]), (Verdict::Free, None));
}

#[test]
fn a_mothers_name_with_a_sign_of_a_child_is_a_name_until_all_else_agrees() {
    let child = |name, birth| ["", name, "女", birth, PHONE, HOME];
    let (verdict, levels) = judge(child("张丽女", "2026-03-09"), child("王小宝", "20260309"));
    assert_eq!((verdict, levels[1]), (Verdict::Free, None));
    let elsewhere = ["", "王小宝", "女", "20260309", "19900123999", ""];
    assert_eq!(judge(child("张丽女", "2026-03-09"), elsewhere).0, Verdict::Veto(Ground::Twins));
    assert_eq!(judge(child("张丽女", "2026-03-09"), child("张小雨", "20260309")).0, Verdict::Veto(Ground::Twins));
    assert_eq!(judge(child("张丽女", ""), child("张丽", "1990-03-07")).0, Verdict::Review(Ground::ParentAndChild));
}

#[test]
fn one_of_two_born_together_is_asked_about_and_never_the_other() {
    let child = |name: &'static str| ["", name, "女", "2026-03-09", PHONE, HOME];
    for marked in ["张丽之女大", "张丽之女2", "张丽女小双", "张丽女甲"] {
        assert_eq!(judge(child(marked), child("王小宝")).0, Verdict::Review(Ground::Twins), "{marked}");
    }
    assert_eq!(judge(child("张丽之女2"), child("张丽之女大双")).0, Verdict::Veto(Ground::Twins));
    let undated = ["", "张丽之女乙", "女", "", PHONE, HOME];
    assert_eq!(judge(child("张丽之女大"), undated).0, Verdict::Veto(Ground::Twins));
}

#[test]
fn a_generation_between_two_of_one_name_is_asked_about() {
    let one = |birth| ["", "库尔班·库尔班", "男", birth, PHONE, HOME];
    assert_eq!(judge(one("2024-08-13"), one("1972-08-05")).0, Verdict::Review(Ground::ParentAndChild));
    assert_eq!(judge(one("2024-08-13"), one("2024-08-31")).0, Verdict::Free);
}

#[test]
fn two_children_of_one_mother_are_two_however_alike_they_are_called() {
    let child = |called, sex, born| ["", called, sex, born, PHONE, HOME];
    let apart = judge(child("孟婷之女", "女", "2019-06-14"), child("孟婷女", "女", "2023-07-21"));
    assert_eq!(apart.0, Verdict::Veto(Ground::Household));
    let slip = judge(child("孟婷之女", "女", "2019-06-14"), child("孟婷女", "女", "2019-06-15"));
    assert_eq!(slip.0, Verdict::Free);
}

#[test]
fn one_name_with_another_sex_and_another_birth_date_is_asked_about() {
    let wife = ["", "邓桂梅", "女", "1974-02-08", "", HOME];
    let husband = ["", "邓桂梅", "男", "1972-04-21", "", HOME];
    assert_eq!(judge(wife, husband).0, Verdict::Review(Ground::Household));
    assert_eq!(judge(wife, ["", "邓桂梅", "男", "1974-02-08", "", HOME]).0, Verdict::Free);
}

#[test]
fn a_boy_with_the_number_of_his_twin_sister_is_asked_about() {
    let twin = |name, sex| ["11010519491231002X", name, sex, "1949-12-31", PHONE, HOME];
    assert_eq!(judge(twin("王佳怡", "女"), twin("王佳豪", "男")).0, Verdict::Review(Ground::BorrowedNumber));
    assert_eq!(judge(twin("王佳怡", "女"), twin("王佳豪", "女")).0, Verdict::Free);
    assert_eq!(judge(twin("王佳怡", "女"), twin("王佳怡", "男")).0, Verdict::Free);
}

#[test]
fn a_child_with_its_mothers_name_and_number_is_asked_about() {
    let mother = ["11010519491231002X", "李梅", "女", "1949-12-31", PHONE, HOME];
    let child = ["11010519491231002X", "李梅子", "", "", PHONE, HOME];
    assert_eq!(judge(mother, child).0, Verdict::Review(Ground::BorrowedNumber));
    let newborn = ["11010519491231002X", "李梅之女", "女", "", PHONE, HOME];
    assert_eq!(judge(mother, newborn).0, Verdict::Review(Ground::BorrowedNumber));
    let herself = ["11010519491231002X", "李梅子", "女", "1949-12-31", PHONE, HOME];
    assert_eq!(judge(mother, herself).0, Verdict::Free);
}

#[test]
fn masked_names_of_one_birth_date_that_differ_where_they_show_are_asked_about() {
    let child = |called| ["", called, "女", "2020-02-26", PHONE, HOME];
    assert_eq!(judge(child("李某桐"), child("李雨颖")).0, Verdict::Review(Ground::Twins));
    assert_eq!(judge(child("李某桐"), child("李雨桐")).0, Verdict::Free);
}

#[test]
fn a_name_in_the_column_of_a_relative_is_no_other_name() {
    const KINDS: [Kind; 4] = [Kind::NameZh, Kind::Sex, Kind::BirthDate, Kind::NameZh];
    let husband = ["马伟", "男", "1974-03-16", "金美珍"];
    let (verdict, levels) = judge_in(&KINDS, &husband, &["金美珍", "男", "1974-03-16", "马伟"]);
    assert_eq!((verdict, levels[0]), (Verdict::Free, None));
    let (verdict, levels) = judge_in(&KINDS, &husband, &["金美珍", "女", "1975-11-20", "马伟"]);
    assert!(matches!(verdict, Verdict::Veto(_)) && levels[0].is_some());
}

#[test]
fn the_head_of_a_household_is_named_once() {
    let level = |one: [&str; 2], other: [&str; 2]| judge_in(&[Kind::NameZh; 2], &one, &other).1[1];
    assert_eq!(level(["张家强", "张家强"], ["张家强", "张家强"]), None);
    assert_eq!(level(["张家强", "张家强"], ["张家强", "张启志"]), Some(11));
    assert_eq!(level(["李梅", "张家强"], ["李梅", "张家强"]), Some(0));
}

#[test]
fn a_number_that_the_record_calls_a_relatives_is_borrowed() {
    const KINDS: [Kind; 5] = [Kind::CitizenId, Kind::NameZh, Kind::BirthDate, Kind::NameZh, Kind::CitizenId];
    let is_borrowed = |cells: [&str; 5]| {
        let record = prepare::record(&KINDS, &cells);
        matches!(&record[0], Some(Value::CitizenId(document)) if document.is_borrowed())
    };
    let number = "11010519491231002X";
    assert!(is_borrowed([number, "马桂英", "1949-02-06", "赵杰庆", number]));
    assert!(is_borrowed([number, "马桂英", "", "赵杰庆", number]));
    assert!(!is_borrowed([number, "马桂英", "1949-12-31", "赵杰庆", number]), "it is of her birth date");
    assert!(!is_borrowed([number, "赵杰庆", "1949-02-06", "赵杰庆", number]), "the head of a household");
    assert!(!is_borrowed([number, "马桂英", "1949-02-06", "赵杰庆", ""]));
}

#[test]
fn who_has_no_name_and_another_birth_date_is_asked_about() {
    let newborn = ["", "未取名", "男", "2016-11-30", PHONE, HOME];
    assert_eq!(judge(newborn, ["", "郭诺宸", "男", "2020-09-08", PHONE, HOME]).0, Verdict::Review(Ground::Household));
    assert_eq!(judge(newborn, ["", "郭诺宸", "男", "2016-11-30", PHONE, HOME]).0, Verdict::Free);
    let child = ["", "张丽之子", "男", "", PHONE, HOME];
    assert_eq!(judge(child, ["", "郭诺宸", "男", "2020-09-08", PHONE, HOME]).0, Verdict::Review(Ground::Household));
}

#[test]
fn a_name_in_pinyin_says_nothing_more_than_the_name() {
    let level = |one: [&str; 2], other: [&str; 2]| judge_in(&[Kind::NameZh, Kind::NameLatin], &one, &other).1[1];
    assert_eq!(level(["李强", "LI QIANG"], ["李强", "Li Qiang"]), None);
    assert_eq!(level(["李*", "LI QIANG"], ["李强", "Li Qiang"]), Some(0));
}

#[test]
fn a_first_of_january_that_the_number_tells_is_a_day() {
    let born = |number, day| [number, "陈宏民", "男", day, "", ""];
    let number =
        crate::identity::CitizenNumber::build("130102", chrono::NaiveDate::from_ymd_opt(1977, 1, 1).unwrap(), 89);
    let level = |number, day| judge(born(number, "1977-01-01"), born("", day)).1[3];
    assert_eq!(level("", "1977-09-26"), Some(4));
    assert_eq!(level(number.unwrap().as_str(), "1977-09-26"), Some(7));
}

#[test]
fn exchanged_cells_are_read_as_what_they_are() {
    let (verdict, levels) = judge(
        ["19900123456", HOME, "女", "1949-12-31", "11010519491231002X", "李晓梅"],
        ["11010519491231002X", "李晓梅", "女", "1949-12-31", PHONE, HOME],
    );
    assert_eq!((verdict, levels), (Verdict::Free, vec![Some(0), Some(0), None, None, Some(0), Some(0)]));
}

#[test]
fn a_cell_that_slipped_into_the_next_column_is_read_as_what_it_is() {
    let whole = ["11010519491231002X", "李晓梅", "女", "1949-12-31", PHONE, HOME];
    for slipped in [
        ["", "李晓梅", "女", "1949-12-31", "11010519491231002X", HOME],
        ["11010519491231002X", "", "女", "1949-12-31", PHONE, "李晓梅"],
        ["11010519491231002X", HOME, "女", "1949-12-31", PHONE, "无"],
        ["11010519491231002X", HOME, "女", "1949-12-31", PHONE, "李*梅（户主）"],
        ["11010519491231002X", HOME, "不详", "1949-12-31", "未知", "李晓梅"],
        ["11010519491231002X", HOME, "女", "1949-12-31", "199-0012-3456", "李晓梅"],
        ["11010519491231002X", "3-2-501", "女", "1949-12-31", PHONE, "李 晓梅"],
        ["11010519491231002X", "李晓梅", "1949-12-31", "女", PHONE, HOME],
        ["11010519491231002X", "李晓梅", "1949-12-31", PHONE, HOME, ""],
        ["李晓梅", "女", "1949-12-31", PHONE, HOME, ""],
    ] {
        let (verdict, levels) = judge(slipped, whole);
        let agree = levels.iter().all(|level| level.is_none_or(|level| matches!(level, 0 | 1 | 3)));
        assert!(verdict == Verdict::Free && agree, "{slipped:?} {levels:?}");
    }
    // A short word is not taken for a name.
    let (_, levels) = judge(["", "", "女", "1949-12-31", PHONE, "翠苑新城"], whole);
    assert_eq!(levels[1], None);
}
