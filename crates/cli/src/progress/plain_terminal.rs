//! A terminal that may not be one: enough of it for a one-line progress bar.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::TermLike;

/// Writes a bar over and over on one line, with carriage returns only.
#[derive(Debug)]
pub(crate) struct PlainTerminal<W>(Mutex<W>);

impl<W: Write> PlainTerminal<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())
    }
}

impl<W: Write + std::fmt::Debug + Send + Sync> TermLike for PlainTerminal<W> {
    fn width(&self) -> u16 {
        100
    }

    // The bar has one line: there is nowhere to move.
    fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write("\r")
    }

    fn flush(&self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
