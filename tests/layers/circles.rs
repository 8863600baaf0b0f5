//! Circles of files: a file that names one that, step by step, names it again. Tests are aside.
//!
//! A file names the file of every module that a path of it leads to, and of the item where a module hands that on. A
//! declaration `mod x;` is no naming, nor is `pub use x::Item` of a child as long as the file has no use of it itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::reader::{House, Module, Named};

/// The shortest circle of every knot of files, in words.
pub fn circles(house: &House) -> Vec<String> {
    let graph = Graph::new(house);
    let mut known = BTreeSet::new();
    let mut found: Vec<Vec<&str>> = graph.names.keys().filter_map(|file| graph.back_to(file)).collect();
    found.sort_by_key(Vec::len);
    found.retain(|circle| {
        let knot = graph.knot(circle[0]);
        known.insert(knot)
    });
    found.iter().map(|circle| graph.words(circle)).collect()
}

/// Who names whom, and where first.
struct Graph<'a> {
    names: BTreeMap<&'a str, BTreeMap<&'a str, &'a Named>>,
}

impl<'a> Graph<'a> {
    fn new(house: &'a House) -> Graph<'a> {
        let imports = Imports::new(house);
        let mut names: BTreeMap<&str, BTreeMap<&str, &Named>> = BTreeMap::new();
        for named in house.named.iter().filter(|named| !named.test) {
            if handed_on(house, &imports, named) {
                continue;
            }
            for file in imports.files(named) {
                if file != named.file {
                    names.entry(&named.file).or_default().entry(file).or_insert(named);
                }
            }
        }
        Graph { names }
    }

    /// The shortest way from a file back to it, without its end.
    fn back_to(&self, file: &'a str) -> Option<Vec<&'a str>> {
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([file]);
        while let Some(at) = queue.pop_front() {
            for &next in self.names.get(at).into_iter().flat_map(BTreeMap::keys) {
                if next == file {
                    let mut way = vec![at];
                    while way[way.len() - 1] != file {
                        way.push(from[way[way.len() - 1]]);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !from.contains_key(next) {
                    from.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    fn reached(&self, file: &'a str) -> BTreeSet<&'a str> {
        let (mut all, mut queue) = (BTreeSet::new(), vec![file]);
        while let Some(at) = queue.pop() {
            queue.extend(self.names.get(at).into_iter().flat_map(BTreeMap::keys).filter(|f| all.insert(**f)));
        }
        all
    }

    /// The files that name a file in the end and that it names.
    fn knot(&self, file: &'a str) -> BTreeSet<&'a str> {
        self.reached(file).into_iter().filter(|other| self.reached(other).contains(file)).collect()
    }

    fn words(&self, circle: &[&str]) -> String {
        let next = |i: usize| circle[(i + 1) % circle.len()];
        let step = |(i, file): (usize, &&str)| {
            let named = self.names[file][next(i)];
            format!("{} names {} ({})", named.at(), next(i), named.shown())
        };
        let steps: Vec<String> = circle.iter().enumerate().map(step).collect();
        let others = self.knot(circle[0]).len() - circle.len();
        let more = if others > 0 { format!("; {others} more files are in this knot") } else { String::new() };
        format!("a circle: {}{more}", steps.join(", and "))
    }
}

/// Whether a path is a `pub use` of something in a child, which the module itself has no use for.
fn handed_on(house: &House, imports: &Imports, named: &Named) -> bool {
    let Some(import) = named.import.as_ref().filter(|import| import.public) else { return false };
    let below = |path: &[String]| path.len() > named.module.len() && path.starts_with(&named.module);
    imports.resolve(named).is_some_and(|path| below(&path))
        && import.name != "*"
        && !house.words.contains(&(named.module.clone(), import.name.clone()))
}

/// The names that `use` brings into modules.
struct Imports<'a> {
    house: &'a House,
    brought: BTreeMap<(&'a Module, &'a str), &'a Named>,
}

impl<'a> Imports<'a> {
    fn new(house: &'a House) -> Imports<'a> {
        let of = |named: &'a Named| Some(((&named.module, named.import.as_ref()?.name.as_str()), named));
        Imports { house, brought: house.named.iter().filter(|named| !named.test).filter_map(of).collect() }
    }

    /// A path from the crate's root, as far as its first word tells; none for other crates and local names.
    fn resolve(&self, named: &Named) -> Option<Vec<String>> {
        let (module, path) = (&named.module, &named.path);
        if let Some(path) = named.rooted() {
            return Some(path);
        }
        let child = [&module[..], &path[..1]].concat();
        if named.file != "src/main.rs" && self.house.modules.contains_key(&child) {
            return Some([&module[..], path].concat());
        }
        // `use crate::device;` and then `device::cpu::Cpu`.
        let brought = self.brought.get(&(module, path[0].as_str()))?;
        let same = std::ptr::eq(*brought, named) || brought.path == *path;
        let start = brought.rooted().filter(|_| !same)?;
        Some([&start[..], &path[1..]].concat())
    }

    /// The files that a path leads to: its module's, and its item's where the module only hands that on.
    fn files(&self, named: &Named) -> Vec<&'a str> {
        let mut files = Vec::new();
        let Some(mut path) = self.resolve(named) else { return files };
        // A name may be handed on more than once; in circles never.
        for _ in 0..16 {
            let known = (0..=path.len()).rev().find(|n| self.house.modules.contains_key(&path[..*n]));
            let Some(n) = known else { break };
            let Some((module, file)) = self.house.modules.get_key_value(&path[..n]) else { break };
            files.push(file.as_str());
            let Some(item) = path.get(n) else { break };
            let Some(next) = self.brought.get(&(module, item.as_str())) else { break };
            let Some(start) = self.resolve(next) else { break };
            path = [&start[..], &path[n + 1..]].concat();
        }
        files
    }
}
