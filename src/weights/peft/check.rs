//! An adapter held against its settings and the model that it is to be used with.

use std::collections::BTreeMap;

use crate::base::arch::{Layout, Part, Role};
use crate::base::{Config, Error, Param, Result};
use crate::weights::head::HEAD;
use crate::weights::peft::adapter::{Adapter, FETCH, ONE_MATRIX, UNTIED, full};
use crate::weights::peft::settings::Settings;
use crate::weights::words::{listed, quoted, short};

impl Adapter {
    /// Holds every matrix against its settings and the model that it is to be used with.
    ///
    /// # Errors
    /// What does not fit, by its name.
    pub(super) fn check(&mut self, settings: &Settings, config: &Config) -> Result<()> {
        let base = settings.base.as_deref().map(quoted);
        self.check_matrices(config, base, |module| Some(settings.rank(module) as usize))?;
        self.check_saved(settings, config)?;
        self.check_targets(settings, config)
    }

    /// The same of a GGUF, whose ranks are those of its matrices.
    pub(super) fn check_gguf(&mut self, config: &Config) -> Result<()> {
        if self.deltas.is_empty() {
            return Err(Error::file(self.tensors.path(), "it holds no tensors", FETCH));
        }
        self.check_matrices(config, None, |_| None)
    }

    /// `rank` is a module's by the settings, where there are some.
    fn check_matrices(
        &mut self,
        config: &Config,
        base: Option<String>,
        rank: impl Fn(&str) -> Option<usize>,
    ) -> Result<()> {
        let table = config.table();
        let by_name: BTreeMap<&str, &Param> = table.iter().map(|p| (p.name.as_str(), p)).collect();
        let path = self.tensors.path().to_path_buf();
        let bad = |problem: String| Err(Error::file(&path, problem, FETCH));
        // What another base would have is no damage: then it is the base that is to be looked for.
        let other = |problem: String| {
            let named = base.as_ref().map_or(String::new(), |base| format!(": {base}"));
            let next = format!("use it with the model that it was trained beside{named}");
            Err(Error::file(&path, problem, next))
        };
        for (name, delta) in &mut self.deltas {
            let module = quoted(&delta.module);
            let sides = by_name.get(name.as_str()).and_then(|p| sides(p));
            let Some((inputs, outputs)) = sides else {
                return other(format!(
                    "it adapts {module}, which is no matrix of the model ({})",
                    shape(config)
                ));
            };
            let param = by_name[name.as_str()];
            delta.out_in = param.role == Role::Linear(Layout::OutIn);
            delta.linear = param.in_out().is_some();
            let (Some(a), Some(b)) = (&delta.a, &delta.b) else {
                return bad(format!("of the two matrices for {module} one is missing"));
            };
            let rank = match rank(&delta.module) {
                Some(rank) => rank,
                None => self.tensors.entry(a)?.rows().max(1),
            };
            for (tensor, wanted, rank_at) in [(a, [rank, inputs], 0), (b, [outputs, rank], 1)] {
                let entry = self.tensors.entry(tensor)?;
                if entry.shape != wanted {
                    let found = short(&format!("{:?}", &entry.shape[..entry.shape.len().min(8)]));
                    let problem = format!(
                        "tensor {} is {found}, where its model and its rank call for {wanted:?}",
                        quoted(tensor)
                    );
                    let same_rank = entry.shape.len() == 2 && entry.shape[rank_at] == rank;
                    return if same_rank { other(problem) } else { bad(problem) };
                }
                if entry.dtype.block().is_none() {
                    let stored = entry.dtype.name();
                    return bad(format!("tensor {} is stored as {stored:?}, not as floats", quoted(tensor)));
                }
            }
        }
        Ok(())
    }

