//! Buffers that are used again.
//!
//! A buffer of some megabytes that is allocated for every map costs the kernel as much as reading the map: its pages
//! are handed out one by one. Buffers therefore come back here when their scores are dropped.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;
use pimo_frame::Storage;

/// A bounded store of idle buffers.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Idle buffers, the one that came back last at the end.
    idle: Mutex<Vec<Vec<u64>>>,
    buffers: usize,
}

impl Pool {
    /// Keeps at most this many idle buffers.
    pub(crate) fn new(buffers: usize) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::new(Vec::with_capacity(buffers)), buffers })
    }

    /// A buffer of `len` samples of any content; `None` when there is no memory for it.
    pub(crate) fn take<T: Pod>(self: &Arc<Self>, len: usize) -> Option<Buffer<T>> {
        let bytes = len.checked_mul(size_of::<T>())?;
        let words = bytes.div_ceil(8);
        // A buffer that is much too long would take more memory than was announced for this map.
        let fits = |buffer: &Vec<u64>| buffer.len() >= words && buffer.len() - words <= words / 8;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().rposition(fits).map(|index| idle.remove(index));
        drop(idle);
        let memory = match found {
            Some(memory) => memory,
            None => zeroed(words)?,
        };
        Some(Buffer { memory, len, pool: Arc::clone(self), samples: std::marker::PhantomData })
    }

    fn give_back(&self, memory: Vec<u64>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The longest unused one makes room: it has the size that the maps had, not the one that they have.
        let outdated = if idle.len() < self.buffers || idle.is_empty() { None } else { Some(idle.remove(0)) };
        if self.buffers > 0 {
            idle.push(memory);
        }
        drop(idle);
        drop(outdated);
    }
}

fn zeroed(words: usize) -> Option<Vec<u64>> {
    // Asks first: `vec!` aborts the process where there is no memory, but alone gets zeros for free.
    Vec::<u64>::new().try_reserve_exact(words).ok()?;
    Some(vec![0; words])
}

/// Samples in a buffer that returns to its pool when dropped.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    memory: Vec<u64>,
    len: usize,
    pool: Arc<Pool>,
    samples: std::marker::PhantomData<T>,
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(&self.memory)[..self.len]
    }
}

impl<T: Pod> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.memory)[..self.len]
    }
}

impl<T: Pod> AsRef<[T]> for Buffer<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: Pod + Send + Sync> Storage<T> for Buffer<T> {}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.memory));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn idle(pool: &Pool) -> usize {
        pool.idle.lock().unwrap().len()
    }

    #[test]
    fn buffers_come_back_and_fit() {
        let pool = Pool::new(2);
        let mut first = pool.take::<f32>(1001).unwrap();
        assert_eq!(first.len(), 1001);
        first[1000] = 5.0;
        let address = first.as_ptr();
        drop(first);
        let again = pool.take::<f32>(1000).unwrap();
        assert_eq!(again.as_ptr(), address);
        drop(again);
        let smaller = pool.take::<f64>(10).unwrap();
        assert_eq!(smaller.len(), 10);
        assert_eq!(idle(&pool), 1);
    }

    #[test]
    fn the_pool_is_bounded() {
        let pool = Pool::new(2);
        let taken: Vec<_> = (0..5).map(|_| pool.take::<u8>(100).unwrap()).collect();
        drop(taken);
        assert_eq!(idle(&pool), 2);
        let none = Pool::new(0);
        drop(none.take::<u8>(100));
        assert_eq!(idle(&none), 0);
    }

    #[test]
    fn memory_that_does_not_exist_is_not_handed_out() {
        assert!(Pool::new(1).take::<f64>(usize::MAX / 4).is_none());
        assert!(Pool::new(1).take::<f64>(usize::MAX / 16).is_none());
    }
}
