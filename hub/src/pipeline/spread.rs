//! Spread: a pure computation over many items, shared out over the machine's cores. Owns no order but that of the items.

use std::num::NonZero;

use crate::error::{Error, Kind, Result};

/// Fewer items are not worth a thread.
const WORTH: usize = 256;
/// More threads than this wait for the one that writes.
const MOST: usize = 4;

/// What `body` makes of each item, in their order; the first error ends it.
pub fn spread<T: Sync, R: Send>(items: &[T], body: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST);
    if items.len() < WORTH || threads == 1 {
        return items.iter().map(body).collect();
    }
    let shares = items.chunks(items.len().div_ceil(threads));
    let made = std::thread::scope(|scope| {
        let body = &body;
        let running: Vec<_> =
            shares.map(|share| scope.spawn(move || share.iter().map(body).collect::<Result<Vec<R>>>())).collect();
        running.into_iter().map(|one| one.join()).collect::<Vec<_>>()
    });
    let mut all = Vec::with_capacity(items.len());
    for share in made {
        all.append(&mut share.map_err(|_| Error::new(Kind::Internal, "a share of a computation"))??);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items_however_many_there_are() {
        for count in [0, 1, WORTH - 1, WORTH, 10 * WORTH + 1] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(spread(&items, |item| Ok(*item)).unwrap(), items);
        }
    }

    #[test]
    fn an_error_of_one_item_is_the_error_of_all() {
        let items: Vec<usize> = (0..10 * WORTH).collect();
        let body = |item: &usize| if *item == 7 { Err(Error::new(Kind::Invalid, "seven")) } else { Ok(*item) };
        assert_eq!(spread(&items, body).unwrap_err().to_string(), "seven");
    }
}
