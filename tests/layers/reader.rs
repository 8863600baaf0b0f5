//! Reads the crate: its modules and files, and every path that a file names. `use` trees, inline paths, attributes and
//! macro bodies are read. Doc comments may point anywhere: a link is no import.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};

/// Sources by path, `src/ops/mod.rs`.
pub type Sources = BTreeMap<String, String>;

/// A module's path from the crate's root, without `crate`.
pub type Module = Vec<String>;

/// A path that a file names.
pub struct Named {
    pub file: String,
    /// Where it stands: the file's module and the inline ones around.
    pub module: Module,
    /// As it is written.
    pub path: Vec<String>,
    pub line: usize,
    /// Whether it stands in a test.
    pub test: bool,
    /// Whether it is of a `use`.
    pub import: Option<Import>,
}

/// What a `use` brings.
pub struct Import {
    /// The name that it has here; `*` for all that is there.
    pub name: String,
    /// Whether it is handed on: `pub use`, `pub(super) use`.
    pub public: bool,
}

impl Named {
    pub fn at(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    pub fn shown(&self) -> String {
        self.path.join("::")
    }

    /// The path from the crate's root, where it is written with `crate`, `self` or `super`.
    pub fn rooted(&self) -> Option<Vec<String>> {
        let path = &self.path;
        let supers = |path: &[String]| path.iter().take_while(|s| *s == "super").count();
        let above = |levels: usize| self.module[..self.module.len().saturating_sub(levels)].to_vec();
        match path[0].as_str() {
            // main.rs is a crate of its own: its `crate` has no rooms.
            first if self.file == "src/main.rs" && first != "diarist" => None,
            "crate" | "diarist" => Some(path[1..].to_vec()),
            "self" => {
                let levels = supers(&path[1..]);
                Some([&above(levels)[..], &path[1 + levels..]].concat())
            }
            "super" => {
                let levels = supers(path);
                Some([&above(levels)[..], &path[levels..]].concat())
            }
            _ => None,
        }
    }
}

/// The crate as it was read.
#[derive(Default)]
pub struct House {
    /// Every file that a module declares, parsed, with its module.
    pub files: Vec<(File, syn::File)>,
    /// The file that a module lies in, tests aside; inline modules lie in the file around.
    pub modules: BTreeMap<Module, String>,
    pub named: Vec<Named>,
    /// Words in use by module, tests and the words of `use` aside.
    pub words: BTreeSet<(Module, String)>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// A file and the module that it is.
#[derive(Clone)]
pub struct File {
    pub path: String,
    pub module: Module,
    /// Whether its child modules lie beside it (`mod.rs`) and not in a folder of its name.
    owns_folder: bool,
    test: bool,
}

/// Reads the crate, from `src/lib.rs` and `src/main.rs`.
pub fn read(sources: &Sources) -> House {
    let mut house = House::default();
    let root =
        |file: &str| File { path: file.to_string(), module: Vec::new(), owns_folder: true, test: false };
    let mut queue = vec![root("src/lib.rs"), root("src/main.rs")];
    while let Some(file) = queue.pop() {
        let Some(text) = sources.get(&file.path) else {
            house.problems.push(format!("{}: no such file", file.path));
            continue;
        };
        match syn::parse_file(text) {
            Err(e) => house.problems.push(format!("{}: {e}", file.path)),
            Ok(parsed) => {
                // lib.rs is read after main.rs, and the root is its.
                if !file.test {
                    house.modules.insert(file.module.clone(), file.path.clone());
                }
                let mut reader = Reader {
                    sources,
                    text,
                    module: file.module.clone(),
                    test: file.test,
                    file: file.clone(),
                    house: &mut house,
                    queue: &mut queue,
                };
                reader.visit_file(&parsed);
                house.files.push((file, parsed));
            }
        }
    }
    for path in sources.keys().filter(|path| !house.files.iter().any(|(file, _)| file.path == **path)) {
        let problem = "no module declares this file, so nothing holds it to the order";
        house.problems.push(format!("{path}: {problem}"));
    }
    house
}

/// About where a path stands in a file: the first line with as much of its end as one line has.
pub fn line(text: &str, path: &[String]) -> usize {
    let named: Vec<&str> = path.iter().map(String::as_str).filter(|s| *s != "*").collect();
    (0..named.len())
        .filter_map(|skip| {
            let end = named[skip..].join("::");
            text.lines().position(|l| l.contains(&end) && !l.trim_start().starts_with("//"))
        })
        .next()
        .map_or(1, |i| i + 1)
}

/// Reads one file.
struct Reader<'a> {
    sources: &'a Sources,
    text: &'a str,
    file: File,
    /// Where the visitor is: the file's module and the inline ones around.
    module: Module,
    /// Whether that is in a test.
    test: bool,
    house: &'a mut House,
    queue: &'a mut Vec<File>,
}

impl Reader<'_> {
    /// A path that the file names, relative to the module around.
    fn names(&mut self, path: &[String], import: Option<Import>) {
        let path: Vec<String> = path.iter().map(|s| s.trim_start_matches("r#").to_string()).collect();
        let Some(first) = path.first() else { return };
        if import.is_none() {
            self.word(first.clone());
        }
        let (file, module, line) = (self.file.path.clone(), self.module.clone(), line(self.text, &path));
        self.house.named.push(Named { file, module, path, line, test: self.test, import });
    }

