//! Lets threads through one at a time, in the order of their tickets.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Guards what must be written in order. As tickets are taken in order and the lowest one out never waits, every
/// thread gets its turn, and no more results wait than there are threads.
pub(crate) struct Turnstile<T> {
    state: Mutex<State<T>>,
    turn: Condvar,
}

struct State<T> {
    next: u64,
    closed: bool,
    guarded: T,
}

impl<T> Turnstile<T> {
    pub(crate) fn new(guarded: T) -> Self {
        Self { state: Mutex::new(State { next: 0, closed: false, guarded }), turn: Condvar::new() }
    }

    /// Waits for the turn of `ticket` and runs `pass`; `None` when the turnstile is closed.
    pub(crate) fn pass<R>(&self, ticket: u64, pass: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut state = self
            .turn
            .wait_while(self.lock(), |state| !state.closed && state.next != ticket)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        let result = pass(&mut state.guarded);
        state.next += 1;
        self.turn.notify_all();
        Some(result)
    }

    /// Sends away all who wait and all who come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.turn.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// What was guarded, when all have passed.
    pub(crate) fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).guarded
    }

    /// A panic in a turn closes the turnstile (see [`CloseOnPanic`]), so what it left half done is never used.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the turnstile if the thread that holds this panics, so that no other thread waits for its turn for ever.
pub(crate) struct CloseOnPanic<'a, T>(pub(crate) &'a Turnstile<T>);

impl<T> Drop for CloseOnPanic<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn turns_come_in_the_order_of_tickets() {
        let turnstile = Turnstile::new(Vec::new());
        let tickets = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let ticket = tickets.fetch_add(1, Ordering::Relaxed);
                        if ticket >= 500 {
                            break;
                        }
                        turnstile.pass(ticket, |order| order.push(ticket));
                    }
                });
            }
        });
        turnstile.pass(500, |order| assert!(order.iter().copied().eq(0..500)));
    }

    #[test]
    fn closing_releases_those_who_wait() {
        let turnstile = Turnstile::new(());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turnstile.pass(1, |()| ()));
            turnstile.close();
            assert!(waiting.join().is_ok_and(|passed| passed.is_none()));
        });
        assert!(turnstile.is_closed());
    }
}
