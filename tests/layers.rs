//! Holds the rooms' order (the first two of the five rules): a module names only rooms of a strictly lower number, or
//! its own, and `wgpu` is named only under `src/device/`. Every file is parsed; `use` trees, inline paths, attributes
//! and macro bodies are read. Doc comments may point anywhere: a link is no import.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};

/// The table of the rooms, as the map of the house has it. `main.rs` and `lib.rs` stand above all.
const ROOMS: [(&str, u32); 16] = [
    ("base", 0),
    ("journal", 1),
    ("tokens", 1),
    ("device", 1),
    ("weights", 2),
    ("dataset", 2),
    ("ops", 2),
    ("model", 3),
    ("optim", 3),
    ("run", 4),
    ("sample", 4),
    ("eval", 5),
    ("check", 5),
    ("train", 6),
    ("serve", 7),
    ("cli", 8),
];

fn number(room: &str) -> Option<u32> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, n)| *n)
}

/// Sources by path, `src/ops/mod.rs`.
type Sources = BTreeMap<String, String>;

/// Every breach, a line each: `src/ops/bias.rs:3: …`.
fn breaches(sources: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    let mut reached = BTreeSet::new();
    let root = |file: &str| File { path: file.to_string(), module: Vec::new(), owns_folder: true };
    let mut queue = vec![root("src/lib.rs"), root("src/main.rs")];
    while let Some(file) = queue.pop() {
        let Some(text) = sources.get(&file.path) else {
            found.push(format!("{}: no such file", file.path));
            continue;
        };
        reached.insert(file.path.clone());
        match syn::parse_file(text) {
            Err(e) => found.push(format!("{}: {e}", file.path)),
            Ok(parsed) => {
                let mut reader = Reader {
                    sources,
                    text,
                    module: file.module.clone(),
                    file,
                    out: &mut found,
                    queue: &mut queue,
                };
                reader.visit_file(&parsed);
            }
        }
    }
    let unread = sources.keys().filter(|path| !reached.contains(*path));
    found.extend(
        unread.map(|path| format!("{path}: no module declares this file, so nothing holds it to the order")),
    );
    found
}

/// A file and the module that it is.
#[derive(Clone)]
struct File {
    path: String,
    module: Vec<String>,
    /// Whether its child modules lie beside it (`mod.rs`) and not in a folder of its name.
    owns_folder: bool,
}

/// Reads one file.
struct Reader<'a> {
    sources: &'a Sources,
    text: &'a str,
    file: File,
    /// Where the visitor is: the file's module and the inline ones around.
    module: Vec<String>,
    out: &'a mut Vec<String>,
    queue: &'a mut Vec<File>,
}

