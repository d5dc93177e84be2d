//! The answer to a COMMIT that never arrives: the hub cannot know whether it went through. It looks, and repeats nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use hub::pipeline::inspect;
use hub::store::delivery::Delivery as Receipt;
use integration_tests::world::{Delivery, Person, insured, insured_persons};
use integration_tests::{Inside, Store};

/// Stands between a hub and its database, and cuts the connection in which the database answers a chosen COMMIT.
struct Cutter {
    /// Commits until the one that is cut; 0 for none.
    left: Arc<AtomicUsize>,
}

impl Cutter {
    /// Puts itself before the database of this URL.
    fn before(url: &mut String) -> Self {
        let (start, rest) = url.split_once('@').unwrap();
        let (database, name) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (database, changed) = (database.to_owned(), format!("{start}@{}/{name}", listener.local_addr().unwrap()));
        *url = changed;
        let left = Arc::new(AtomicUsize::new(0));
        let counted = left.clone();
        thread::spawn(move || {
            for hub in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&database) else { return };
                let (cut, counted) = (Arc::new(AtomicBool::new(false)), counted.clone());
                let there = (hub.try_clone().unwrap(), server.try_clone().unwrap());
                let cuts = cut.clone();
                thread::spawn(move || {
                    pass(there.0, there.1, &|bytes| {
                        let commits = bytes.windows(7).any(|window| window == b"COMMIT\0");
                        let chosen = |left: usize| left.checked_sub(1);
                        if commits && counted.fetch_update(Ordering::SeqCst, Ordering::SeqCst, chosen) == Ok(1) {
                            cuts.store(true, Ordering::SeqCst);
                        }
                        true
                    });
                });
                // The database answers once it has committed.
                thread::spawn(move || pass(server, hub, &|_| !cut.load(Ordering::SeqCst)));
            }
        });
        Self { left }
    }

    fn cut(&self, commit: usize) {
        self.left.store(commit, Ordering::SeqCst);
    }

    /// Whether there were fewer commits than the chosen one.
    fn waits(&self) -> bool {
        self.left.swap(0, Ordering::SeqCst) > 0
    }
}

/// Hands on bytes as long as `goes_on` says so of them, then ends both connections.
fn pass(mut from: TcpStream, mut to: TcpStream, goes_on: &dyn Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !goes_on(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// All five people with another address, one of them gone: every stage has something to write.
fn night(number: u32) -> Delivery {
    let people = Person::first(6);
    let gone = number as usize % 6;
    let here = people.iter().enumerate().filter(|(index, _)| *index != gone);
    insured_persons("20261101", number, here.map(|(_, p)| insured(p, &p.phone).with("AAE006", &format!("{number}号"))))
}

#[test]
fn whichever_commit_of_apply_is_unclear_nothing_is_lost_or_done_twice() {
    // Three chunks, endings and the fold at the least.
    each_cut(5, |hub, night, cut| {
        let ready = hub.inspect(night);
        cut();
        hub.apply(&ready.id)
    });
}

#[test]
fn whichever_commit_since_the_landing_is_unclear_nothing_is_lost_or_done_twice() {
    // The lists cleared, the batch, the keys that came twice and the verdict besides.
    each_cut(9, |hub, night, cut| {
        let landed = hub.land(night);
        cut();
        inspect::inspect(hub.hub(), &landed.id, &|_| ()).unwrap();
        hub.apply(&landed.id)
    });
}

/// Delivers night after night by `deliver`, with another commit cut each time after it calls its last argument, until
/// there are no more commits; at least `least` are cut.
fn each_cut(least: usize, deliver: impl Fn(&Inside, &Delivery, &dyn Fn()) -> Receipt) {
    let mut cutter = None;
    let hub = Inside::with(Store::Postgres, |config| {
        config.work.chunk = 2;
        cutter = Some(Cutter::before(&mut config.database.url));
    });
    let (cutter, whole) = (cutter.unwrap(), Inside::new(Store::Sqlite));
    let mut cuts = 0;
    for number in 1..200 {
        let receipt = deliver(&hub, &night(number), &|| cutter.cut(number as usize));
        let wanted = whole.deliver(&night(number));
        assert_eq!(receipt.counts(), wanted.counts(), "commit {number}");
        assert_eq!(hub.seq(), whole.seq(), "commit {number}: as many versions as without the cut");
        if cutter.waits() {
            break;
        }
        cuts += 1;
    }
    assert!((least..199).contains(&cuts), "{cuts} commits were cut");
    assert_eq!(hub.golden("resident"), whole.golden("resident"));
}
