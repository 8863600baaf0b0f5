//! LoRA (Hu et al. 2021, arXiv:2106.09685): what is trained beside a model that stays as it is.
//!
//!   y = W·x + (α/r)·B·A·x      A (r,in)   B (out,r)
//!
//! Names are PEFT's: the matrices of `h.0.attn.c_attn` are `h.0.attn.c_attn.lora_A.weight` and `….lora_B.weight`.

use crate::base::arch::params::{Init, Param, Role};
use crate::base::{Config, Error, Result};

/// Which layers an adapter stands beside, and how wide it is.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lora {
    /// The rank: rows of A, columns of B.
    pub r: usize,
    /// What is added counts α/r.
    pub alpha: f32,
    /// The share of an adapter's inputs that is dropped while it trains.
    pub dropout: f32,
    /// The modules' names, or their ends; empty for every linear layer but the head (`all-linear`).
    pub targets: Vec<String>,
}

/// What PEFT calls every linear layer but the head.
pub const ALL_LINEAR: &str = "all-linear";

impl Default for Lora {
    fn default() -> Lora {
        Lora { r: 16, alpha: 32.0, dropout: 0.05, targets: Vec::new() }
    }
}

impl Lora {
    /// What B·A·x counts.
    pub fn scale(&self) -> f32 {
        self.alpha / self.r as f32
    }

    /// Whether it stands beside a parameter: a linear layer's matrix whose module is a target.
    pub fn adapts(&self, param: &Param) -> bool {
        param.in_out().is_some()
            && (self.targets.is_empty() || self.targets.iter().any(|t| is_target(param, t)))
    }

    /// Its two matrices beside a parameter, where it has some there. They start as PEFT starts them: A as `nn.Linear` does
    /// (uniform to 1/√in), B at zero, so that nothing is added yet.
    pub fn beside(&self, param: &Param) -> Option<[Param; 2]> {
        let (inputs, outputs) = param.in_out().filter(|_| self.adapts(param))?;
        let of = |which: &str, shape: [usize; 2], init| Param {
            name: format!("{}.{which}.weight", param.module()),
            shape: shape.to_vec(),
            init,
            role: Role::Adapter,
            ..param.clone()
        };
        let a = of("lora_A", [self.r, inputs], Init::Uniform(1.0 / (inputs as f32).sqrt()));
        Some([a, of("lora_B", [outputs, self.r], Init::Zeros)])
    }

    /// Its matrices beside a whole model, in the order of the model's table.
    pub fn table(&self, config: &Config) -> Vec<Param> {
        config.table().iter().filter_map(|param| self.beside(param)).flatten().collect()
    }

    /// Checks that a model has what it stands beside.
    ///
    /// # Errors
    /// A target that names no linear layer; a rank that is none, or larger than a matrix's own.
    pub fn check(&self, config: &Config) -> Result<()> {
        let table = config.table();
        for target in &self.targets {
            if table.iter().any(|p| p.in_out().is_some() && is_target(p, target)) {
                continue;
            }
            let last = |p: &Param| p.module().rsplit('.').next().unwrap_or_default().to_string();
            let mut names: Vec<String> = table.iter().filter(|p| p.in_out().is_some()).map(last).collect();
            names.sort();
            names.dedup();
            return Err(Error::usage(
                format!("--lora targets={target}: this model has no linear layer of that name"),
                format!("use some of {}, with + between, or {ALL_LINEAR}", names.join(", ")),
            ));
        }
        let smaller = |p: &Param| p.in_out().map(|(i, o)| i.min(o));
        let most = table.iter().filter(|p| self.adapts(p)).filter_map(smaller).min().unwrap_or(1);
        if self.r > most {
            return Err(Error::usage(
                format!("--lora r={}: the smallest of the adapted matrices has rank {most}", self.r),
                format!("use r={most} or less"),
            ));
        }
        Ok(())
    }
}

/// Whether a module's name is a target, or ends in it.
fn is_target(param: &Param, target: &str) -> bool {
    let module = param.module();
    module == target || module.strip_suffix(target).is_some_and(|rest| rest.ends_with('.'))
}

impl std::fmt::Display for Lora {
    /// As `--lora` takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let targets = if self.targets.is_empty() { ALL_LINEAR.into() } else { self.targets.join("+") };
        write!(f, "r={},alpha={},dropout={},targets={targets}", self.r, self.alpha, self.dropout)
    }
}

