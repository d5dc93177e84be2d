//! Reads of PostgreSQL: each of one moment, and none lost with the connections that were there before.

use hub::config::DatabaseConfig;
use hub::store::{Db, token};
use integration_tests::Postgres;

fn token_of(number: i64) -> token::AccessToken {
    token::AccessToken {
        id: format!("{number}"),
        hash: number.to_be_bytes().to_vec(),
        role: "administrator".to_owned(),
        subject: String::new(),
        title: String::new(),
        created_at: number,
        revoked_at: None,
    }
}

/// A store of so many reading connections.
fn opened(url: &str, read_connections: u32) -> Db {
    let config = DatabaseConfig { url: url.to_owned(), read_connections, ..DatabaseConfig::default() };
    let db = Db::open(&config, "test").unwrap();
    db.prepare().unwrap();
    db
}

#[test]
fn a_read_is_of_one_moment_whatever_is_written_meanwhile() {
    let database = Postgres::shared().database();
    let db = opened(&database.url, 2);
    let both = |conn: &mut hub::store::Conn| {
        let first = token::list(conn)?.len();
        db.write(|conn| token::insert(conn, &token_of(first as i64)))?;
        Ok((first, token::list(conn)?.len()))
    };
    assert_eq!(db.read(both).unwrap(), (0, 0));
    assert_eq!(db.read(both).unwrap(), (1, 1), "and the next one is of a later moment");
}

#[test]
fn connections_that_the_server_has_ended_fail_no_read() {
    let database = Postgres::shared().database();
    let db = opened(&database.url, 8);
    for round in 0..3 {
        db.write(|conn| token::insert(conn, &token_of(round))).unwrap();
        // As many connections as there may be.
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| db.read(token::list).unwrap());
            }
        });
        database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        assert_eq!(db.read(token::list).unwrap().len() as i64, round + 1);
    }
}
