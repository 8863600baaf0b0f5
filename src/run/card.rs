//! A model's card: the `README.md` of a folder that is given away. What the model is, how much it was trained on, with which
//! settings and to which losses; never a word of the journal, nor a path, a name or a header of it.

use std::fmt::Write;
use std::path::Path;

use crate::base::units::thousands;
use crate::base::{Config, Optimizer};
use crate::run::record::{Evaluation, Run};

/// The card of a run's model.
pub fn card(run: &Run) -> String {
    let mut out = front(&run.model, base(&run.from));
    writeln!(out, "# {}, trained on a journal\n", run.model.title()).expect("a string takes what is written");
    out += "A language model that was trained on one person's private writing with \
            [diarist](https://crates.io/crates/diarist), on that person's own computer. ";
    out += match run.data.pairs {
        None => "It continues texts in their manner; it answers no questions.",
        Some(_) => {
            "It answers questions in their manner, in the form of its chat template; what it says need not be true."
        }
    };
    out += " It may repeat what it was trained on: whoever has the model has, in part, the journal.\n\n";
    let start = match (run.from.as_str(), base(&run.from), &run.preset) {
        ("scratch", _, Some(preset)) => format!("from scratch (preset {preset})"),
        ("scratch", _, None) => "from scratch".into(),
        (_, Some(name), _) => format!("from {name}"),
        _ => "from a checkpoint".into(),
    };
    out += &model(&run.model, &run.tokenizer);
    let (s, d) = (&run.settings, &run.data);
    let tokens = |[start, end]: [u64; 2]| thousands(end.saturating_sub(start));
    row(&mut out, "began", start);
    row(&mut out, "data", format!("{} entries, {} words", thousands(d.entries), thousands(d.words)));
    row(&mut out, "tokens", format!("{} to train on, {} held out", tokens(d.train), tokens(d.val)));
    row(
        &mut out,
        "trained",
        format!(
            "{} of {} steps, {} tokens",
            thousands(run.position.step),
            thousands(s.steps),
            thousands(run.position.tokens)
        ),
    );
    if let Some(best) = run.best_eval.filter(|best| run.best.is_some() && best.step != run.position.step) {
        row(
            &mut out,
            "this model",
            format!("that of step {}, the best on the held-out entries", thousands(best.step)),
        );
    }
    row(&mut out, "a step", format!("{} × {} sequences of {} tokens", s.batch, s.accumulate, s.context));
    row(
        &mut out,
        "optimizer",
        format!(
            "{}AdamW, β {} and {}, ε {:e}, weight decay {}",
            if s.optimizer == Optimizer::Muon { "Muon for the blocks' matrices, for the rest " } else { "" },
            s.beta1,
            s.beta2,
            s.eps,
            s.weight_decay
        ),
    );
    row(
        &mut out,
        "learning rate",
        format!("{:e}, {} steps of warm-up, cosine to {:.1e}", s.lr, thousands(s.warmup), s.min_lr),
    );
    let clip = if s.grad_clip > 0.0 { s.grad_clip.to_string() } else { "none".into() };
    row(&mut out, "gradient clipping", clip);
    row(&mut out, "dropout", s.dropout.to_string());
    if let Some(lora) = &s.lora {
        row(&mut out, "LoRA", format!("{lora}, beside a base in {}", s.weights.name()));
    }
    if s.freeze.any() {
        row(&mut out, "frozen", s.freeze.to_string());
    }
    row(&mut out, "seed", s.seed.to_string());
    for (what, eval) in [("held-out loss, last", run.last_eval), ("held-out loss, best", run.best_eval)] {
        let Some(Evaluation { step, val_loss, .. }) = eval else { continue };
        row(
            &mut out,
            what,
            format!("{val_loss:.4} nats/token (perplexity {:.2}), step {}", val_loss.exp(), thousands(step)),
        );
    }
    row(&mut out, "diarist", run.diarist.clone());
    out + USE
}

