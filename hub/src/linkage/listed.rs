//! Which pairs within groups are listed: all, unless the groups are so large that nobody could read the list.
//!
//! Owns that choice, which depends on the sizes of the groups only. Never decides what is joined.

use super::block;
use super::cluster::Groups;
use super::table::Table;

/// So many pairs are listed, about; of the largest groups only what holds them together where all were more.
pub const LISTED: u64 = 1 << 24;

/// Calls `each` for the pairs within groups, with two files those across. Of groups with so many pairs that all would be
/// more than `most`, the pairs with the first record are called, with two files with the first of either.
pub fn pairs(table: &Table, groups: &Groups, most: u64, mut each: impl FnMut(u64)) {
    let two = (0..table.len() as u32).any(|record| table.file(record) == 1);
    // The records of the first file come first.
    let split = |members: &[u32]| if two { members.partition_point(|record| table.file(*record) == 0) } else { 0 };
    let large = groups.all().filter(|members| members.len() > 1);
    let full = full(large.map(|members| possible(members.len(), split(members), two)).collect(), most);
    for members in groups.all().filter(|members| members.len() > 1) {
        let (split, is_full) = (split(members), possible(members.len(), split(members), two) <= full);
        for (at, a) in members.iter().enumerate().take(if two { split } else { members.len() }) {
            let others = if two { &members[split..] } else { &members[at + 1..] };
            let some = match (is_full || at == 0, two) {
                (true, _) => others.len(),
                (false, true) => 1,
                (false, false) => break,
            };
            others.iter().take(some).for_each(|b| each(block::pair(*a, *b)));
        }
    }
}

/// How many pairs a group has whose first `split` records are of the first file.
fn possible(members: usize, split: usize, two: bool) -> u64 {
    let (members, split) = (members as u64, split as u64);
    if two { split * (members - split) } else { members * (members - 1) / 2 }
}

/// Up to how many pairs a group may have to be listed in full, so that all that are have no more than `most`.
fn full(mut pairs: Vec<u64>, most: u64) -> u64 {
    pairs.sort_unstable();
    let mut sum = 0;
    let mut full = 0;
    for alike in pairs.chunk_by(|a, b| a == b) {
        sum += alike.iter().sum::<u64>();
        if sum > most {
            break;
        }
        full = alike[0];
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::evidence::Kind;

    fn listed(files: &[u8], groups: &[&[u32]], most: u64) -> Vec<(u32, u32)> {
        let mut table = Table::new(&[Kind::Code]);
        for file in files {
            table.push(*file, [None]);
        }
        let mut grown = Groups::alone(files.len());
        groups.iter().for_each(|group| group.iter().for_each(|record| grown.join(group[0], *record)));
        let mut listed = Vec::new();
        pairs(&table, &grown, most, |pair| listed.push(block::parts(pair)));
        listed
    }

    #[test]
    fn the_largest_groups_are_listed_by_their_first_record_where_all_pairs_were_too_many() {
        let groups: [&[u32]; 3] = [&[0, 1, 2, 3], &[4, 5, 6], &[7, 8]];
        assert_eq!(listed(&[0; 9], &groups, 10).len(), 6 + 3 + 1);
        let most = [(0, 1), (0, 2), (0, 3), (4, 5), (4, 6), (5, 6), (7, 8)];
        assert_eq!(listed(&[0; 9], &groups, 9), most);
        assert_eq!(listed(&[0; 9], &groups, 4), most);
        assert_eq!(listed(&[0; 9], &groups, 3), [(0, 1), (0, 2), (0, 3), (4, 5), (4, 6), (7, 8)]);
        assert_eq!(
            listed(&[0; 4], &[&[0, 1], &[2, 3]], 1),
            [(0, 1), (2, 3)],
            "of one size all or none, and these are all"
        );
    }

    #[test]
    fn of_two_files_only_pairs_across_are_listed() {
        assert_eq!(listed(&[0, 0, 1, 1], &[&[0, 1, 2, 3]], 4), [(0, 2), (0, 3), (1, 2), (1, 3)]);
        assert_eq!(listed(&[0, 0, 1, 1], &[&[0, 1, 2, 3]], 3), [(0, 2), (0, 3), (1, 2)]);
        assert_eq!(listed(&[1, 1], &[&[0, 1]], 3), []);
    }
}
