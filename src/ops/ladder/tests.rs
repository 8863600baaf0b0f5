use super::{ATTENTION, Factors, MATMUL, Packed, attention, matmul};
use crate::device::{Choices, Class, Kind, Limits, Recorder, Recording};

const README: &str = include_str!("../../../shaders/README.md");

/// Each rung's name, files and lesson, and what it records: of both ladders, at sizes that are whole tiles of a head of 64.
fn recorded() -> Vec<([&'static str; 3], Recording)> {
    let recorder = || Recorder::new("ladder", Limits::DEFAULT, &Choices::of(Class::Tiles, &Limits::DEFAULT));
    let products = MATMUL.iter().map(|rung| {
        let mut rec = recorder();
        let [a, b] = ["a", "b"].map(|name| rec.kept(name, Kind::Input, &[64, 64]));
        rung.record(&mut rec, Factors { a, b });
        ([rung.name, rung.file, rung.lesson], rec.finish().unwrap())
    });
    let attentions = ATTENTION.iter().map(|rung| {
        let mut rec = recorder();
        let qkv = rec.kept("qkv", Kind::Input, &[2 * 32, 3 * 3 * 64]);
        rung.record(&mut rec, Packed { qkv, t: 32, nh: 3 });
        ([rung.name, rung.file, rung.lesson], rec.finish().unwrap())
    });
    products.chain(attentions).collect()
}

#[test]
fn a_rung_is_its_file_as_it_stands() {
    for ([name, file, _], recording) in recorded() {
        assert!(!recording.dispatches.is_empty(), "{name}");
        for d in &recording.dispatches {
            assert!(file.split(' ').any(|f| f == d.kernel.file), "{name}: {}", d.kernel.file);
            assert!(d.label.starts_with(&format!("{name}.")), "{name}: {}", d.label);
            if let Some(stem) = file.strip_prefix("ladder/") {
                assert_eq!(stem, format!("{name}.wgsl"));
                // The constants on disk are those that are built in: what a reader reads is what runs.
                assert_eq!(d.kernel.wgsl(&d.consts).unwrap(), d.kernel.source, "{name}");
            }
        }
    }
}

#[test]
fn a_rung_counts_what_its_ladder_counts() {
    for ([name, ..], recording) in recorded() {
        let (least, inputs) = if name.starts_with("matmul") {
            (matmul::flops([64, 64, 64]), 3 * 64 * 64)
        } else {
            (attention::flops([2, 32, 3, 64]), 4 * 2 * 32 * 3 * 64)
        };
        // The first lesson of attention counts its softmax too, 5 operations a pair, and what it keeps of every pair.
        let pairs = if name == "attention_1_naive" { 2 * 3 * 32 * 33 / 2 } else { 0 };
        assert_eq!(recording.flops(), least + 5 * pairs, "{name}");
        let kept = if pairs > 0 { 4 * 2 * 3 * 32 * 32 + 8 * pairs + 4 * pairs } else { 0 };
        // The op keeps each query's log-sum-exp, and reads where its text begins.
        let more = if name == "attention_forward" { 4 * 2 * 3 * 32 + 4 * 2 * 32 } else { 0 };
        assert_eq!(recording.bytes(), 4 * inputs + kept + more, "{name}");
    }
}

#[test]
fn the_readme_has_every_rung() {
    for ([name, file, lesson], _) in recorded() {
        let files: Vec<String> = file.split(' ').map(|f| format!("`{f}`")).collect();
        let row = format!("| {} | {lesson} |", files.join(", "));
        assert!(README.contains(&row), "{name}: shaders/README.md has no row that begins {row}");
    }
    let (_, after) = README.split_once("<!-- ladder -->").unwrap();
    assert!(after.contains("<!-- /ladder -->"));
}
