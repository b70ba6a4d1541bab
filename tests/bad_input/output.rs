//! Output that can't be written.

use std::fs;
use std::process::Command;

use crate::support::{Ended, Toy, refused, succeeded};

#[test]
fn an_output_that_is_in_the_way() {
    let toy = Toy::new();
    fs::write(toy.path("out"), "a file").unwrap();
    refused("output_is_a_file", toy.folder(), &toy.eval(&[]), 2);
    assert_eq!(fs::read_to_string(toy.path("out")).unwrap(), "a file");

    fs::remove_file(toy.path("out")).unwrap();
    succeeded(toy.eval(&[]));
    let before = Toy::tree(&toy.path("out"));
    refused("output_not_empty", toy.folder(), &toy.eval(&[]), 2);
    assert_eq!(Toy::tree(&toy.path("out")), before);
    fs::write(toy.path("out/notes.txt"), "mine").unwrap();
    succeeded(toy.eval(&["--force", "--curves", "none"]));
    assert_eq!(fs::read_to_string(toy.path("out/notes.txt")).unwrap(), "mine");
}

#[test]
fn an_output_where_nothing_can_be_made() {
    let toy = Toy::new();
    let ended = toy.eval_to("data/maps/d/toy/test/good/000.npy/out", toy.inputs(), &[]);
    refused("output_below_a_file", toy.folder(), &ended, 4);
    // The kernel's own file system takes no folders, not even root's.
    let mut command = Command::new(env!("CARGO_BIN_EXE_pimo"));
    command.arg("eval").args(toy.inputs()).args(["--out", "/proc/pimo-out"]);
    refused("output_unwritable", toy.folder(), &Ended::of(&mut command), 4);
}

#[test]
fn a_disk_that_is_full() {
    let toy = Toy::new();
    // No file may grow beyond 2 KiB: writes then fail as they do on a full disk.
    let mut command = Command::new("prlimit");
    command.arg("--fsize=2048").arg(env!("CARGO_BIN_EXE_pimo")).arg("eval").args(toy.inputs());
    command.args(["--curves", "full", "--out"]).arg(toy.path("out"));
    let ended = Ended::of(&mut command);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: cannot write"), "{}", ended.stderr);
    assert!(ended.stderr.contains("choose another output folder"), "{}", ended.stderr);
    assert_eq!(Toy::tree(&toy.path("out")), Vec::<String>::new());
}

#[test]
fn a_standard_output_that_is_full() {
    let toy = Toy::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pimo"));
    command.arg("eval").args(toy.inputs()).arg("--out").arg(toy.path("out"));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"));
}
