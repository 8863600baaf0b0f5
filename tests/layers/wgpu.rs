//! wgpu stays in `device`: its name, and its types. Whatever may be seen from outside the room says nothing of wgpu.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

use crate::reader::{File, House, for_tests, line};

/// Every breach, a line each.
pub fn breaches(house: &House, text: impl Fn(&str) -> String) -> Vec<String> {
    let in_device = |module: &[String]| module.first().is_some_and(|room| room == "device");
    let outside = house.named.iter().filter(|n| n.path[0] == "wgpu" && !in_device(&n.module));
    // A module called `device` in another room is no part of it.
    let mut found: Vec<String> =
        outside.map(|n| format!("{}: wgpu is named outside src/device/", n.at())).collect();

    let files: Vec<_> = house.files.iter().filter(|(file, _)| in_device(&file.module)).collect();
    let mut words = Words::default();
    for (_, parsed) in &files {
        words.learn_uses(&parsed.items);
    }
    // An alias may stand for an alias.
    while files.iter().any(|(_, parsed)| words.learn_aliases(&parsed.items)) {}
    for (file, parsed) in files {
        let text = text(&file.path);
        let mut seen =
            Seen { file, text: &text, words: &words, module: file.module.clone(), out: &mut found };
        seen.items(&parsed.items);
    }
    found
}

/// What means wgpu, or something of it, in `device`; and the types that only `device` sees.
#[derive(Default)]
struct Words {
    wgpu: BTreeSet<String>,
    inner: BTreeSet<String>,
}

impl Words {
    fn learn_uses(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Use(i) => self.learn_use(&i.tree, false),
                Item::Mod(i) => i.content.iter().for_each(|(_, items)| self.learn_uses(items)),
                Item::Struct(i) if !matches!(i.vis, Visibility::Public(_)) => {
                    self.inner.insert(i.ident.to_string());
                }
                Item::Enum(i) if !matches!(i.vis, Visibility::Public(_)) => {
                    self.inner.insert(i.ident.to_string());
                }
                Item::Trait(i) if !matches!(i.vis, Visibility::Public(_)) => {
                    self.inner.insert(i.ident.to_string());
                }
                _ => {}
            }
        }
    }

    fn learn_use(&mut self, tree: &UseTree, of_wgpu: bool) {
        match tree {
            UseTree::Path(p) => self.learn_use(&p.tree, of_wgpu || p.ident == "wgpu"),
            UseTree::Group(g) => g.items.iter().for_each(|tree| self.learn_use(tree, of_wgpu)),
            UseTree::Name(n) if of_wgpu && n.ident != "self" => drop(self.wgpu.insert(n.ident.to_string())),
            UseTree::Rename(r) if of_wgpu || r.ident == "wgpu" => {
                self.wgpu.insert(r.rename.to_string());
            }
            _ => {}
        }
    }

    /// Whether an alias was new.
    fn learn_aliases(&mut self, items: &[Item]) -> bool {
        let mut learned = false;
        for item in items {
            match item {
                Item::Type(i) if self.mention(|v| v.visit_type(&i.ty)).is_some() => {
                    learned |= self.wgpu.insert(i.ident.to_string());
                }
                Item::Mod(i) => learned |= i.content.iter().any(|(_, items)| self.learn_aliases(items)),
                _ => {}
            }
        }
        learned
    }

    /// What is said of wgpu there.
    fn mention(&self, look: impl FnOnce(&mut Mentions)) -> Option<Vec<String>> {
        let mut mentions = Mentions { words: self, found: None };
        look(&mut mentions);
        mentions.found
    }
}

/// Finds the first path that means something of wgpu.
struct Mentions<'a> {
    words: &'a Words,
    found: Option<Vec<String>>,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        // `adapter::Alias` too: the last word tells.
        let means = |word: &String| word == "wgpu" || self.words.wgpu.contains(word);
        if self.found.is_none() && (means(&segments[0]) || segments.last().is_some_and(means)) {
            self.found = Some(segments);
        }
        visit::visit_path(self, path);
    }

    // A body is nobody's business, nor is a value.
    fn visit_block(&mut self, _: &'ast syn::Block) {}
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// What a file of `device` shows to other rooms.
struct Seen<'a> {
    file: &'a File,
    text: &'a str,
    words: &'a Words,
    module: Vec<String>,
    out: &'a mut Vec<String>,
}

