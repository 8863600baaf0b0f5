//! What a recording depends on besides the model: the device's limits, and which variant of each kernel it runs.
//!
//! The right tile is the adapter's, not ours: on a GPU shared memory wins; on a software adapter barriers are dear
//! and registers win (`book/`, "Tiles are data"). So an op lists its variants as data beside its family, a recording picks
//! one for each problem, and a run's folder records every pick, because another tile sums in another order and gives other
//! last bits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::device::kernel::{Const, Consts};
use crate::device::known::Known;

/// What an adapter can do, in the units of wgpu's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of one storage binding; every tensor, or every chunk of `wte`, fits in one.
    pub max_binding: u64,
    /// Workgroups in one dimension of a dispatch.
    pub max_workgroups: u32,
    /// Invocations of a workgroup.
    pub max_invocations: u32,
    /// Bytes of a workgroup's shared memory.
    pub max_shared: u32,
    /// Invocations of the smallest subgroup that a dispatch may meet; 0 where there are no subgroups. It cuts nothing: which
    /// kernels may be picked depends on it, and which were is recorded.
    #[serde(default)]
    pub subgroup: u32,
    /// Invocations of the largest.
    #[serde(default)]
    pub subgroup_most: u32,
    /// Whether shaders store half-precision numbers; it cuts nothing either.
    #[serde(default)]
    pub f16: bool,
    /// Which small matrices its subgroups multiply; nor does this.
    #[serde(default)]
    pub coop: Coops,
}

/// A kind of cooperative matrices: square ones, of how many rows, of halves, sums in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub enum Coop {
    /// 8 × 8.
    F16_8 = 1,
    /// 16 × 16.
    F16_16 = 2,
}

/// The kinds of them that a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coops(u32);

impl Coops {
    /// Whether this kind is among them.
    pub fn has(self, kind: Coop) -> bool {
        self.0 & kind as u32 != 0
    }

    /// These, and this one.
    pub fn with(self, kind: Coop) -> Coops {
        Coops(self.0 | kind as u32)
    }

    /// Whether there are any.
    pub fn any(self) -> bool {
        self.0 != 0
    }
}

impl Coop {
    /// Subgroups of a workgroup that multiplies them, at least: its threads are so many times the largest.
    pub const WORKERS: u32 = 4;

    /// Their rows.
    pub const fn size(self) -> usize {
        match self {
            Coop::F16_8 => 8,
            Coop::F16_16 => 16,
        }
    }

    /// The constants of a shader that multiplies them.
    pub const fn consts(self) -> [(&'static str, Const); 4] {
        let [a, b, c] = match self {
            Coop::F16_8 => ["coop_mat8x8<f16, A>", "coop_mat8x8<f16, B>", "coop_mat8x8<f32, C>"],
            Coop::F16_16 => ["coop_mat16x16<f16, A>", "coop_mat16x16<f16, B>", "coop_mat16x16<f32, C>"],
        };
        [
            ("SIZE", Const::U32(self.size() as u32)),
            ("MatA", Const::Type(a)),
            ("MatB", Const::Type(b)),
            ("MatC", Const::Type(c)),
        ]
    }
}

impl Limits {
    /// Whether a workgroup of [`Coop::WORKERS`] subgroups can multiply matrices of this kind.
    pub fn cooperates(&self, kind: Coop) -> bool {
        self.coop.has(kind) && Coop::WORKERS * self.subgroup_most <= self.max_invocations
    }

    /// The threads of such a workgroup, as a constant.
    pub fn coop_threads(&self) -> (&'static str, Const) {
        ("THREADS", Const::U32(Coop::WORKERS * self.subgroup_most))
    }
}

impl Limits {
    /// WebGPU's defaults: 128 MiB a binding, 65,535 workgroups a dimension, 256 invocations, 16 KiB. Also what the CPU
    /// executor is held to, so that its recordings are the GPU's; half-precision numbers it stores.
    pub const DEFAULT: Limits = Limits {
        max_binding: 128 << 20,
        max_workgroups: 65_535,
        max_invocations: 256,
        max_shared: 16 << 10,
        subgroup: 0,
        subgroup_most: 0,
        f16: true,
        coop: Coops(0),
    };
}

/// The class of device that a variant suits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Software adapters, and the CPU: registers only, workgroups one SIMD vector wide, few barriers.
    Lanes,
    /// Real GPUs: tiles in shared memory.
    Tiles,
}

impl Class {
    /// Every class; the tests run each on the adapter at hand.
    pub const ALL: [Class; 2] = [Class::Lanes, Class::Tiles];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Class::Lanes => "lanes",
            Class::Tiles => "tiles",
        }
    }
}

/// What is to be computed, as far as a variant's fitness depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// The op, with what makes it another problem: `matmul_nn`.
    pub op: &'static str,
    /// Its extents, in an order that the op states.
    pub extents: &'a [usize],
}

