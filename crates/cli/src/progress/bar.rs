//! A bar with the rate and the time left.

use std::io::stderr;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pimo_pipeline::Event;

use crate::progress::plain_terminal::PlainTerminal;

/// Redraws a second.
const REDRAWS: u8 = 10;
const MAPS: &str = "{msg} [{bar:30}] {percent:>3} %  {decimal_bytes_per_sec}  {eta} left";
const STEPS: &str = "{msg} [{bar:30}] {percent:>3} %  {pos}/{len}  {eta} left";

#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn on_terminal() -> Self {
        Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(REDRAWS)))
    }

    pub(crate) fn anywhere() -> Self {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(PlainTerminal::new(stderr())), REDRAWS);
        Self(ProgressBar::with_draw_target(None, target))
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        match event {
            Event::Planned { bytes, .. } => {
                self.0.set_style(style(MAPS));
                self.0.set_length(*bytes);
                self.0.reset();
            }
            Event::Category { name, .. } => self.0.set_message((*name).to_owned()),
            Event::Again { bytes } => self.0.inc_length(*bytes),
            Event::Map { bytes } => self.0.inc(*bytes),
            _ => {}
        }
    }

    pub(crate) fn step(&self, done: u64, total: u64, unit: &'static str) {
        if self.0.length() != Some(total) {
            self.0.set_style(style(STEPS));
            self.0.set_message(unit);
            self.0.set_length(total);
        }
        self.0.set_position(done);
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a valid one").progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [MAPS, STEPS] {
            let _ = style(template);
        }
    }
}
