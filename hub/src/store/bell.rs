//! Tells those who wait in this process that the dataset has changed, as soon as it is committed.
//!
//! What another process writes is not told here: who waits also looks by itself now and then. A ring is a hint and says
//! nothing of what has changed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The bell of a store; clones ring and hear the same one.
#[derive(Debug, Clone)]
pub struct Bell(Arc<Rung>);

#[derive(Debug)]
struct Rung {
    times: Mutex<u64>,
    for_threads: Condvar,
    for_tasks: watch::Sender<()>,
}

impl Default for Bell {
    fn default() -> Self {
        let for_tasks = watch::channel(()).0;
        Self(Arc::new(Rung { times: Mutex::default(), for_threads: Condvar::new(), for_tasks }))
    }
}

impl Bell {
    fn locked(&self) -> MutexGuard<'_, u64> {
        self.0.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings.
    pub(super) fn ring(&self) {
        *self.locked() += 1;
        self.0.for_threads.notify_all();
        self.0.for_tasks.send_replace(());
    }

    /// How often it has rung. Asked before one looks, and given to [`Bell::wait`] after, no ring in between is missed.
    pub fn times(&self) -> u64 {
        *self.locked()
    }

    /// Waits on this thread until it has rung more often than that, at most so long.
    pub fn wait(&self, times: u64, patience: Duration) {
        let not_yet = |rung: &mut u64| *rung == times;
        let waited = self.0.for_threads.wait_timeout_while(self.locked(), patience, not_yet);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Hears every ring from now on; the receiver's `changed` is ready after one.
    pub fn listen(&self) -> watch::Receiver<()> {
        self.0.for_tasks.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any test may take: only a ring ends such a wait.
    const FOREVER: Duration = Duration::from_secs(3_600);

    #[test]
    fn who_waits_is_woken_by_a_ring() {
        let bell = Bell::default();
        let times = bell.times();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| bell.wait(times, FOREVER));
            bell.clone().ring();
            waiting.join().expect("it comes back");
        });
    }

    #[test]
    fn a_ring_between_the_look_and_the_wait_is_not_missed() {
        let bell = Bell::default();
        let times = bell.times();
        bell.ring();
        bell.wait(times, FOREVER);
        assert_eq!(bell.times(), times + 1);
    }

    #[test]
    fn nobody_waits_past_their_patience() {
        let bell = Bell::default();
        bell.wait(bell.times(), Duration::from_millis(1));
    }
}
