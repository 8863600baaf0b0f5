//! Little houses with one fault each, and some without: the rules' own tests.

use crate::reader::{self, Sources};
use crate::{circles, order, wgpu};

/// A little house with these files beside `main.rs`; `lib.rs` declares the rooms that have one.
fn build(files: &[(&str, &str)]) -> Sources {
    let mut sources: Sources =
        files.iter().map(|(path, text)| (format!("src/{path}"), text.to_string())).collect();
    let rooms = files.iter().filter_map(|(path, _)| path.strip_suffix("/mod.rs"));
    let declared: String = rooms.filter(|r| !r.contains('/')).map(|r| format!("pub mod {r};\n")).collect();
    sources.entry("src/lib.rs".into()).or_insert(declared);
    sources.entry("src/main.rs".into()).or_insert("fn main() { diarist::cli::main() }".into());
    sources
}

/// What rooms and wgpu have to say of a little house.
fn house(files: &[(&str, &str)]) -> Vec<String> {
    let sources = build(files);
    let house = reader::read(&sources);
    let found =
        [house.problems.clone(), order::of_rooms(&house), wgpu::breaches(&house, |p| sources[p].clone())];
    found.concat()
}

/// The breaches of journal's order.
fn of_journal(files: &[(&str, &str)]) -> Vec<String> {
    order::of_journal(&reader::read(&build(files)))
}

/// The circles of files.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    circles::circles(&reader::read(&build(files)))
}

/// The one breach of a house with `text` in `src/ops/mod.rs`.
fn of_ops(text: &str) -> String {
    let found = house(&[("ops/mod.rs", text)]);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found[0].clone()
}

#[test]
fn what_the_order_allows_is_no_breach() {
    let ops = "
        //! See crate::train for who calls this.
        pub mod bias;
        use crate::base::{self, Error};
        use crate::device::Kernel as K;
        use rayon::prelude::*;
        pub(crate) fn f(x: crate::ops::bias::Bias) -> Result<(), Error> { g!(crate::base::rng); self.h(x.train) }
        #[cfg(test)] mod tests { use super::*; use super::super::ops::bias::Bias; }";
    let bias =
        "use super::f; pub struct Bias; impl Bias { fn train(&self) { crate::device::go::<super::Bias>() } }";
    let device = "use wgpu::Device; fn limits() -> wgpu::Limits { x!(wgpu::Limits) }";
    let files = [("ops/mod.rs", ops), ("ops/bias.rs", bias), ("device/mod.rs", device), ("base/mod.rs", "")];
    assert_eq!(house(&files), Vec::<String>::new());
}

#[test]
fn a_breach_by_use_is_found() {
    assert_eq!(
        of_ops("\nuse crate::train::Train;"),
        "src/ops/mod.rs:2: ops (2) names crate::train::Train, and train is room 6"
    );
    for text in [
        "use crate::{base::Error, model::Shape};",
        "use crate::model;",
        "use crate::model::{self};",
        "pub use crate::model as m;",
        "use crate::model::*;",
        "fn f() { use crate::model::Shape; }",
        "use super::model::Shape;",
        "use self::super::model::Shape;",
    ] {
        assert!(of_ops(text).contains("model is room 3"), "{text}");
    }
    // The same number is not lower.
    assert!(of_ops("use crate::weights::Reader;").contains("weights is room 2"));
    for text in ["use crate::*;", "use crate as c;", "use crate::{self as c};", "use super::*;"] {
        assert!(of_ops(text).contains("the crate's root"), "{text}");
    }
}

#[test]
fn a_breach_by_inline_path_is_found() {
    for text in [
        "fn f(x: crate::model::Shape) {}",
        "fn f() -> u32 { crate::model::gpt2::f::<u32>() }",
        "impl From<crate::model::Shape> for X {}",
        "const X: u32 = super::model::X;",
        "macro_rules! m { () => { $crate::model::f() } }",
        "fn f() { println!(\"{}\", crate::model::NAME); }",
        "fn f() { go!([a, (crate::{base::X, model::Y})]); }",
        "#[derive(Serialize)] struct X { #[serde(with = \"crate::model::units\")] x: u32 }",
    ] {
        assert!(of_ops(text).contains("model is room 3"), "{text}");
    }
}

