//! The order of a module's children: each names only those of a strictly lower number, and itself.

use crate::reader::{House, Named};
use crate::tables::{JOURNAL, ROOMS, Table, number};

/// Every breach of the rooms' order, a line each: `src/ops/bias.rs:3: …`.
pub fn of_rooms(house: &House) -> Vec<String> {
    Order { parent: &[], table: ROOMS, one: "room", whole: "the crate", tests: true }.breaches(house)
}

/// Every breach of the order within `journal`. Its tests read whole journals, from wherever they stand: they are aside.
pub fn of_journal(house: &House) -> Vec<String> {
    Order { parent: &["journal"], table: JOURNAL, one: "part", whole: "journal", tests: false }
        .breaches(house)
}

/// A module's children and the order that they stand in. The module itself stands above them.
struct Order {
    parent: &'static [&'static str],
    table: Table,
    /// What a child is called.
    one: &'static str,
    /// What the module is called.
    whole: &'static str,
    /// Whether tests are held to it too.
    tests: bool,
}

impl Order {
    fn breaches(&self, house: &House) -> Vec<String> {
        let children = house.modules.keys().filter(|module| module.len() == self.parent.len() + 1);
        let strangers = children
            .filter_map(|module| Some((self.child(module)?, &house.modules[module])))
            .filter(|(child, _)| number(self.table, child).is_none())
            .map(|(child, file)| format!("{file}: {child} is no {} of the table", self.one));
        let judged =
            house.named.iter().filter_map(|n| Some(format!("{}: {}", n.at(), self.judge(house, n)?)));
        strangers.chain(judged).collect()
    }

    /// Which child a path leads into.
    fn child<'a>(&self, path: &'a [String]) -> Option<&'a str> {
        let (above, rest) = path.split_at_checked(self.parent.len())?;
        (above == self.parent).then_some(rest.first()?.as_str())
    }

    fn judge(&self, house: &House, named: &Named) -> Option<String> {
        let Order { parent, table, one, whole, tests } = *self;
        if named.test && !tests {
            return None;
        }
        let path = named.rooted()?;
        let (own, own_number) = match self.child(&named.module) {
            None if parent.is_empty() => ("the top", u32::MAX),
            own => (own?, number(table, own?)?),
        };
        let (depth, shown) = (parent.len(), named.shown());
        if path.len() < depth || path[..depth] != *parent {
            return None; // The order above judges it.
        }
        match self.child(&path) {
            None | Some("*" | "self") if own_number == u32::MAX => None,
            None | Some("*" | "self") => {
                Some(format!("{own} names {whole}'s root ({shown}), which hides the {one} it means"))
            }
            Some(child) if child == own => None,
            Some(child) => match number(table, child) {
                None if depth > 0 && !house.modules.contains_key(&path[..=depth]) => Some(format!(
                    "{own} names {shown} through {whole}'s root, which hides the {one} it means"
                )),
                None => Some(format!("{own} names {shown}, and {child} is no {one} of the table")),
                Some(n) if n >= own_number => {
                    Some(format!("{own} ({own_number}) names {shown}, and {child} is {one} {n}"))
                }
                Some(_) => None,
            },
        }
    }
}
