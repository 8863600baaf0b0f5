//! Holds the house to its first two rules: a module names only what stands below it, and wgpu stays in `device`. Every
//! file of `src` is parsed.

mod circles;
mod house;
mod order;
mod reader;
mod tables;
mod wgpu;

use std::path::Path;
use std::sync::OnceLock;

use reader::{House, Sources};

/// All that is under `src/`.
fn sources() -> &'static Sources {
    static SOURCES: OnceLock<Sources> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files =
            walkdir::WalkDir::new(home.join("src")).into_iter().map(|entry| entry.unwrap().into_path());
        let sources = files.filter(|path| path.extension().is_some_and(|e| e == "rs")).map(|path| {
            let name = path.strip_prefix(home).unwrap().to_string_lossy().replace('\\', "/");
            (name, std::fs::read_to_string(&path).unwrap())
        });
        sources.collect()
    })
}

fn read() -> House {
    assert!(sources().len() > 50, "only {} files under src/", sources().len());
    reader::read(sources())
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{} {what}:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_file_is_read() {
    assert_none("problems", &read().problems);
}

#[test]
fn every_module_names_only_lower_rooms() {
    assert_none("breaches of the rooms' order", &order::of_rooms(&read()));
}

#[test]
fn every_part_of_journal_names_only_lower_parts() {
    assert_none("breaches of journal's order", &order::of_journal(&read()));
}

#[test]
fn wgpu_stays_in_device() {
    assert_none("places where wgpu leaks", &wgpu::breaches(&read(), |path| sources()[path].clone()));
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    assert_none("circles", &circles::circles(&read()));
}
