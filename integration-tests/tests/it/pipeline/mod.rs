//! A record's way, case by case, on both stores.

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
mod invariants;
mod limits;
mod marriages;
mod properties;
mod rejections;
mod resolve;
mod restart;
mod rules;
mod way;
