//! Work spread over threads with a result that does not depend on how many there are.
//!
//! Owns the cutting into pieces and their order. Never decides how many threads: the caller says.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Calls `work` for each piece of `0..total`, `piece` long, on `threads` threads; results in the order of the pieces.
pub fn pieces<R: Send>(
    total: usize,
    piece: usize,
    threads: NonZeroUsize,
    work: impl Fn(std::ops::Range<usize>) -> R + Sync,
) -> Vec<R> {
    let piece = piece.max(1);
    let count = total.div_ceil(piece);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    let labour = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            let result = work(at * piece..((at + 1) * piece).min(total));
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get().min(count) {
            scope.spawn(labour);
        }
        labour();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Sorts on two threads at most: halves first, then one merge by the standard sort, which finds both runs.
pub fn sort<T: Ord + Send>(items: &mut [T], threads: NonZeroUsize) {
    if threads.get() > 1 && items.len() > 10_000 {
        let (left, right) = items.split_at_mut(items.len() / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| left.sort_unstable());
            right.sort_unstable();
        });
        items.sort();
    } else {
        items.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_the_same_for_any_number_of_threads() {
        let run = |threads| pieces(1_001, 10, NonZeroUsize::new(threads).unwrap(), |range| range.sum::<usize>());
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(7));
        assert_eq!(run(3).iter().sum::<usize>(), 1_001 * 1_000 / 2);
    }
}
