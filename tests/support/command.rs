//! Runs the command.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none if a signal killed it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `pimo` with arguments.
pub(crate) fn pimo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    Ended::of(Command::new(env!("CARGO_BIN_EXE_pimo")).args(arguments))
}

impl Ended {
    /// Runs a command that was put together.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).env("RUST_BACKTRACE", "0").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Checks that a command succeeded.
#[track_caller]
pub(crate) fn succeeded(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    ended
}

/// Checks that a command was refused with an exit code, and compares its messages with those on record.
#[track_caller]
pub(crate) fn refused(name: &str, folder: &Path, ended: &Ended, code: i32) {
    assert_eq!(ended.code, Some(code), "{name}\n{}\n{}", ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{name}\n{}", ended.stderr);
    snapshot(name, folder, &ended.stderr);
}

/// Compares a text with the one on record; the folder of the test, times and rates do not count.
#[track_caller]
pub(crate) fn snapshot(name: &str, folder: &Path, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let text = redacted(text, folder);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn redacted(text: &str, folder: &Path) -> String {
    let folder = folder.to_str().unwrap();
    let text = if folder.is_empty() { text.to_owned() } else { text.replace(folder, "[dir]") };
    let lines: Vec<String> = text.lines().map(without_times).collect();
    lines.join("\n")
}

/// Replaces `1.5 s` by `[time]`, `3.1 MB/s` by `[rate]` and the number of `32MiB` by `[n]`.
fn without_times(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let unit = word.trim_end_matches([',', '.', ':']);
        let replacement = match unit {
            "s" | "min" | "h" => "[time]",
            "B/s" | "kB/s" | "MB/s" | "GB/s" => "[rate]",
            _ => "",
        };
        let number = words.last().is_some_and(|word| word.parse::<f64>().is_ok());
        let amount = unit.strip_suffix("MiB").filter(|amount| amount.parse::<u64>().is_ok());
        if let Some(amount) = amount {
            words.push(word.replacen(amount, "[n]", 1));
        } else if number && !replacement.is_empty() {
            words.pop();
            words.push(word.replacen(unit, replacement, 1));
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}