impl Reader<'_> {
    fn breach(&mut self, path: &[String], problem: String) {
        let line = self.line(path);
        self.out.push(format!("{}:{line}: {problem}", self.file.path));
    }

    /// About where a path stands: the first line with as much of its end as one line has.
    fn line(&self, path: &[String]) -> usize {
        let named: Vec<&str> = path.iter().map(String::as_str).filter(|s| *s != "*").collect();
        (0..named.len())
            .filter_map(|skip| {
                let end = named[skip..].join("::");
                self.text.lines().position(|l| l.contains(&end) && !l.trim_start().starts_with("//"))
            })
            .next()
            .map_or(1, |i| i + 1)
    }

    /// A path that the file names, relative to the module around.
    fn names(&mut self, path: &[String]) {
        let path: Vec<String> = path.iter().map(|s| s.trim_start_matches("r#").to_string()).collect();
        let Some(first) = path.first() else { return };
        if first == "wgpu" && self.file.module.first().is_none_or(|room| room != "device") {
            self.breach(&path, "wgpu is named outside src/device/".to_string());
        }
        let supers = path.iter().take_while(|s| *s == "super").count();
        let rest = path[supers..].to_vec();
        let resolved: Vec<String> = match first.as_str() {
            // main.rs is a crate of its own: its `crate` has no rooms, and it stands above all of ours.
            _ if self.file.path == "src/main.rs" && first != "diarist" => return,
            "crate" | "diarist" => path[1..].to_vec(),
            "self" => {
                let supers = path[1..].iter().take_while(|s| *s == "super").count();
                self.above(supers).into_iter().chain(path[1 + supers..].iter().cloned()).collect()
            }
            "super" => self.above(supers).into_iter().chain(rest).collect(),
            _ => return,
        };
        self.reaches(&path, &resolved);
    }

    fn above(&self, levels: usize) -> Vec<String> {
        self.module[..self.module.len().saturating_sub(levels)].to_vec()
    }

    /// Judges an absolute path, without its `crate`.
    fn reaches(&mut self, path: &[String], resolved: &[String]) {
        let shown = path.join("::");
        let own = self.module.first().cloned();
        let Some(own_number) = own.as_deref().map_or(Some(u32::MAX), number) else { return };
        let own = own.unwrap_or_else(|| "the top".to_string());
        match resolved.first().map(String::as_str) {
            None | Some("*" | "self") if own_number == u32::MAX => {}
            None | Some("*" | "self") => {
                self.breach(
                    path,
                    format!("{own} names the crate's root ({shown}), which hides the room it means"),
                );
            }
            Some(room) if room == own => {}
            Some(room) => match number(room) {
                None => self.breach(path, format!("{own} names {shown}, and {room} is no room of the table")),
                Some(n) if n >= own_number => {
                    self.breach(path, format!("{own} ({own_number}) names {shown}, and {room} is room {n}"));
                }
                Some(_) => {}
            },
        }
    }

    fn use_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(p) => self.use_tree(&with(&p.ident), &p.tree),
            syn::UseTree::Group(g) => g.items.iter().for_each(|item| self.use_tree(prefix, item)),
            syn::UseTree::Glob(_) => self.names(&[prefix, &["*".to_string()]].concat()),
            // `{self}` at a group's end means the group's own path.
            syn::UseTree::Name(n) if n.ident == "self" && !prefix.is_empty() => self.names(prefix),
            syn::UseTree::Rename(r) if r.ident == "self" && !prefix.is_empty() => self.names(prefix),
            syn::UseTree::Name(n) => self.names(&with(&n.ident)),
            syn::UseTree::Rename(r) => self.names(&with(&r.ident)),
        }
    }

    /// Paths among tokens that are not parsed: a macro's input, a macro's body, an attribute's list. `prefix` is what
    /// stands before a brace: `crate::{…}`.
    fn tokens(&mut self, mut at: Cursor, prefix: &[String], strings: bool) {
        let mut starts_item = !prefix.is_empty();
        while !at.eof() {
            if let Some((ident, mut rest)) = at.ident() {
                let mut path = if starts_item { prefix.to_vec() } else { Vec::new() };
                path.push(ident.to_string());
                starts_item = false;
                while let Some(next) = after_colons(rest) {
                    rest = next;
                    if let Some((ident, next)) = rest.ident() {
                        path.push(ident.to_string());
                        rest = next;
                    } else {
                        if let Some((inside, _, _, next)) = rest.any_group() {
                            self.tokens(inside, &path, strings);
                            rest = next;
                        } else if rest.punct().is_some_and(|(p, _)| p.as_char() == '*') {
                            path.push("*".to_string());
                        }
                        break;
                    }
                }
                // One word alone is `self`, `pub(crate)` or a variable.
                if path.len() > 1 {
                    self.names(&path);
                }
                at = rest;
            } else if let Some((inside, _, _, rest)) = at.any_group() {
                self.tokens(inside, &[], strings);
                at = rest;
            } else if let Some((literal, rest)) = at.literal() {
                // #[serde(with = "crate::…")]
                if let (true, Ok(path)) =
                    (strings, syn::parse_str::<syn::Path>(literal.to_string().trim_matches('"')))
                {
                    self.visit_path(&path);
                }
                at = rest;
            } else if let Some((punct, rest)) = at.punct() {
                starts_item = punct.as_char() == ',' && !prefix.is_empty();
                at = rest;
            } else if let Some((_, rest)) = at.token_tree() {
                at = rest;
            }
        }
    }

    /// Queues the file of `mod name;`.
    fn child(&mut self, name: &str, path: Option<String>) {
        let parent = Path::new(&self.file.path);
        let folder = parent.parent().expect("sources lie under src/");
        let owned = if self.file.owns_folder { folder.to_path_buf() } else { parent.with_extension("") };
        let inline = &self.module[self.file.module.len()..];
        let owned = inline.iter().fold(owned, |folder, m| folder.join(m));
        let module: Vec<String> = self.module.iter().cloned().chain([name.to_string()]).collect();
        let text = |p: &Path| p.to_string_lossy().into_owned();
        let (beside, within) =
            (text(&owned.join(format!("{name}.rs"))), text(&owned.join(name).join("mod.rs")));
        let file = match path {
            Some(path) => File { path: text(&folder.join(path)), module, owns_folder: true },
            None if self.sources.contains_key(&within) => File { path: within, module, owns_folder: true },
            None => File { path: beside, module, owns_folder: false },
        };
        self.queue.push(file);
    }
}