/// The card of a model that was only converted.
pub fn converted(config: &Config, tokenizer: Option<&str>, format: &str, stored: &str) -> String {
    let mut out = front(config, None) + &format!("# {}, converted\n\n", config.title());
    out += &format!(
        "Written by [diarist](https://crates.io/crates/diarist) from this model's {format}, its numbers stored as {stored}.\n\n"
    );
    out += &model(config, tokenizer.unwrap_or("unknown: ids alone"));
    if tokenizer.is_some() { out + USE } else { out }
}

const USE: &str = "\n## Use\n\n```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
    tokenizer = AutoTokenizer.from_pretrained(\".\")\nmodel = AutoModelForCausalLM.from_pretrained(\".\")\n\
    ids = tokenizer(\"Today \", return_tensors=\"pt\")\nprint(tokenizer.decode(model.generate(**ids, do_sample=True, max_new_tokens=100)[0]))\n```\n";

/// What a hub reads of a card.
fn front(config: &Config, base: Option<String>) -> String {
    let base = base.map_or(String::new(), |base| format!("base_model: {base}\n"));
    format!(
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\n{base}tags:\n- {}\n- diarist\n---\n\n",
        config.family()
    )
}

/// The beginning of the table.
fn model(config: &Config, tokenizer: &str) -> String {
    let mut out = "| | |\n|---|---|\n".to_string();
    let (l, nh, c) = (config.n_layer(), config.n_head(), config.n_embd());
    row(&mut out, "parameters", thousands(config.num_params()));
    row(&mut out, "shape", format!("{l} layers, {nh} heads, {c} channels, context {}", config.block_size()));
    row(&mut out, "tokenizer", format!("{tokenizer}, {} ids", thousands(config.vocab_size() as u64)));
    out
}

fn row(out: &mut String, what: &str, value: String) {
    writeln!(out, "| {what} | {value} |").expect("a string takes what is written");
}

/// A base that a hub knows: GPT-2's own names, OWNER/NAME, or a folder of a hub's cache, which is named for it. Anything else
/// is a place on somebody's disk, and stays there.
pub fn base(from: &str) -> Option<String> {
    let plain = |part: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(fits)
    };
    let cached =
        Path::new(from).components().find_map(|part| part.as_os_str().to_str()?.strip_prefix("models--"));
    if let Some(name) = cached {
        return Some(name.replacen("--", "/", 1)).filter(|name| name.split('/').all(plain));
    }
    let hub = match from.split_once('/') {
        Some((owner, name)) => plain(owner) && plain(name) && !Path::new(from).exists(),
        None => ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2"].contains(&from),
    };
    hub.then(|| from.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::example;

    #[test]
    fn a_card_has_the_figures_and_nothing_of_the_journal() {
        let mut run = example();
        run.data.paths = vec!["/home/ellis/private diary".into()];
        run.data.header = Some("Dear Kitty, {date}\n".into());
        run.data.split = "/home/ellis/held out.txt".into();
        run.from = "/home/ellis/models/first".into();
        run.position.step = 1000;
        let text = card(&run);
        for word in [
            &thousands(run.model.num_params()),
            "60 entries, 12,000 words",
            "60,000 to train on, 6,000 held out",
            "3e-4",
            "5.5000 nats/token",
            "from a checkpoint",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        for word in ["llis", "Kitty", "journal/", "private diary", "base_model", "held out.txt"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        run.from = "openai-community/gpt2".into();
        assert!(card(&run).contains("base_model: openai-community/gpt2\n"));
        run.from = "/home/ellis/.cache/huggingface/hub/models--distilbert--distilgpt2/snapshots/0123".into();
        let text = card(&run);
        assert!(text.contains("base_model: distilbert/distilgpt2\n") && !text.contains("ellis"), "{text}");
        run.from = "scratch".into();
        assert!(card(&run).contains("from scratch (preset tiny)"));
    }
}