    fn word(&mut self, word: String) {
        if !self.test {
            self.house.words.insert((self.module.clone(), word));
        }
    }

    fn use_tree(&mut self, prefix: &[String], tree: &syn::UseTree, public: bool) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        let as_name = |name: &str| Some(Import { name: name.trim_start_matches("r#").to_string(), public });
        match tree {
            syn::UseTree::Path(p) => self.use_tree(&with(&p.ident), &p.tree, public),
            syn::UseTree::Group(g) => g.items.iter().for_each(|item| self.use_tree(prefix, item, public)),
            syn::UseTree::Glob(_) => self.names(&[prefix, &["*".to_string()]].concat(), as_name("*")),
            // `{self}` at a group's end means the group's own path.
            syn::UseTree::Name(n) if n.ident == "self" && !prefix.is_empty() => {
                self.names(prefix, as_name(&prefix[prefix.len() - 1]));
            }
            syn::UseTree::Rename(r) if r.ident == "self" && !prefix.is_empty() => {
                self.names(prefix, as_name(&r.rename.to_string()));
            }
            syn::UseTree::Name(n) => self.names(&with(&n.ident), as_name(&n.ident.to_string())),
            syn::UseTree::Rename(r) => self.names(&with(&r.ident), as_name(&r.rename.to_string())),
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
                // One word alone is `self`, `pub(crate)`, a variable or a name that was brought here.
                if path.len() > 1 {
                    self.names(&path, None);
                } else {
                    self.word(path.remove(0));
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
        let module: Module = self.module.iter().cloned().chain([name.to_string()]).collect();
        let text = |p: &Path| p.to_string_lossy().into_owned();
        let (beside, within) =
            (text(&owned.join(format!("{name}.rs"))), text(&owned.join(name).join("mod.rs")));
        let (path, owns_folder) = match path {
            Some(path) => (text(&folder.join(path)), true),
            None if self.sources.contains_key(&within) => (within, true),
            None => (beside, false),
        };
        let test = self.test || path.ends_with("/tests.rs") || path.ends_with("_tests.rs");
        self.queue.push(File { path, module, owns_folder, test });
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

/// `#[cfg(test)]`, alone or with more that has to hold.
pub fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let tokens = list.tokens.to_string();
            tokens == "test"
                || tokens.starts_with("all") && !tokens.contains("not") && tokens.contains("test")
        }
        _ => false,
    })
}

/// An item's attributes.
fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item::{
        Const, Enum, ExternCrate, Fn, ForeignMod, Impl, Macro, Mod, Static, Struct, Trait, TraitAlias, Type,
        Union, Use,
    };
    match item {
        Const(i) => &i.attrs,
        Enum(i) => &i.attrs,
        ExternCrate(i) => &i.attrs,
        Fn(i) => &i.attrs,
        ForeignMod(i) => &i.attrs,
        Impl(i) => &i.attrs,
        Macro(i) => &i.attrs,
        Mod(i) => &i.attrs,
        Static(i) => &i.attrs,
        Struct(i) => &i.attrs,
        Trait(i) => &i.attrs,
        TraitAlias(i) => &i.attrs,
        Type(i) => &i.attrs,
        Union(i) => &i.attrs,
        Use(i) => &i.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        if item.content.is_none() {
            self.child(&name, path_attribute(&item.attrs));
        }
        self.module.push(name);
        if item.content.is_some() && !self.test {
            self.house.modules.insert(self.module.clone(), self.file.path.clone());
        }
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let public = !matches!(item.vis, syn::Visibility::Inherited);
        self.use_tree(&[], &item.tree, public);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.names(&[item.ident.to_string()], None);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        // `self` alone is a value, and one word that is no keyword a name in scope.
        if segments.len() > 1 {
            self.names(&segments, None);
        } else if let [word] = &segments[..] {
            self.word(word.clone());
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
        let around = self.test;
        self.test |= for_tests(attributes(item));
        if let syn::Item::Verbatim(tokens) = item {
            self.tokens(TokenBuffer::new2(tokens.clone()).begin(), &[], false);
        }
        visit::visit_item(self, item);
        self.test = around;
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let around = self.test;
        if let syn::ImplItem::Fn(f) = item {
            self.test |= for_tests(&f.attrs);
        }
        visit::visit_impl_item(self, item);
        self.test = around;
    }

    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        if let syn::Expr::Verbatim(tokens) = expr {
            self.tokens(TokenBuffer::new2(tokens.clone()).begin(), &[], false);
        }
        visit::visit_expr(self, expr);
    }
}