#[test]
fn a_breach_by_super_super_is_found() {
    let bias = "fn f() { super::super::model::f() }";
    let files = [("ops/mod.rs", "mod bias;"), ("ops/bias.rs", bias)];
    let found = house(&files);
    assert_eq!(found, ["src/ops/bias.rs:1: ops (2) names super::super::model::f, and model is room 3"]);
    // An inline module is a level, and so is a file that #[path] names.
    let tests = "#[cfg(test)] #[path = \"bias_tests.rs\"] mod tests;";
    let inner = "mod a { use super::super::super::super::model::f; }";
    let found = house(&[("ops/mod.rs", "mod bias;"), ("ops/bias.rs", tests), ("ops/bias_tests.rs", inner)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("model is room 3"), "{found:?}");
}

#[test]
fn unknown_rooms_and_unread_files_are_found() {
    let found = house(&[("attic/mod.rs", "")]);
    assert_eq!(found, ["src/attic/mod.rs: attic is no room of the table"]);
    assert!(of_ops("use crate::attic::Trunk;").contains("attic is no room"));
    let found = house(&[("ops/mod.rs", ""), ("ops/forgotten.rs", "")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("src/ops/forgotten.rs: no module declares this file"));
    assert!(house(&[("main.rs", "fn main() { diarist::attic::main() }")])[0].contains("attic is no room"));
    assert!(house(&[("ops/mod.rs", "mod lost;")])[0].contains("src/ops/lost.rs: no such file"));
}

#[test]
fn wgpu_outside_device_is_found() {
    for text in [
        "use wgpu::Device;",
        "use ::wgpu as gpu;",
        "use wgpu;",
        "extern crate wgpu;",
        "fn f(x: wgpu::Limits) {}",
        "fn f() { println!(\"{}\", wgpu::VERSION); }",
        "#[cfg(test)] mod device { use wgpu::Limits; }",
    ] {
        assert!(of_ops(text).contains("wgpu is named outside src/device/"), "{text}");
    }
}

/// What is said of `text` in `src/device/adapter.rs`.
fn of_device(text: &str) -> Vec<String> {
    house(&[("device/mod.rs", "pub mod adapter;"), ("device/adapter.rs", text)])
}

#[test]
fn wgpus_types_leaking_are_found() {
    for text in [
        "pub struct G { pub info: wgpu::AdapterInfo }",
        "pub struct G { pub(crate) info: wgpu::AdapterInfo }",
        "pub struct G { pub(in crate) info: Vec<Option<wgpu::AdapterInfo>> }",
        "pub struct G(pub wgpu::Device);",
        "use wgpu::AdapterInfo; pub struct G { pub info: AdapterInfo }",
        "use wgpu::AdapterInfo as I; pub struct G { pub info: I }",
        "use wgpu::{self, AdapterInfo}; pub struct G { pub info: AdapterInfo }",
        "use wgpu as gpu; pub struct G { pub info: gpu::AdapterInfo }",
        "type A = wgpu::Adapter; type B = A; pub fn f(x: &B) {}",
        "pub type A = wgpu::Adapter;",
        "pub use wgpu::Adapter;",
        "pub use wgpu::{self};",
        "pub use wgpu::*;",
        "pub const F: wgpu::Features = wgpu::Features::empty();",
        "pub fn f() -> wgpu::Device { todo!() }",
        "pub fn f(x: impl Fn(&wgpu::Device)) {}",
        "pub fn f<T: Into<wgpu::Features>>(x: T) {}",
        "pub struct G; impl G { pub fn f(&self, x: &wgpu::Adapter) {} }",
        "pub struct G; impl G { pub(crate) fn f(&self) -> wgpu::Adapter { todo!() } }",
        "pub struct G; impl From<wgpu::Adapter> for G { fn from(_: u8) -> G { G } }",
        "pub struct G; impl std::ops::Deref for G { type Target = wgpu::Device; }",
        "pub trait T { fn f(&self) -> wgpu::Device; }",
        "pub trait T { type D: Into<wgpu::Device>; }",
        "pub enum E { A(wgpu::Device) }",
        "pub enum E { A { x: wgpu::Device } }",
        "pub mod inner { pub fn f(x: wgpu::Device) {} }",
        "#[macro_export] macro_rules! m { () => { wgpu::Device } }",
    ] {
        let found = of_device(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains("src/device/adapter.rs"), "{text}: {found:?}");
    }
    // From the room's root `super` is the crate.
    assert_eq!(house(&[("device/mod.rs", "pub(super) fn f(x: wgpu::Device) {}")]).len(), 1);
}

#[test]
fn wgpus_types_within_device_are_no_leak() {
    for text in [
        "pub struct G { info: wgpu::AdapterInfo, pub(super) device: wgpu::Device }",
        "pub(super) struct P { pub pipeline: wgpu::ComputePipeline } impl P { pub fn f(x: wgpu::Device) {} }",
        "pub struct G; impl G { pub(super) fn f(x: &wgpu::Adapter) {} fn g() -> wgpu::Device { todo!() } }",
        "pub struct G; impl G { pub fn f(&self) -> u32 { let x: wgpu::Device = todo!(); wgpu::LIMIT } }",
        "pub(in crate::device) fn f(x: wgpu::Device) {}",
        "pub(self) fn f(x: wgpu::Device) {} pub const N: u32 = wgpu::N;",
        "struct Own; impl From<wgpu::Error> for Own { fn from(_: wgpu::Error) -> Own { Own } }",
        "use wgpu::Device as D; fn f(x: D) {} pub fn g(x: u32) {}",
        "pub(super) use wgpu::Device;",
        "#[cfg(test)] mod tests { pub fn f(x: wgpu::Device) {} }",
    ] {
        assert_eq!(of_device(text), Vec::<String>::new(), "{text}");
    }
}

const JOURNAL: &str =
    "pub mod dates; pub mod text; pub mod entry; pub use entry::Entry; fn f() { dates::g() }";

#[test]
fn a_breach_of_journals_order_is_found() {
    let files = |dates: &'static str| {
        let mut files = vec![("journal/mod.rs", JOURNAL), ("journal/dates.rs", dates)];
        files.extend([("journal/text/mod.rs", "pub mod html;"), ("journal/text/html.rs", "")]);
        files.push(("journal/entry.rs", "pub struct Entry;"));
        of_journal(&files)
    };
    for allowed in [
        "use crate::journal::entry::Entry; use crate::base::Error; use super::super::base::Error as E;",
        "use super::entry::{self, Entry}; fn f() { super::dates::f(); crate::journal::dates::f() }",
        "mod inner { use super::super::entry::Entry; use super::*; }",
        "#[cfg(test)] mod tests { use crate::journal::Entry; use crate::journal::text::html; }",
    ] {
        assert_eq!(files(allowed), Vec::<String>::new(), "{allowed}");
    }
    assert_eq!(
        files("\nuse crate::journal::text::html;"),
        ["src/journal/dates.rs:2: dates (1) names crate::journal::text::html, and text is part 1"]
    );
    for (breach, said) in [
        ("use super::text::html;", "text is part 1"),
        ("fn f() { super::gather::g() }", "gather is part 7"),
        ("use crate::journal::Entry;", "through journal's root, which hides the part it means"),
        ("use super::Entry;", "through journal's root"),
        ("fn f(x: super::Entry) {}", "through journal's root"),
        ("use super::*;", "dates names journal's root (super::*)"),
        ("use crate::journal;", "dates names journal's root"),
        ("use crate::journal::{self as j};", "dates names journal's root"),
    ] {
        let found = files(breach);
        assert_eq!(found.len(), 1, "{breach}: {found:?}");
        assert!(found[0].contains(said), "{breach}: {found:?}");
    }
    // From deeper down, and a child that the table does not have.
    let files = [
        ("journal/mod.rs", "mod text; mod loft; mod tests;"),
        ("journal/text/mod.rs", "mod html;"),
        (
            "journal/text/html.rs",
            "use super::super::loft::X; use super::super::formats::Y; use super::super::Z;",
        ),
        ("journal/loft.rs", ""),
        ("journal/tests.rs", "use super::*;"),
    ];
    let found = of_journal(&files);
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[0], "src/journal/loft.rs: loft is no part of the table");
    assert!(found[1].contains("loft is no part of the table"), "{found:?}");
    assert!(found[2].contains("formats is part 5"), "{found:?}");
    assert!(found[3].contains("through journal's root"), "{found:?}");
}

