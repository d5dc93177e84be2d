//! Document numbers.

use super::check;
use crate::linkage::evidence::Evidence;
use crate::linkage::zh::citizen::Document;
use crate::linkage::zh::sex::Sex;

#[test]
fn numbers_agree_in_every_writing() {
    check::<Document>(&[
        ("11010519491231002X", "11010519491231002X", "same"),
        ("11010519491231002X", " 11010519491231002x", "same"),
        ("11010519491231002X", "１１０１０５１９４９１２３１００２Ｘ", "same"),
        ("11010519491231002X", "110105 19491231 002X", "same"),
        ("11010519491231002X", "110105491231002", "same"),
        ("11010519491231002X", "'11010519491231002X", "same"),
        ("11010519491231002X", "11010519491231002х", "same"),
        ("11010519491231002X", "11010519491231002X43", "same"),
        ("E12345608", "e12345608", "same"),
    ]);
}

#[test]
fn a_broken_number_is_near_the_right_one() {
    check::<Document>(&[
        ("11010519491231002X", "110105194912310021", "typo"),
        ("11010519491231002X", "11010519491321002X", "typo"),
        ("11010519491231002X", "1101051949123102X", "typo"),
        ("11010519491231002X", "1101051949123100", "two_typos"),
        ("11010519491231002X", "11010519491231003", "two_typos"),
        ("11010519491231002X", "11010519491231002143", "typo"),
        ("E12345608", "E12345609", "typo"),
    ]);
}

#[test]
fn fifteen_digits_may_hide_a_slip_but_not_behind_the_birth_date() {
    check::<Document>(&[
        ("11010519491231002X", "110106491231002", "typo"),
        ("11010519491231002X", "110015491231002", "typo"),
        ("11010519491231002X", "110105491231004", "near"),
        ("11010519491231002X", "110105491231025", "conflict"),
    ]);
}

#[test]
fn masked_numbers_agree_as_far_as_they_show() {
    check::<Document>(&[
        ("11010519491231002X", "110105********002X", "masked"),
        ("11010519491231002X", "110105********0021", "different"),
        ("110105194912310038", "110105194912310000", "masked"),
        ("110105194912311938", "110105194912310000", "different"),
    ]);
    let rounded = Document::prepare("110105194912310000").unwrap();
    assert_eq!(rounded.birth_date(), chrono::NaiveDate::from_ymd_opt(1949, 12, 31));
}

#[test]
fn two_valid_numbers_conflict_even_when_near() {
    check::<Document>(&[
        ("11010519491231002X", "440524188001010014", "conflict"),
        ("11010519491231002X", "110105194912310038", "conflict"),
    ]);
    // Twins: neighbours in the register.
    let born = chrono::NaiveDate::from_ymd_opt(1990, 3, 7).unwrap();
    let number =
        |sequence| crate::identity::CitizenNumber::build("130102", born, sequence).unwrap().as_str().to_owned();
    check::<Document>(&[(&number(251), &number(253), "conflict")]);
}

#[test]
fn placeholders_are_no_numbers() {
    for text in [
        "",
        "000000000000000000",
        "111111111111111111",
        "123456789012345678",
        "无",
        "X",
        "不详",
        "1.30108E+17",
        "00000019900101001X",
        "99999999999999999X",
    ] {
        assert_eq!(Document::prepare(text), None, "{text}");
    }
}

#[test]
fn of_several_numbers_in_a_cell_the_right_one_is_read() {
    check::<Document>(&[
        ("11010519491231002X/110105491231002", "11010519491231002X", "same"),
        ("E24517774、11010519491231002X", "11010519491231002X", "same"),
        ("110105 19491231 002X", "11010519491231002X", "same"),
    ]);
}

#[test]
fn a_number_tells_birth_and_sex() {
    let number = Document::prepare("11010519491231002X").unwrap();
    assert_eq!(number.birth_date().map(|date| date.to_string()).as_deref(), Some("1949-12-31"));
    assert_eq!(number.sex(), Some(Sex::Female));
    let broken = Document::prepare("110105194912310021").unwrap();
    assert_eq!(broken.birth_date().map(|date| date.to_string()).as_deref(), Some("1949-12-31"));
    assert_eq!(broken.sex(), None);
}