impl std::str::FromStr for Lora {
    type Err = String;

    /// `r=16,alpha=32,dropout=0.05,targets=q_proj+v_proj`: each may be left out; α is then twice the rank.
    fn from_str(text: &str) -> std::result::Result<Lora, String> {
        let mut lora = Lora::default();
        let mut alpha = None;
        let mut said = Vec::new();
        for word in text.split(',').filter(|_| !text.is_empty()) {
            let Some((key, value)) = word.split_once('=') else {
                return Err(format!(
                    "{word}: use r=16,alpha=32,dropout=0.05,targets={ALL_LINEAR}, or some of them"
                ));
            };
            if said.contains(&key) {
                return Err(format!("{key} is said twice"));
            }
            said.push(key);
            let number = |least: f32| match value.parse::<f32>() {
                Ok(x) if x >= least && x.is_finite() => Ok(x),
                _ => Err(format!("{word}: not a number that {key} can be")),
            };
            match key {
                "r" => {
                    let r = value.parse().ok().filter(|r| *r > 0);
                    lora.r = r.ok_or(format!("{word}: a rank is 1 or more"))?;
                }
                "alpha" => alpha = Some(number(f32::MIN_POSITIVE)?),
                "dropout" => {
                    lora.dropout = number(0.0)
                        .ok()
                        .filter(|p| *p < 1.0)
                        .ok_or(format!("{word}: use 0 or more, and less than 1"))?
                }
                "targets" if value == ALL_LINEAR => {}
                "targets" => lora.targets = value.split('+').map(str::to_string).collect(),
                _ => return Err(format!("{key}: there are r, alpha, dropout and targets")),
            }
        }
        if lora.targets.iter().any(String::is_empty) {
            return Err(format!("targets: give names with + between, or {ALL_LINEAR}"));
        }
        lora.alpha = alpha.unwrap_or(2.0 * lora.r as f32);
        Ok(lora)
    }
}

impl TryFrom<String> for Lora {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Lora, String> {
        text.parse()
    }
}

impl From<Lora> for String {
    fn from(lora: Lora) -> String {
        lora.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;

    #[test]
    fn it_reads_what_it_writes() {
        for text in
            ["r=16,alpha=32,dropout=0.05,targets=all-linear", "r=4,alpha=1.5,dropout=0,targets=q_proj+v_proj"]
        {
            assert_eq!(text.parse::<Lora>().unwrap().to_string(), text);
        }
        assert_eq!("r=8".parse::<Lora>().unwrap().alpha, 16.0);
        assert_eq!("".parse::<Lora>().unwrap(), Lora::default());
        for bad in [
            "r",
            "r=0",
            "r=-1",
            "alpha=0",
            "alpha=x",
            "dropout=1",
            "targets=",
            "targets=a+",
            "rank=3",
            "r=1,r=2",
        ] {
            assert!(bad.parse::<Lora>().is_err(), "{bad}");
        }
    }

    #[test]
    fn targets_are_whole_words_and_a_bare_one_matches_everywhere() {
        let config = Preset::Gpt2.config(50_257);
        let adapted = |targets: &str| {
            let lora: Lora = format!("targets={targets}").parse().unwrap();
            lora.check(&config).map(|()| lora.table(&config).len() / 2).unwrap_or(0)
        };
        assert_eq!(adapted("all-linear"), 48);
        assert_eq!(adapted("c_proj"), 24, "attention's and the MLP's");
        assert_eq!(adapted("mlp.c_proj"), 12);
        assert_eq!(adapted("h.3.attn.c_attn"), 1);
        assert_eq!(adapted("proj"), 0);
        assert_eq!(adapted("q_proj"), 0);
        assert_eq!(adapted("wte"), 0, "the embedding is no linear layer");
        assert!("r=1000".parse::<Lora>().unwrap().check(&config).is_err());
        let [a, b] = &Lora::default().table(&config)[..2] else { panic!() };
        assert_eq!((a.name.as_str(), &a.shape[..]), ("h.0.attn.c_attn.lora_A.weight", &[16, 768][..]));
        assert_eq!((b.name.as_str(), &b.shape[..]), ("h.0.attn.c_attn.lora_B.weight", &[2304, 16][..]));
        let llama = Preset::Smollm2_135m.config(49_152);
        assert_eq!(Lora::default().table(&llama).len(), 2 * 7 * 30);
    }
}