/// A house of `ops` alone, with the children `a`, `b` and `c`.
fn ops(root: &str, a: &str, b: &str, c: &str) -> Vec<String> {
    let root = format!("mod a; mod b; mod c; {root}");
    circles_of(&[("ops/mod.rs", &root), ("ops/a.rs", a), ("ops/b.rs", b), ("ops/c.rs", c)])
}

#[test]
fn a_circle_of_files_is_found() {
    assert_eq!(
        ops("", "\nuse super::b::B;", "pub struct B; fn f() { crate::ops::a::g() }", ""),
        ["a circle: src/ops/a.rs:2 names src/ops/b.rs (super::b::B), and src/ops/b.rs:1 names src/ops/a.rs \
             (crate::ops::a::g)"]
    );
    for (root, a, b, c) in [
        ("", "use super::b::B;", "use super::c::C;", "use super::a::A;"),
        ("", "use crate::ops::{b::{self as x}};", "fn f() { m!(super::a::g()) }", ""),
        // A child that names its parent, which has a use for the child.
        ("fn f() { a::g() }", "use super::f;", "", ""),
        ("use a::g;", "use super::*;", "", ""),
        ("use self::a::g;", "fn g() { super::f() }", "", ""),
        ("pub use a::A; fn f(x: A) {}", "use super::f;", "", ""),
        ("pub use a::*;", "use super::f;", "", ""),
        // Through a module that was brought here, and through a name that the parent hands on.
        ("", "use crate::ops; fn f() { ops::b::g() }", "use super::a;", ""),
        ("pub use b::B;", "pub struct A; fn f(x: super::B) {}", "pub struct B; use super::a::A;", ""),
        ("use b::B;", "use super::B;", "use super::c::C;", "fn f() { super::a::f() }"),
    ] {
        let found = ops(root, a, b, c);
        assert_eq!(found.len(), 1, "{root} {a} {b} {c}: {found:?}");
    }
    // Two knots, and the shortest of each.
    let found = circles_of(&[
        ("ops/mod.rs", "mod a; mod b; mod c;"),
        ("ops/a.rs", "use super::b;"),
        ("ops/b.rs", "use super::c; use super::a;"),
        ("ops/c.rs", "use super::a;"),
        ("eval/mod.rs", "mod a; fn f() { a::g() }"),
        ("eval/a.rs", "use super::f;"),
    ]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|f| f.contains("1 more files are in this knot")), "{found:?}");
}