/// What follows `::`.
fn after_colons(at: Cursor) -> Option<Cursor> {
    let (first, rest) = at.punct()?;
    let (second, rest) = rest.punct()?;
    (first.as_char() == ':' && second.as_char() == ':').then_some(rest)
}

/// The value of `#[path = "…"]`.
fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|a| match &a.meta {
        syn::Meta::NameValue(syn::MetaNameValue {
            path,
            value: syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(s), .. }),
            ..
        }) if path.is_ident("path") => Some(s.value()),
        _ => None,
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        if self.module.is_empty() && self.file.path == "src/lib.rs" && number(&name).is_none() {
            self.breach(std::slice::from_ref(&name), format!("{name} is no room of the table"));
        }
        if item.content.is_none() {
            self.child(&name, path_attribute(&item.attrs));
        }
        self.module.push(name);
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&[], &item.tree);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.names(&[item.ident.to_string()]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        // `self` alone is a value, and one word that is no keyword a name in scope.
        if segments.len() > 1 {
            self.names(&segments);
        }
        visit::visit_path(self, path);
    }

    // `pub(in crate::…)` can only name a module around.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_macro(&mut self, m: &'ast syn::Macro) {
        self.tokens(TokenBuffer::new2(m.tokens.clone()).begin(), &[], false);
        visit::visit_macro(self, m);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.tokens(TokenBuffer::new2(list.tokens.clone()).begin(), &[], true);
        visit::visit_meta_list(self, list);
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        if let syn::Item::Verbatim(tokens) = item {
            self.tokens(TokenBuffer::new2(tokens.clone()).begin(), &[], false);
        }
        visit::visit_item(self, item);
    }

    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        if let syn::Expr::Verbatim(tokens) = expr {
            self.tokens(TokenBuffer::new2(tokens.clone()).begin(), &[], false);
        }
        visit::visit_expr(self, expr);
    }
}

#[test]
fn every_module_names_only_lower_rooms() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Sources::new();
    for entry in walkdir::WalkDir::new(home.join("src")) {
        let entry = entry.unwrap();
        if entry.path().extension().is_some_and(|e| e == "rs") {
            let path = entry.path().strip_prefix(home).unwrap().to_string_lossy().replace('\\', "/");
            sources.insert(path, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
    assert!(sources.len() > 50, "only {} files under src/", sources.len());
    let found = breaches(&sources);
    assert!(found.is_empty(), "{} breaches of the rooms' order:\n{}", found.len(), found.join("\n"));
}

/// A little house with these files beside `main.rs`; `lib.rs` declares the rooms that have one.
fn house(files: &[(&str, &str)]) -> Vec<String> {
    let mut sources: Sources =
        files.iter().map(|(path, text)| (format!("src/{path}"), text.to_string())).collect();
    let rooms = files.iter().filter_map(|(path, _)| path.strip_suffix("/mod.rs"));
    let declared: String = rooms.filter(|r| !r.contains('/')).map(|r| format!("pub mod {r};\n")).collect();
    sources.entry("src/lib.rs".into()).or_insert(declared);
    sources.entry("src/main.rs".into()).or_insert("fn main() { diarist::cli::main() }".into());
    breaches(&sources)
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
    assert_eq!(found, ["src/lib.rs:1: attic is no room of the table"]);
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