    /// What was trained whole is of the model, in its shape; an embedding that is the head too is not trained alone.
    fn check_saved(&mut self, settings: &Settings, config: &Config) -> Result<()> {
        let table = config.table();
        let table: BTreeMap<&str, &Param> = table.iter().map(|p| (p.name.as_str(), p)).collect();
        // Masks that were saved among the biases; heads beside the model, such as a classifier's.
        let mask = |name: &str| name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
        self.saved.retain(|_, name| !mask(name));
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_string();
        let inside = |name: &str| table.keys().any(|param| first(param) == first(name));
        let (embedding, head) = (config.embedding(), HEAD);
        let tied = config.head() == embedding;
        let path = self.tensors.path().to_path_buf();
        if let Some(name) =
            self.saved.values().find(|name| name.ends_with(".bias") && !trains(settings, name))
        {
            let problem = format!("it has trained {} anew, though bias is \"none\"", quoted(name));
            return Err(Error::file(path, problem, FETCH));
        }
        self.check_modules_to_save(settings, config)?;
        for (key, name) in &self.saved {
            let found = &self.tensors.entry(key)?.shape;
            let bad = |problem: String| {
                Err(Error::file(&path, format!("it has trained {} anew, {problem}", quoted(name)), FETCH))
            };
            let wanted = if tied && name == head { embedding } else { name };
            match table.get(wanted) {
                None if inside(name) => return bad(format!("which the model has not ({})", shape(config))),
                Some(param) if *found != param.shape => {
                    let found = short(&format!("{:?}", &found[..found.len().min(8)]));
                    return bad(format!("as {found}; the model's is {:?}", param.shape));
                }
                _ => {}
            }
        }
        let of = |name: &str| self.saved.iter().find(|(_, saved)| *saved == name).map(|(key, _)| key.clone());
        let untied = |problem: String| Err(Error::file(&path, problem, UNTIED));
        match (of(embedding), of(head)) {
            (Some(_), None) | (None, Some(_)) if tied && !settings.tied => {
                untied(format!("it has trained anew {ONE_MATRIX}"))
            }
            // Tied by peft, it is the embedding under its other name.
            (None, Some(key)) if tied => {
                self.saved.insert(key, embedding.into());
                Ok(())
            }
            (Some(one), Some(two)) if tied => {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                self.tensors.read_f32(&one, &mut a)?;
                self.tensors.read_f32(&two, &mut b)?;
                if a != b {
                    let both = "its embedding and its head, both trained anew, are no longer tied: they differ, and the model has one matrix for both";
                    return untied(both.into());
                }
                self.saved.remove(&two);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What `modules_to_save` names of the model is there. It may name more: of a classifier peft writes two names of one head.
    fn check_modules_to_save(&self, settings: &Settings, config: &Config) -> Result<()> {
        let tied = [config.embedding(), HEAD];
        let there = |name: &str| {
            let has = |name: &str| self.saved.values().any(|saved| saved == name);
            has(name)
                || tied.contains(&name) && config.head() == config.embedding() && tied.iter().any(|n| has(n))
        };
        let all = config.table().into_iter().map(|p| p.name).chain([HEAD.to_string()]);
        let missing = all.filter(|name| names(&settings.saved, name) && !there(name));
        let missing: Vec<String> = missing.collect();
        match missing.is_empty() {
            true => Ok(()),
            false => {
                let problem = format!("modules_to_save names what is not in it: {}", listed(&missing));
                Err(Error::file(self.tensors.path(), problem, FETCH))
            }
        }
    }

    /// What the settings say is adapted is: each matrix of a target has its pair, and no other has one.
    fn check_targets(&self, settings: &Settings, config: &Config) -> Result<()> {
        let bad = |problem: String| Err(Error::file(self.tensors.path(), problem, FETCH));
        let mut missing = Vec::new();
        let table = config.table();
        let block =
            table.iter().find(|p| matches!(p.part, Part::Block(_))).and_then(|p| p.name.split('.').next());
        if !settings.blocks.is_empty() && !settings.blocks.iter().any(|name| block == Some(name)) {
            let (said, ours) = (listed(&settings.blocks), block.unwrap_or_default());
            return bad(format!(
                "layers_pattern is {}; this model's layers are called {ours}",
                quoted(&said)
            ));
        }
        for param in table {
            if sides(&param).is_none() {
                continue;
            }
            let layer = match param.part {
                Part::Block(layer) => Some(layer),
                _ => None,
            };
            let names = [param.module(), &full(param.module(), config)];
            let left_out = settings.leave_out(names, layer, param.in_out().is_some());
            match (left_out, self.deltas.contains_key(&param.name)) {
                (Some(why), true) => {
                    return bad(format!("it adapts {}, though {why}", quoted(&param.name)));
                }
                (None, false) if settings.knows_targets() => missing.push(param.name),
                _ => {}
            }
        }
        match missing.is_empty() {
            true => Ok(()),
            false => bad(format!(
                "{} matrices that target_modules names have no adapter in it: {}",
                missing.len(),
                listed(&missing)
            )),
        }
    }
}

/// The inputs and outputs of what an adapter may be beside: a linear layer, or positions, whose rows are looked up.
fn sides(param: &Param) -> Option<(usize, usize)> {
    match (param.role, &param.shape[..]) {
        (Role::Positions, &[rows, width]) => Some((rows, width)),
        _ => param.in_out(),
    }
}

/// Whether `modules_to_save` names a parameter's module: by its end, as peft does.
fn names(modules: &[String], param: &str) -> bool {
    let module = param.rsplit_once('.').map_or(param, |(module, _)| module);
    modules.iter().any(|name| module.ends_with(name.as_str()))
}

/// Whether a bias may be trained anew: by `bias`, or with the module that it is of.
fn trains(settings: &Settings, bias: &str) -> bool {
    settings.biases || names(&settings.saved, bias)
}

/// A model, in a few words.
fn shape(config: &Config) -> String {
    format!("a {} of {} layers and {} channels", config.family(), config.n_layer(), config.n_embd())
}