#[test]
fn what_only_goes_down_is_no_circle() {
    for (root, a, b, c) in [
        ("", "use super::b::B;", "use super::c::C;", "use crate::base::Error;"),
        // Handing on is no use, and neither is a declaration.
        ("pub use a::A; pub(crate) use b::B;", "use super::N;", "use crate::ops::A;", ""),
        // Tests may name anything.
        ("fn f() { a::g() }", "#[cfg(test)] mod tests { use super::super::f; }", "", ""),
        ("fn f() { a::g() }", "#[cfg(all(test, unix))] use super::f;", "", ""),
        ("#[cfg(test)] fn f() { a::g() }", "use super::N;", "", ""),
        // An inline module is no file.
        ("mod inner { use super::f; } fn f() { inner::g() }", "", "", ""),
    ] {
        assert_eq!(ops(root, a, b, c), Vec::<String>::new(), "{root} {a} {b} {c}");
    }
    let tests = "use crate::ops::f;";
    let root = "mod a; #[cfg(test)] mod tests; pub fn f() { a::g() }";
    let a = "#[cfg(test)] #[path = \"a_tests.rs\"] mod tests;";
    let files = [("ops/mod.rs", root), ("ops/a.rs", a), ("ops/a_tests.rs", tests), ("ops/tests.rs", tests)];
    assert_eq!(circles_of(&files), Vec::<String>::new());
}
