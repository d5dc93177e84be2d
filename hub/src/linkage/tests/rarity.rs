//! What is shared says the more the rarer it is, also where nobody else has it.

use std::num::NonZeroUsize;

use crate::linkage::evidence::Kind;
use crate::linkage::score::Scorer;
use crate::linkage::table::Table;
use crate::linkage::train::{Training, train};
use crate::linkage::zh::name::rung;

#[test]
fn a_name_of_common_parts_says_less_than_a_name_of_rare_ones() {
    let kinds = [Kind::NameZh, Kind::BirthDate];
    let mut table = Table::new(&kinds);
    let given = ["强", "明", "军", "平", "华", "磊", "杰", "涛", "超", "勇", "艳", "静"];
    let surnames = ["李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡"];
    let names =
        given.map(|given| format!("王{given}")).into_iter().chain(surnames.map(|surname| format!("{surname}伟")));
    let names = names.chain(["王伟".to_owned(), "郝淼".to_owned()]);
    let records: Vec<u32> = (1..)
        .zip(names)
        .map(|(day, name)| {
            let born = Kind::BirthDate.prepare(&format!("19{:02}-01-{day:02}", 40 + day));
            table.push(0, [Kind::NameZh.prepare(&name), born])
        })
        .collect();
    let columns = ["name".to_owned(), "born".to_owned()];
    let scorer = Scorer::new(&train(&mut table, &columns, Training::quiet(1, NonZeroUsize::MIN)).model);
    let rarity = |record: u32| {
        let row = table.row(record);
        scorer.rarity(&row, &row, &scorer.compare(&row, &row)).random
    };
    let (common, rare) = (rarity(records[24]), rarity(records[25]));
    assert!(common + 1.0 < rare, "{common} {rare}");

    let mut unseen = Table::new(&kinds);
    let mut of_sound = |record: u32, name: &str| {
        let other = unseen.push(0, [Kind::NameZh.prepare(name), None]);
        let (row, other) = (table.row(record), unseen.row(other));
        let pattern = scorer.compare(&row, &other);
        assert_eq!(pattern.levels[0], Some(rung::ALIKE), "{name}");
        scorer.rarity(&row, &other, &pattern).random
    };
    let (common, rare) = (of_sound(records[24], "王炜"), of_sound(records[25], "郝渺"));
    assert!(common + 1.0 < rare, "{common} {rare}");
}
