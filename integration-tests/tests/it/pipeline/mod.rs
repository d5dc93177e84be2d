//! A record's way, case by case, on both stores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a case and what it calls fail by panicking"
)]

/// One case, a test on each store.
macro_rules! on_both_stores {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[test]
            fn on_sqlite() {
                super::$case(integration_tests::Store::Sqlite);
            }

            #[test]
            fn on_postgres() {
                super::$case(integration_tests::Store::Postgres);
            }
        }
    )+};
}

mod delta;
mod groups;
mod identity;
mod invariants;
mod likeness;
mod likeness_as_sent;
mod limits;
mod marriages;
mod properties;
mod reference;
mod registers;
mod rejections;
mod resolve;
mod restart;
mod rules;
mod unclear;
mod way;
