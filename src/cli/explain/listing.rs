//! The recording as a person reads it: a row a dispatch, and one row for the layers that are as the one before.

use crate::base::units;
use crate::cli::table::{Align, Table};
use crate::device::{Access, Arg, Dispatch, Recording};

/// `(256,768) (768,2304) (2304) → (256,2304)`; `↻` before what is updated in place.
fn shapes(recording: &Recording, d: &Dispatch) -> String {
    let mut text = String::new();
    let mut written = false;
    for &Arg { tensor, access } in &d.args {
        text += match (access, written) {
            (Access::Read, _) => "",
            (_, false) => "→ ",
            (_, true) => "",
        };
        written |= access != Access::Read;
        text += if access == Access::Update { "↻" } else { "" };
        let extents: Vec<String> = recording.info(tensor).shape.iter().map(usize::to_string).collect();
        text += &format!("({}) ", extents.join(","));
    }
    text.trim_end().to_string()
}

/// What a family calls its blocks.
const BLOCKS: [&str; 2] = ["h", "layers"];

/// The layer of a label, and the label with a star in its place: `h.3.ln_1.forward` is (`h`, 3, `*.ln_1.forward`).
fn layer(label: &str) -> Option<(&'static str, usize, String)> {
    let mut words = label.splitn(3, '.');
    let (block, number, rest) = (words.next()?, words.next()?, words.next()?);
    let block = BLOCKS.into_iter().find(|name| *name == block)?;
    Some((block, number.parse().ok()?, format!("*.{rest}")))
}

/// Dispatches that stand together and belong to one layer, or to none.
struct Group<'a> {
    layer: Option<(&'static str, usize)>,
    dispatches: &'a [Dispatch],
}

fn groups(recording: &Recording) -> Vec<Group<'_>> {
    let of = |d: &Dispatch| layer(&d.label).map(|(block, i, _)| (block, i));
    let chunks = recording.dispatches.chunk_by(|a, b| of(a) == of(b));
    chunks.map(|dispatches| Group { layer: of(&dispatches[0]), dispatches }).collect()
}

/// Whether two groups differ in nothing but the layer.
fn alike(recording: &Recording, a: &Group, b: &Group) -> bool {
    let same = |a: &Dispatch, b: &Dispatch| {
        let label = |d: &Dispatch| layer(&d.label).map(|(.., label)| label);
        (label(a), a.kernel.name, &a.consts, a.flops, a.bytes)
            == (label(b), b.kernel.name, &b.consts, b.flops, b.bytes)
            && shapes(recording, a) == shapes(recording, b)
    };
    a.layer.is_some()
        && b.layer.is_some()
        && a.dispatches.len() == b.dispatches.len()
        && a.dispatches.iter().zip(b.dispatches).all(|(a, b)| same(a, b))
}

fn price(flops: u64, bytes: u64) -> [String; 2] {
    [units::si(flops as f64), units::bytes(bytes)]
}

/// A recording as a table; layers that repeat the one before are one row, unless `all` are asked for.
pub(super) fn listing(recording: &Recording, all: bool) -> Table {
    let (l, r) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("dispatch", l),
        ("kernel", l),
        ("read → written, ↻ updated", l),
        ("FLOPs", r),
        ("bytes", r),
    ]);
    let groups = groups(recording);
    let mut next = 0;
    while let Some(group) = groups.get(next) {
        for d in group.dispatches {
            let [flops, bytes] = price(d.flops, d.bytes);
            table.row([d.label.clone(), d.kernel.name.to_string(), shapes(recording, d), flops, bytes]);
        }
        next += 1;
        let repeats = groups[next..].iter().take_while(|g| !all && alike(recording, group, g));
        let repeats: Vec<&Group> = repeats.collect();
        next += repeats.len();
        if let (Some(first), Some(last), Some((block, layer))) =
            (repeats.first(), repeats.last(), group.layer)
        {
            let sum = |f: fn(&Dispatch) -> u64| repeats.iter().flat_map(|g| g.dispatches).map(f).sum();
            let [flops, bytes] = price(sum(|d| d.flops), sum(|d| d.bytes));
            let name = |g: &Group| format!("{block}.{}", g.layer.map_or(layer, |(_, i)| i));
            let to = if repeats.len() > 1 { format!(" … {}", name(last)) } else { String::new() };
            let each = format!("{} dispatches each", group.dispatches.len());
            table.row([format!("{}{to}", name(first)), format!("as {block}.{layer}"), each, flops, bytes]);
        }
    }
    let [flops, bytes] = price(recording.flops(), recording.bytes());
    table.row([
        "total".into(),
        String::new(),
        format!("{} dispatches", recording.dispatches.len()),
        flops,
        bytes,
    ]);
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;
    use crate::cli::explain::step;
    use crate::device::{Choices, Class, Limits};
    use crate::model::Shape;

    #[test]
    fn layers_are_found_in_labels() {
        assert_eq!(layer("h.3.ln_1.forward"), Some(("h", 3, "*.ln_1.forward".to_string())));
        assert_eq!(
            layer("layers.12.mlp.swiglu.forward"),
            Some(("layers", 12, "*.mlp.swiglu.forward".into()))
        );
        assert_eq!(layer("ln_f.forward"), None);
        assert_eq!(layer("d.wte.weight…ln_f.bias.norm"), None);
    }

    #[test]
    fn equal_layers_fold_and_nothing_is_lost() {
        let config = Preset::Small.config(257);
        let limits = Limits::DEFAULT;
        let shape = Shape::new(config, 1, 8, limits, Choices::of(Class::Tiles, &limits));
        for recording in step(&Shape { dropout: true, ..shape }).unwrap().recordings {
            let (folded, all) =
                (listing(&recording, false).to_string(), listing(&recording, true).to_string());
            // A header and a total beside the dispatches.
            assert_eq!(all.lines().count(), recording.dispatches.len() + 2);
            // Zeroing and the update go by ranges, not by layers.
            if recording.name == "micro_step" {
                assert!(folded.lines().count() < all.lines().count() / 2, "{folded}");
                // The first begins with a norm that has no sum to make.
                assert!(folded.contains("as h.1") && folded.contains("as h.5"), "{folded}");
            }
            let counted: usize = groups(&recording).iter().map(|g| g.dispatches.len()).sum();
            assert_eq!(counted, recording.dispatches.len());
        }
    }
}