impl Seen<'_> {
    /// Whether something of this visibility may be named outside `device`.
    fn outside(&self, vis: &Visibility) -> bool {
        let Visibility::Restricted(within) = vis else { return matches!(vis, Visibility::Public(_)) };
        let path: Vec<String> = within.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let supers = path.iter().take_while(|s| *s == "super").count();
        let room = match path[0].as_str() {
            "self" => self.module.first(),
            "super" => self.module[..self.module.len().saturating_sub(supers)].first(),
            _ => path.get(1),
        };
        room.is_none_or(|room| room != "device")
    }

    fn leak(&mut self, what: String, look: impl FnOnce(&mut Mentions)) {
        if let Some(path) = self.words.mention(look) {
            let line = line(self.text, &path);
            let path = path.join("::");
            self.out.push(format!(
                "{}:{line}: {what} shows {path} outside src/device/, and that is wgpu's",
                self.file.path
            ));
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Mod(i) if !for_tests(&i.attrs) => {
                self.module.push(i.ident.to_string());
                self.items(i.content.as_ref().map_or(&[], |(_, items)| items));
                self.module.pop();
            }
            Item::Use(i) if self.outside(&i.vis) => self.handed_on(&i.tree, false),
            Item::Fn(i) if self.outside(&i.vis) => {
                self.leak(i.sig.ident.to_string(), |v| v.visit_signature(&i.sig))
            }
            Item::Const(i) if self.outside(&i.vis) => self.leak(i.ident.to_string(), |v| v.visit_type(&i.ty)),
            Item::Static(i) if self.outside(&i.vis) => {
                self.leak(i.ident.to_string(), |v| v.visit_type(&i.ty))
            }
            Item::Type(i) if self.outside(&i.vis) => self.leak(i.ident.to_string(), |v| v.visit_item_type(i)),
            Item::Struct(i) if self.outside(&i.vis) => {
                self.leak(i.ident.to_string(), |v| v.visit_generics(&i.generics));
                self.fields(&i.ident.to_string(), &i.fields, false);
            }
            Item::Union(i) if self.outside(&i.vis) => {
                self.fields(&i.ident.to_string(), &Fields::Named(i.fields.clone()), false);
            }
            Item::Enum(i) if self.outside(&i.vis) => {
                self.leak(i.ident.to_string(), |v| v.visit_generics(&i.generics));
                for variant in &i.variants {
                    self.fields(&format!("{}::{}", i.ident, variant.ident), &variant.fields, true);
                }
            }
            Item::Trait(i) if self.outside(&i.vis) => self.public_trait(i),
            Item::Impl(i) => self.block(i),
            Item::Macro(i) if i.attrs.iter().any(|a| a.path().is_ident("macro_export")) => {
                let names_it = i.mac.tokens.to_string().contains("wgpu");
                let said = names_it.then(|| format!("{}: an exported macro names wgpu", self.file.path));
                self.out.extend(said);
            }
            _ => {}
        }
    }

    fn handed_on(&mut self, tree: &UseTree, of_wgpu: bool) {
        let named = match tree {
            UseTree::Path(p) => return self.handed_on(&p.tree, of_wgpu || p.ident == "wgpu"),
            UseTree::Group(g) => return g.items.iter().for_each(|tree| self.handed_on(tree, of_wgpu)),
            UseTree::Name(n) => n.ident.to_string(),
            UseTree::Rename(r) => r.ident.to_string(),
            UseTree::Glob(_) => "*".to_string(),
        };
        if of_wgpu || named == "wgpu" || self.words.wgpu.contains(&named) {
            let line = line(self.text, &["wgpu".to_string(), named.clone()]);
            self.out.push(format!("{}:{line}: a pub use hands on wgpu's {named}", self.file.path));
        }
    }

    fn fields(&mut self, of: &str, fields: &Fields, all: bool) {
        for (i, field) in fields.iter().enumerate() {
            if all || self.outside(&field.vis) {
                let name = field.ident.as_ref().map_or(i.to_string(), ToString::to_string);
                self.leak(format!("{of}.{name}"), |v| v.visit_type(&field.ty));
            }
        }
    }

    fn public_trait(&mut self, item: &syn::ItemTrait) {
        let name = item.ident.to_string();
        self.leak(name.clone(), |v| {
            v.visit_generics(&item.generics);
            item.supertraits.iter().for_each(|bound| v.visit_type_param_bound(bound));
        });
        for inner in &item.items {
            match inner {
                TraitItem::Fn(f) => {
                    self.leak(format!("{name}::{}", f.sig.ident), |v| v.visit_signature(&f.sig));
                }
                other => self.leak(name.clone(), |v| v.visit_trait_item(other)),
            }
        }
    }

    fn block(&mut self, block: &syn::ItemImpl) {
        let inner = |ty: &syn::Type| match ty {
            syn::Type::Path(p) => {
                p.path.segments.last().is_some_and(|s| self.words.inner.contains(&s.ident.to_string()))
            }
            _ => false,
        };
        let inner_trait = block.trait_.as_ref().is_some_and(|(path, _)| {
            path.segments.last().is_some_and(|s| self.words.inner.contains(&s.ident.to_string()))
        });
        if inner(&block.self_ty) || inner_trait {
            return;
        }
        let of = match &*block.self_ty {
            syn::Type::Path(p) => p.path.segments.last().map_or(String::new(), |s| s.ident.to_string()),
            _ => "an impl".to_string(),
        };
        let of_trait = block.trait_.is_some();
        self.leak(format!("an impl of {of}"), |v| {
            v.visit_generics(&block.generics);
            v.visit_type(&block.self_ty);
            if let Some((path, _)) = &block.trait_ {
                v.visit_path(path);
            }
        });
        for item in &block.items {
            match item {
                ImplItem::Fn(f) if of_trait || self.outside(&f.vis) => {
                    self.leak(format!("{of}::{}", f.sig.ident), |v| v.visit_signature(&f.sig));
                }
                ImplItem::Const(c) if of_trait || self.outside(&c.vis) => {
                    self.leak(format!("{of}::{}", c.ident), |v| v.visit_type(&c.ty));
                }
                ImplItem::Type(t) if of_trait || self.outside(&t.vis) => {
                    self.leak(format!("{of}::{}", t.ident), |v| v.visit_type(&t.ty));
                }
                _ => {}
            }
        }
    }
}
