//! Registers of residents as a whole: what only several records, or the columns of relatives, can show.

use std::num::NonZeroUsize;

use crate::linkage::batch::{self, Linked};
use crate::linkage::config::LinkConfig;
use crate::linkage::decide::Budget;
use crate::linkage::file::{self, Records};
use crate::linkage::train::Training;

const GIVEN: [&str; 20] = [
    "建国", "秀英", "志强", "海燕", "晓东", "丽华", "文博", "雨桐", "子轩", "欣怡", "国栋", "春梅", "俊杰", "思远",
    "玉兰", "振华", "佳琪", "明辉", "素芬", "浩然",
];
const SURNAMES: [&str; 15] = ["李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "郭", "何", "高"];

/// Name, birth date, phone, address and mother's name of a person.
fn person(at: usize) -> [String; 5] {
    let name = format!("{}{}", SURNAMES[at % 15], GIVEN[at * 7 % 20]);
    let born = format!("{}-{:02}-{:02}", 1940 + at * 11 % 80, 1 + at * 5 % 12, 1 + at * 3 % 28);
    let mother = format!("{}{}", SURNAMES[at * 4 % 15], GIVEN[at * 11 % 20]);
    [name, born, format!("139{:08}", 10_000_019 + at * 7_919), format!("样例村{}组{}号", 1 + at % 9, 1 + at), mother]
}

fn linked(toml: &str, header: &str, lines: &[String]) -> (Records, Linked) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    let config = LinkConfig::parse(toml).unwrap();
    let (config, mut records) = file::read_own_first(&config, &[path], NonZeroUsize::MIN, &|_| {}).unwrap();
    let quiet = Training::quiet(1, NonZeroUsize::MIN);
    let linked = batch::link(&mut records.table, &config.names(), quiet, &Budget::default());
    (records, linked)
}

fn is_one(records: &Records, linked: &Linked, one: &str, other: &str) -> bool {
    let group = |id: &str| linked.groups.of(records.ids.iter().position(|known| &**known == id).unwrap() as u32);
    group(one) == group(other)
}

#[test]
fn a_record_without_a_name_is_of_neither_twin() {
    let toml = "id = \"id\"\n[columns]\nname = \"name_zh\"\nborn = \"birth_date\"\nphone = \"phone\"\naddress = \"address_zh\"\n";
    let line =
        |id: String, [name, born, phone, address, _]: &[String; 5]| format!("{id},{name},{born},{phone},{address}");
    let mut lines = Vec::new();
    for at in 0..300 {
        lines.extend((0..2).map(|copy| line(format!("{at}-{copy}"), &person(at))));
    }
    let nameless = |at: usize| {
        let [_, born, phone, address, _] = person(at);
        [String::new(), born, phone, address, String::new()]
    };
    let [name, born, phone, address, mother] = person(7);
    let twin = [format!("{}思静", name.chars().next().unwrap()), born, phone, address, mother];
    lines.extend((0..2).map(|copy| line(format!("twin-{copy}"), &twin)));
    lines.push(line("of-twins".to_owned(), &nameless(7)));
    lines.push(line("of-one".to_owned(), &nameless(8)));
    let (records, linked) = linked(toml, "id,name,born,phone,address", &lines);
    assert!(is_one(&records, &linked, "7-0", "7-1") && is_one(&records, &linked, "twin-0", "twin-1"));
    assert!(!is_one(&records, &linked, "7-0", "twin-0"));
    assert!(is_one(&records, &linked, "8-0", "of-one"));
    assert!(!is_one(&records, &linked, "7-0", "of-twins") && !is_one(&records, &linked, "twin-0", "of-twins"));
}

#[test]
fn the_head_of_a_household_is_nobody_of_it_else_whatever_the_columns_are_called() {
    let line = |id: String, head: &str, [name, born, ..]: &[String; 5], address: &str| {
        format!("{head},{id},{name},{born},{address}")
    };
    let mut lines = Vec::new();
    for home in 0..120 {
        let [head, _, _, address, _] = person(home * 3);
        for at in home * 3..home * 3 + 3 {
            lines.extend((0..2).map(|copy| line(format!("{at}-{copy}"), &head, &person(at), &address)));
        }
    }
    for (head, own) in [("HZXM", "XM"), ("a", "b")] {
        let toml = format!(
            "id = \"id\"\n[columns]\n{head} = \"name_zh\"\n{own} = \"name_zh\"\nCSRQ = \"birth_date\"\nZZ = \"address_zh\"\n"
        );
        let (records, linked) = linked(&toml, &format!("{head},id,{own},CSRQ,ZZ"), &lines);
        let joined = (0..360).filter(|at| is_one(&records, &linked, &format!("{at}-0"), &format!("{at}-1"))).count();
        assert!(joined > 350, "{joined}");
        assert!((0..120).all(|home| {
            let [one, other, third] = [0, 1, 2].map(|of| format!("{}-0", home * 3 + of));
            !is_one(&records, &linked, &one, &other) && !is_one(&records, &linked, &other, &third)
        }));
        let of_relative = linked.model.columns.iter().filter(|column| column.of_relative);
        assert_eq!(of_relative.map(|column| column.name.as_str()).collect::<Vec<_>>(), [head]);
    }
}
