//! Signals.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pimo_frame::Size;
use pimo_synth::Plan;

use crate::support::{Toy, plan};

/// Sends a signal when the folder has begun to fill, and gives the exit code.
fn interrupted(command: &mut Command, toy: &Toy, out: &str, signal: &str) -> Option<i32> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while Toy::tree(&toy.path(out)).is_empty() && began.elapsed() < Duration::from_secs(20) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before anything was written");
        sleep(Duration::from_millis(1));
    }
    let killed = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    assert!(stderr.contains("interrupted"), "{stderr}");
    status.code()
}

#[test]
fn an_interrupted_evaluation_leaves_nothing() {
    let toy = Toy::of(&Plan { normal: 150, anomalous: 50, size: Size::new(256, 256), ..plan() });
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pimo"));
        command.arg("eval").args(toy.inputs()).args(["--threads", "1", "--thresholds", "linspace:300000", "--out"]);
        command.arg(toy.path("out"));
        assert_eq!(interrupted(&mut command, &toy, "out", signal), Some(code), "{signal}");
        assert_eq!(Toy::tree(&toy.path("out")), Vec::<String>::new(), "{signal}");
    }
}

#[test]
fn an_interrupted_synthesis_leaves_nothing() {
    let toy = Toy::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pimo"));
    command.args(["synth", "--normal", "2000", "--size", "512x512", "--threads", "1", "--out"]).arg(toy.path("big"));
    assert_eq!(interrupted(&mut command, &toy, "big", "INT"), Some(130));
    assert!(!toy.path("big").exists());
}