impl std::fmt::Display for Problem<'_> {
    /// Its name among [`Choices::picks`]: `matmul_nn 256x768x3072`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.op)?;
        for (i, n) in self.extents.iter().enumerate() {
            write!(f, "{}{n}", if i == 0 { ' ' } else { 'x' })?;
        }
        Ok(())
    }
}

// ANCHOR: variant
/// One way to build an op's kernels.
pub struct Variant {
    /// Its name among the op's variants.
    pub name: &'static str,
    /// The class of device it is for.
    pub class: Class,
    /// The compile-time constants that make it.
    pub consts: &'static [(&'static str, Const)],
    /// Whether it computes a problem rightly within these limits.
    pub valid: fn(&Variant, &Problem, &Limits) -> bool,
    /// Whether it is the one to take, of those that are valid, where nothing was measured; an op lists its variants in the
    /// order in which they are asked.
    pub suits: fn(&Variant, &Problem) -> bool,
}
// ANCHOR_END: variant

impl Variant {
    /// A constant's number.
    pub fn number(&self, name: &str) -> u32 {
        match self.consts.iter().find(|(n, _)| *n == name) {
            Some((_, Const::U32(x))) => *x,
            other => unreachable!("{}: constant {name} is {other:?}, not a number", self.name),
        }
    }

    /// The product of some of its constants: what a workgroup covers along one axis.
    pub fn covers(&self, names: &[&str]) -> usize {
        names.iter().map(|n| self.number(n) as usize).product()
    }

    /// Its constants, and those of the problem.
    pub fn with(&self, problem: impl IntoIterator<Item = (&'static str, Const)>) -> Consts {
        self.consts.iter().cloned().chain(problem).collect()
    }
}

/// A variant that is always valid and always suits its class.
pub const fn plain(name: &'static str, class: Class, consts: &'static [(&'static str, Const)]) -> Variant {
    Variant { name, class, consts, valid: |_, _, _| true, suits: |_, _| true }
}

/// Kernels whose invocations own an element each.
pub const FLAT: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(64))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(256))]),
];

/// A variant whose reductions begin in a subgroup's registers: groups of `SHARING` lanes, which any subgroup of that size or larger is
/// made of (`shaders/lib/reduce.wgsl`). Where it is not listed first, it is taken where it was measured.
pub const fn sharing(name: &'static str, class: Class, consts: &'static [(&'static str, Const)]) -> Variant {
    let valid = |v: &Variant, _: &Problem, limits: &Limits| limits.subgroup >= v.number("SHARING");
    Variant { name, class, consts, valid, suits: |_, _| true }
}

/// How [`sharing`]'s lanes hand each other their values.
pub const OTHER_LANE: (&str, Const) = ("other_lane", Const::Body("return subgroupShuffleXor(value, bits);"));

/// Kernels whose workgroups (`WG`) reduce a row together, and their elementwise companions (`FLAT`).
pub const ROWS: &[Variant] = &[
    sharing(
        "sharing8",
        Class::Lanes,
        &[("WG", Const::U32(8)), ("FLAT", Const::U32(64)), ("SHARING", Const::U32(8)), OTHER_LANE],
    ),
    plain("lanes", Class::Lanes, &[("WG", Const::U32(8)), ("FLAT", Const::U32(64))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(128)), ("FLAT", Const::U32(256))]),
    sharing(
        "sharing8x16",
        Class::Tiles,
        &[("WG", Const::U32(128)), ("FLAT", Const::U32(256)), ("SHARING", Const::U32(8)), OTHER_LANE],
    ),
];

/// Which variants a recording takes. A run's folder keeps it whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// The device's class: where no pick says otherwise, the first variant of it that is valid and suits.
    pub class: Class,
    /// The device's limits, by which tensors and ranges are cut.
    pub limits: Limits,
    /// Logits exist for so many bytes' worth of rows at a time.
    pub logits_bytes: u64,
    /// Variants by op and problem: `matmul_nn 256x768x3072` → `tile64`.
    pub picks: BTreeMap<String, String>,
    /// What is taken wherever an op has a variant of this name that is valid, and no pick says otherwise: how each is tried.
    #[serde(skip)]
    pub prefer: Option<&'static str>,
    /// What is known of adapters like this one: it stands above what an op guesses.
    #[serde(skip)]
    pub known: Option<&'static Known>,
}

impl Choices {
    /// What a device of a class takes before anything is measured on it. Logits get half of what it binds, between 16 and
    /// 512 MiB: full matmul tiles, and few dispatches, where there is room.
    pub fn of(class: Class, limits: &Limits) -> Choices {
        let logits_bytes = (limits.max_binding / 2).clamp(16 << 20, 512 << 20);
        Choices { class, limits: *limits, logits_bytes, picks: BTreeMap::new(), prefer: None, known: None }
    }

