//! What is advised is tried: every command that is printed is given to a real shell, for folders of all names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

/// Names that a command has to quote, or that could be taken for something else.
const NAMES: [&[u8]; 10] = [
    b"my notes",
    b"it's \"mine\"",
    b"$HOME `id` $(id) \\ \\n",
    b"wow!! !1 100% %s",
    "📔 Tagebuch für 2021".as_bytes(),
    b"-x",
    b"~",
    b"line\nbreak \x1b[31m",
    b"caf\xe9",
    b"a;b & c|d > e #f *?",
];

const QUICK: [&str; 11] =
    ["train", "--from", "scratch", "--steps", "1", "--context", "8", "--batch", "2", "--device", "cpu"];

fn diarist(cwd: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1");
    command
}

fn sh(cwd: &Path, line: &str) -> Output {
    Command::new("sh").args(["-c", line]).current_dir(cwd).env("NODEVICE_SELECT", "1").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what is printed is text")
}

fn done(o: &Output, line: &str) {
    assert!(o.status.success(), "{line}: {}", String::from_utf8_lossy(&o.stderr));
}

fn journal(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for day in 1..=9 {
        let text = format!("Day {day}. Rain, then the dog and I walked to the mill. Soup.\n");
        std::fs::write(folder.join(format!("2021-03-0{day}.md")), text).unwrap();
    }
}

/// The lines of advice that are commands of ours.
fn commands(stderr: &str) -> Vec<String> {
    let ours = assert_cmd::cargo::cargo_bin("diarist").display().to_string();
    stderr.lines().filter_map(|line| Some(line[line.find(&ours)?..].to_string())).collect()
}

#[test]
fn a_folder_of_any_name_is_a_word_of_every_command() {
    for bytes in NAMES {
        let tmp = tempfile::tempdir().unwrap();
        let (cwd, name) = (tmp.path(), OsStr::from_bytes(bytes));
        journal(&cwd.join(name));
        let train = || diarist(cwd).args(QUICK).arg("--").arg(name).output().unwrap();
        let o = train();
        done(&o, "train");
        let line = text(&o.stdout);
        done(&sh(cwd, &format!("{} --max-tokens 2 --device cpu", line.trim_end())), &line);

        // The place is taken: another one, or the run that is there.
        let out = Path::new("checkpoints").join(name);
        let again =
            |out: &Path| diarist(cwd).args(QUICK).arg("--out").arg(out).arg("--").arg(name).output().unwrap();
        let refused = text(&again(&out).stderr);
        let resume = commands(&refused);
        assert_eq!(resume.len(), 1, "{refused}");
        done(&sh(cwd, &resume[0]), &resume[0]);
        let flag = refused.lines().find_map(|line| line.split_once("another place: ")).unwrap().1;
        let quoted = diarist::base::shell::path(name);
        let line = format!(
            "{} {} {quoted} {flag}",
            commands(&line)[0].split(" sample").next().unwrap(),
            QUICK.join(" ")
        );
        done(&sh(cwd, &line), &line);

        // Among the journals: a place that is outside.
        let inside = text(&again(&Path::new(".").join(name).join("run")).stderr);
        assert!(inside.contains("another place, such as "), "{inside}");

        // A run that is gone: those that are there.
        let gone = diarist(cwd).args(["train", "--resume", "checkpoints/gone"]).output().unwrap();
        let gone = text(&gone.stderr);
        let named = gone.trim_end().split_once("the newest first: ").unwrap().1;
        done(&sh(cwd, &format!("ls -d {named}")), named);
    }
}

#[test]
fn the_command_that_makes_a_file_readable_finds_it() {
    for bytes in NAMES {
        let tmp = tempfile::tempdir().unwrap();
        let (cwd, name) = (tmp.path(), OsStr::from_bytes(bytes));
        journal(&cwd.join("notes"));
        let mut letter = name.to_os_string();
        letter.push(".wpd");
        std::fs::write(cwd.join("notes").join(&letter), b"\xffWPC").unwrap();
        // A program that looks whether what it is given is there.
        let office = "#!/bin/sh\n[ $# = 6 ] && [ -d \"$5\" ] && [ -f \"$6\" ]\n";
        std::fs::write(cwd.join("soffice"), office).unwrap();
        let o = diarist(cwd).args(["corpus", "--list", "notes"]).output().unwrap();
        let told = text(&o.stderr);
        let (_, line) = told
            .lines()
            .find_map(|line| line.split_once("with LibreOffice: "))
            .unwrap_or_else(|| panic!("{told}"));
        let line = line.replacen("soffice", "sh ./soffice", 1);
        done(&sh(cwd, &line), &line);
    }
}

#[test]
fn a_smaller_rate_is_a_command_that_begins() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(&cwd.join("my notes"));
    let mut command = diarist(cwd);
    let o = command
        .args(QUICK)
        .args(["--preset", "tiny", "--lr", "1e30", "--warmup", "0", "my notes"])
        .output()
        .unwrap();
    let told = text(&o.stderr);
    let line = commands(&told).pop().unwrap_or_else(|| panic!("{told}"));
    let o = sh(cwd, &line.replace("2.5e29", "1e-4"));
    assert!(line.contains("2.5e29"), "{line}");
    done(&o, &line);
}

/// The memory of a shell that has `mib` for tensors.
#[cfg(target_os = "linux")]
fn limited(mib: u64) -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    format!("ulimit -v {}; ", ((threads + 2) * 128 + 32 + 200 + mib) << 10)
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_said_and_what_is_offered_runs() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(&cwd.join("my notes"));
    let ours = assert_cmd::cargo::cargo_bin("diarist").display().to_string();
    let train = "train --from scratch --steps 1 --context 32 --batch 512 --device cpu 'my notes'";
    let o = sh(cwd, &format!("{}{ours} {train}", limited(300)));
    let told = text(&o.stderr);
    assert_eq!(o.status.code(), Some(1), "{told}");
    assert!(
        told.contains("GiB of memory, and this shell (its ulimit) has") || told.contains("MiB of memory"),
        "{told}"
    );
    let offers = commands(&told);
    assert!(!offers.is_empty(), "{told}");
    for (i, line) in offers.iter().enumerate() {
        let out =
            format!("{}{line} --out {}", limited(300), diarist::base::shell::path(cwd.join(i.to_string())));
        done(&sh(cwd, &out), &out);
    }
    // The run goes on where there is less, in smaller pieces.
    let run = cwd.join("0");
    let resume = format!(
        "{ours} train --resume {} --steps 2 --batch 512 --device cpu",
        diarist::base::shell::path(&run)
    );
    let o = sh(cwd, &format!("{}{resume}", limited(300)));
    let told = text(&o.stderr);
    let line = commands(&told).pop().unwrap_or_else(|| panic!("{told}"));
    done(&sh(cwd, &format!("{}{line}", limited(300))), &line);

    // Nothing fits (the addresses that the program itself has are counted too): no command, and no abort either.
    for command in ["sample", "eval --text 'my notes/2021-03-01.md'"] {
        let line =
            format!("ulimit -v 560000; {ours} {command} --device cpu {}", diarist::base::shell::path(&run));
        let o = sh(cwd, &line);
        assert_eq!(o.status.code(), Some(1), "{line}: {}", text(&o.stderr));
        assert!(text(&o.stderr).contains("of memory, and this shell"), "{}", text(&o.stderr));
    }
}
