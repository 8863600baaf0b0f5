//! Which variants were the fastest on adapters that someone measured: a table that comes with the program (`known.json`).
//!
//! It is asked where a device's own results are not there yet, before an op's own guess. `diarist bench variants --rewrite
//! src/device/known.json` puts this device's rows into it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("known.json")).expect("the table that is built in is one")
});

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table(Vec<Known>);

/// One adapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What an adapter's name begins with, for which this holds.
    pub adapter: String,
    /// The driver with which it was measured, for who reads the table.
    pub driver: String,
    /// By class of problem ([`class`]), the fastest variant.
    pub fastest: BTreeMap<String, String>,
}

impl Known {
    /// What is known of the adapter of that name.
    pub fn of(name: &str) -> Option<&'static Known> {
        TABLE.find(name)
    }

    /// The variant that was the fastest for problems like this one, `matmul_nn 256x768x3072`.
    pub fn fastest(&self, problem: &str) -> Option<&str> {
        self.fastest.get(&class(problem)).map(String::as_str)
    }
}

impl Table {
    fn find(&self, name: &str) -> Option<&Known> {
        self.0.iter().find(|known| name.starts_with(&known.adapter))
    }

    /// The text of a table with an adapter's rows in place of those that it had: by problem, seconds of each variant that computed
    /// what it should. Problems of a class count alike: its fastest is the one that takes the fewest times the best's seconds.
    ///
    /// # Errors
    /// A text that is no table.
    pub fn with(
        text: &str,
        (name, driver): (&str, &str),
        problems: &BTreeMap<String, BTreeMap<String, Option<f64>>>,
    ) -> serde_json::Result<String> {
        let mut table: Table = serde_json::from_str(text)?;
        let mut classes: BTreeMap<String, BTreeMap<&str, Vec<f64>>> = BTreeMap::new();
        for (problem, times) in problems {
            let best = times.values().flatten().copied().fold(f64::INFINITY, f64::min);
            for (variant, seconds) in times {
                let of = classes.entry(class(problem)).or_default();
                of.entry(variant).or_default().push(seconds.map_or(f64::INFINITY, |s| s / best));
            }
        }
        let fastest = classes.into_iter().filter_map(|(class, variants)| {
            let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
            let best = variants.iter().min_by(|a, b| mean(a.1).total_cmp(&mean(b.1)))?;
            Some((class, best.0.to_string()))
        });
        // The version of a compiler, say, stands in brackets.
        let adapter = name.split(" (").next().unwrap_or(name).to_string();
        let known = Known { adapter, driver: driver.to_string(), fastest: fastest.collect() };
        table.0.retain(|of| of.adapter != known.adapter);
        table.0.push(known);
        table.0.sort_by(|a, b| a.adapter.cmp(&b.adapter));
        Ok(serde_json::to_string_pretty(&table)? + "\n")
    }
}

/// The class of a problem, `matmul_nn 256x768x3072`: its op, and the power of two that is nearest to each extent, `matmul_nn 8,10,12`.
fn class(problem: &str) -> String {
    let (op, extents) = problem.split_once(' ').unwrap_or((problem, ""));
    let power = |n: &str| n.parse::<f64>().map_or(n.to_string(), |n| n.max(1.0).log2().round().to_string());
    let powers: Vec<String> = extents.split('x').filter(|n| !n.is_empty()).map(power).collect();
    if powers.is_empty() { op.to_string() } else { format!("{op} {}", powers.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_of_like_extents_are_alike() {
        assert_eq!(class("matmul_nn 256x768x3072"), "matmul_nn 8,10,12");
        assert_eq!(class("matmul_nn 300x700x2900"), "matmul_nn 8,9,12");
        assert_eq!(class("matmul_nn 300x800x2900"), "matmul_nn 8,10,12");
        assert_eq!(class("gelu"), "gelu");
    }

    #[test]
    fn the_table_takes_an_adapters_rows() {
        let times = |of: &[(&str, Option<f64>)]| of.iter().map(|(n, t)| (n.to_string(), *t)).collect();
        let problems = BTreeMap::from([
            ("matmul_nn 256x768x3072".to_string(), times(&[("tile32", Some(2.0)), ("tile64", Some(1.0))])),
            // Of the same class: there the other is better, but not by as much.
            ("matmul_nn 260x760x3000".to_string(), times(&[("tile32", Some(1.0)), ("tile64", Some(1.5))])),
            ("matmul_nt 8x8x8".to_string(), times(&[("tile32", Some(2.0)), ("tile64", None)])),
        ]);
        let old = r#"[{"adapter": "A card", "driver": "old", "fastest": {"gelu": "lanes"}},
            {"adapter": "B", "driver": "b", "fastest": {}}]"#;
        let text = Table::with(old, ("A card (of 2026)", "new"), &problems).unwrap();
        let table: Table = serde_json::from_str(&text).unwrap();
        let known = table.find("A card (of 2027)").unwrap();
        assert_eq!((known.driver.as_str(), table.0.len()), ("new", 2));
        assert_eq!(known.fastest("matmul_nn 250x800x3000"), Some("tile64"));
        assert_eq!(known.fastest("matmul_nt 8x8x8"), Some("tile32"));
        assert_eq!(known.fastest("gelu"), None, "what the old rows said is gone");
        assert!(table.find("Another").is_none());
    }

    #[test]
    fn the_table_that_is_built_in_can_be_read() {
        assert!(Known::of("no such adapter").is_none());
    }
}