    /// Each class, for a device with these limits.
    pub fn all(limits: &Limits) -> [Choices; 2] {
        Class::ALL.map(|class| Choices::of(class, limits))
    }

    /// The first problem that only these or only `others` have a pick for, as a phrase: the ops of another diarist.
    pub fn asks_otherwise(&self, others: &Choices) -> Option<String> {
        let not_in = |of: &Choices, key: &&String| !of.picks.contains_key(*key);
        let there = self.picks.keys().find(|key| not_in(others, key)).map(|key| format!("{key} there alone"));
        there.or_else(|| {
            others.picks.keys().find(|key| not_in(self, key)).map(|key| format!("{key} here alone"))
        })
    }

    /// The first difference from `others` in what both of them have, as a phrase; none where that is the same.
    pub fn differs(&self, others: &Choices) -> Option<String> {
        let mut both =
            self.picks.iter().filter_map(|(key, there)| Some((key, there, others.picks.get(key)?)));
        if let Some((key, there, here)) = both.find(|(_, there, here)| there != here) {
            return Some(format!("{key} is {there} there and {here} here"));
        }
        // What there are subgroups for is in the picks, and what halves for in the settings; a diarist that knew of none wrote
        // nothing of them.
        let cut =
            |c: &Choices| Limits { subgroup: 0, subgroup_most: 0, f16: false, coop: Coops(0), ..c.limits };
        let rest = |c: &Choices| (c.class, cut(c), c.logits_bytes);
        let told = |c: &Choices| format!("{:?}, {:?}, logits of {} bytes", c.class, cut(c), c.logits_bytes);
        (rest(self) != rest(others)).then(|| format!("{} there, {} here", told(self), told(others)))
    }

    /// The variant for a problem.
    ///
    /// # Errors
    /// A recorded pick that is unknown here, or cannot run within the limits; as a phrase.
    pub fn pick<'a>(
        &self,
        problem: &Problem,
        variants: &'a [Variant],
        limits: &Limits,
    ) -> Result<&'a Variant, String> {
        let valid = |v: &&Variant| (v.valid)(v, problem, limits);
        if let Some(name) = self.picks.get(&problem.to_string()) {
            let found = variants.iter().find(|v| v.name == name);
            let found = found.ok_or_else(|| format!("{problem}: this diarist has no variant {name}"))?;
            if !valid(&found) {
                return Err(format!("{problem}: variant {name} is too large for this device"));
            }
            return Ok(found);
        }
        let preferred = variants.iter().find(|v| Some(v.name) == self.prefer);
        if let Some(found) = preferred.filter(valid) {
            return Ok(found);
        }
        let known = self.known.and_then(|known| known.fastest(&problem.to_string()));
        let known = variants.iter().find(|v| Some(v.name) == known);
        if let Some(found) = known.filter(valid) {
            return Ok(found);
        }
        let of_class = || variants.iter().filter(|v| v.class == self.class).filter(valid);
        (of_class().find(|v| (v.suits)(v, problem)))
            .or_else(|| of_class().next_back())
            .or_else(|| variants.iter().rfind(valid))
            .ok_or_else(|| format!("{problem}: no variant fits this device"))
    }
}

/// A grid of at least `n` workgroups, folded into two dimensions where one cannot hold it.
pub fn grid(n: u64, limits: &Limits) -> [u32; 3] {
    let max = u64::from(limits.max_workgroups);
    let x = n.clamp(1, max);
    [x as u32, n.div_ceil(x).max(1) as u32, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pick_is_honoured_or_refused() {
        let limits = Limits::DEFAULT;
        let gelu = Problem { op: "gelu", extents: &[] };
        let mut choices = Choices::of(Class::Lanes, &limits);
        assert_eq!(choices.pick(&gelu, FLAT, &limits).unwrap().number("WG"), 64);
        choices.picks.insert(gelu.to_string(), "tiles".into());
        assert_eq!(choices.pick(&gelu, FLAT, &limits).unwrap().number("WG"), 256);
        choices.picks.insert(gelu.to_string(), "waves".into());
        assert!(choices.pick(&gelu, FLAT, &limits).err().unwrap().contains("no variant waves"));
        let again: Choices = serde_json::from_str(&serde_json::to_string(&choices).unwrap()).unwrap();
        assert_eq!(again, choices);
    }

    #[test]
    fn logits_follow_what_a_device_binds() {
        let of = |mib: u64| {
            let limits = Limits { max_binding: mib << 20, ..Limits::DEFAULT };
            Choices::of(Class::Tiles, &limits).logits_bytes >> 20
        };
        assert_eq!([of(128), of(4096), of(1)], [64, 512, 16]);
    }
}
