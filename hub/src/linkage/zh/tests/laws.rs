//! What holds for every value of every kind.

use proptest::prelude::*;

use crate::linkage::evidence::{Kind, Tokens, Value};

const KINDS: [Kind; 6] = [Kind::CitizenId, Kind::NameZh, Kind::BirthDate, Kind::Sex, Kind::Phone, Kind::AddressZh];

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[李王张欧阳明伟丽之子女·*某（）1-3]{0,7}",
        "[0-9Xx*年月日./-]{0,20}",
        "[省市区街道路号楼栋单元室村镇0-9一二三十A-C甲东王-]{0,24}",
        "\\PC{0,20}",
    ]
}

/// What the engine keeps once: values of one first token must compare alike.
fn first_token(value: &Value) -> Option<u64> {
    let mut tokens = Tokens::default();
    value.tokens(&mut tokens);
    tokens.first().copied()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_cell_breaks_anything_and_comparing_is_symmetric(one in cell(), other in cell()) {
        for kind in KINDS {
            let (Some(a), Some(b)) = (kind.prepare(&one), kind.prepare(&other)) else { continue };
            let rung = a.compare(&b).unwrap();
            prop_assert_eq!(Some(rung), b.compare(&a));
            prop_assert!(usize::from(rung) < kind.ladder().len());
            prop_assert_eq!(a.shared(&b, rung), b.shared(&a, rung));
            prop_assert!(first_token(&a) != first_token(&b) || a == b, "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn a_cell_read_twice_agrees_with_itself(cell in cell()) {
        for kind in KINDS {
            let Some(value) = kind.prepare(&cell) else { continue };
            let rung = value.compare(&value).unwrap();
            // A masked value agrees with itself only as far as it shows.
            prop_assert!(rung == 0 || cell.contains(['*', '某', '＊', '#']) || rung <= 6, "{:?} {}", kind, rung);
        }
    }
}

#[test]
fn the_guesses_of_each_ladder_add_up() {
    for kind in KINDS {
        let (m, u): (f64, f64) = kind.ladder().iter().fold((0.0, 0.0), |(m, u), rung| (m + rung.m, u + rung.u));
        assert!((m - 1.0).abs() < 0.03 && (u - 1.0).abs() < 0.03, "{kind:?} {m} {u}");
    }
}
