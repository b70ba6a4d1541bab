//! `pimo synth`, and the commands it names.

use std::process::Command;

use tempfile::TempDir;

use crate::support::{Ended, Toy, pimo, refused, snapshot, succeeded};

/// Runs what synth tells to run, in a shell and in the folder of the test, and gives the folders of results.
fn evaluate(folder: &TempDir, printed: &str) -> usize {
    let commands: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("  pimo ")).collect();
    for command in &commands {
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path()).arg("-c").arg(format!("\"$0\" {command} --fpr-bounds 1e-3,1e-1"));
        shell.arg(env!("CARGO_BIN_EXE_pimo"));
        succeeded(Ended::of(&mut shell));
    }
    commands.len()
}

fn synth(folder: &TempDir, arguments: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pimo"));
    command.current_dir(folder.path()).arg("synth").args(arguments.split(' '));
    Ended::of(&mut command)
}

#[test]
fn the_commands_it_prints_work() {
    let small = "--normal 3 --anomalous 3 --size 48x64 --out";
    let cases = [
        ("", 1),
        (" --categories 2 --detector a=0.9 --detector b=0.3", 1),
        (" --layout flat", 1),
        (" --layout flat --categories 2 --detector a=0.9 --detector b=0.3", 2),
        (" --map-format pt --categories 2", 1),
        (" --map-format pt --layout flat", 1),
        (" --map-format stack --detector a=0.9 --detector b=0.3", 1),
        (" --map-format stack --layout flat --mask-format npy", 1),
        (" --map-format npz --categories 2", 1),
        (" --map-format npz-deflate --layout flat", 1),
        (" --map-format stack --categories 2 --no-manifest", 2),
        (" --map-format tiff-zstd --sample-type float16 --mask-format tiff --source-images --mixed-sizes", 1),
        (" --map-format png --sample-type uint16 --map-size 12x16", 1),
    ];
    for (options, commands) in cases {
        let folder = TempDir::new().unwrap();
        let printed = succeeded(synth(&folder, &format!("{small} data{options}"))).stdout;
        assert_eq!(evaluate(&folder, &printed), commands, "{options}\n{printed}");
    }
}

#[test]
fn made_datasets_are_described_and_bad_options_refused() {
    let folder = TempDir::new().unwrap();
    let printed = succeeded(synth(&folder, "--normal 3 --anomalous 3 --size 48x64 --out data"));
    snapshot("synth", folder.path(), &printed.stdout);
    refused("synth_not_empty", folder.path(), &synth(&folder, "--out data"), 2);
    refused("synth_quality", folder.path(), &synth(&folder, "--out x --detector a=2"), 2);
    refused("synth_unwritable", folder.path(), &synth(&folder, "--out /proc/x"), 4);
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let folder = TempDir::new().unwrap();
    let made = |name: &str, seed: &str, threads: &str| {
        let options = format!("--normal 2 --anomalous 2 --size 32x32 --seed {seed} --threads {threads} --out {name}");
        succeeded(synth(&folder, &options));
        let root = folder.path().join(name);
        let files = Toy::tree(&root).into_iter().filter(|file| root.join(file).is_file());
        files.map(|file| (std::fs::read(root.join(&file)).unwrap(), file)).collect::<Vec<_>>()
    };
    let first = made("a", "7", "1");
    assert_eq!(made("b", "7", "4"), first);
    assert_ne!(made("c", "8", "1"), first);
}

#[test]
fn quiet_says_nothing() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("data").display().to_string();
    let ended = succeeded(pimo(["synth", "--normal", "1", "--anomalous", "1", "--size", "8x8", "-q", "--out", &out]));
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}
