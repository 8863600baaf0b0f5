//! `diarist explain` as a person runs it: its sums against the closed form, its memory plan against an executor.

use std::process::{Command, Output};

use crate::common::training;
use diarist::base::Preset;
use diarist::base::arch::{Config, Lora, Part, Recompute};
use diarist::device::cpu::Cpu;
use diarist::device::{Choices, Class, Element, Executor, Limits, Options};
use diarist::model::Shape;
use serde_json::Value;

fn explain(args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diarist"));
    command.arg("explain").args(args.split_whitespace()).output().unwrap()
}

fn text(args: &str) -> String {
    let output = explain(args);
    assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &str) -> Value {
    serde_json::from_str(&text(&format!("{args} --json"))).unwrap()
}

/// The error of a command that has to fail, and its exit code.
fn refused(args: &str) -> (String, Option<i32>) {
    let output = explain(args);
    assert!(output.stdout.is_empty(), "{args}");
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

/// Every dispatch of a report.
fn dispatches(report: &Value) -> impl Iterator<Item = &Value> {
    let recordings = report["recordings"].as_array().unwrap();
    recordings.iter().flat_map(|r| r["dispatches"].as_array().unwrap())
}

/// 1% is the issue's. The closed form counts biases and LayerNorm's gains as if they multiplied, 0.1% of GPT-2 and
/// 0.3% of small; beside an adapter it counts too that the first block's queries, keys and values hand a gradient on to the
/// embedding, which nothing asks for: 0.7% of GPT-2. Nothing else is between the two.
#[test]
fn recorded_flops_are_within_a_percent_of_the_closed_form() {
    let llama = |preset: Preset| preset.config(preset.vocab_size().unwrap());
    let cases: [(&str, Config, &str, usize); 10] = [
        ("gpt2", Preset::Gpt2.config(50_257), "", 256),
        ("gpt2", Preset::Gpt2.config(50_257), "", 1024),
        ("small", Preset::Small.config(257), "--batch 3 --kernels lanes", 256),
        ("tiny", Preset::Tiny.config(50_257), "--tokenizer gpt2 --dropout", 100),
        ("gpt2", Preset::Gpt2.config(50_257), "--lora --weights q8_0", 256),
        ("gpt2", Preset::Gpt2.config(50_257), "--freeze embeddings,first=6", 256),
        ("smollm2-135m", llama(Preset::Smollm2_135m), "", 256),
        ("smollm2-135m", llama(Preset::Smollm2_135m), "--lora --recompute", 256),
        ("mistral-7b", llama(Preset::Mistral7b), "--lora --weights q4_1", 512),
        ("phi-2", Preset::Phi2.config(51_200), "", 256),
    ];
    for (preset, config, more, t) in cases {
        let report = json(&format!("--preset {preset} --context {t} {more}"));
        let b = report["batch"].as_u64().unwrap() as f64;
        let trained = match (more.contains("--lora"), more.contains("--freeze")) {
            (true, _) => Lora::default().table(&config),
            (_, true) => config.table().into_iter().filter(|p| p.part >= Part::Block(6)).collect(),
            _ => config.table(),
        };
        let closed = config.train_flops_per_token(&trained, t) * b * t as f64;
        let flops = |part: &str| report["flops"][part].as_f64().unwrap();
        assert!(
            (flops("products") / closed - 1.0).abs() < 0.01,
            "{preset} {t}: {} of {closed}",
            flops("products")
        );
        assert!((flops("closed_form") / closed - 1.0).abs() < 1e-12);
        assert!((flops("ratio") - flops("products") / closed).abs() < 1e-12);

        // What the comparison leaves out is attention's recomputation, half of what attention's six products are, and
        // elementwise work; with it, the parts are the whole.
        let blocks = if more.contains("--freeze") { 6 } else { config.n_layer() };
        let channels = (blocks * config.n_head() * config.head_size()) as f64;
        let attention = 6.0 * channels * (t as f64 + 1.0) * b * t as f64;
        if more.contains("--recompute") {
            // Forward once more, but for the last of each block's seven matrices: 2 of the 4 + 6·A/N that an adapter takes.
            let again = (flops("recomputed") - attention / 2.0) / flops("products");
            assert!((0.25..0.40).contains(&again), "{again}");
        } else {
            assert_eq!(flops("recomputed"), attention / 2.0);
        }
        let total: u64 = dispatches(&report).map(|d| d["flops"].as_u64().unwrap()).sum();
        assert_eq!(report["flops"]["total"].as_u64(), Some(total));
        assert_eq!(flops("products") + flops("recomputed") + flops("other"), total as f64);
    }
}

#[test]
fn planned_bytes_are_the_bytes_that_are_allocated() {
    let report = json("--preset tiny --batch 2 --context 64 --kernels lanes");
    let planned = report["memory"]["bytes"].as_u64().unwrap();
    let kinds = report["memory"]["by_kind"].as_object().unwrap();
    assert_eq!(kinds.values().map(|b| b.as_u64().unwrap()).sum::<u64>(), planned);

    let config = Preset::Tiny.config(257);
    // What trains lies in flat buffers: their parts start at multiples of 256 bytes.
    let most = 255 * config.table().len() as u64;
    for (kind, times) in [("parameters", 1), ("gradients", 1), ("moments", 2)] {
        let gaps = kinds[kind].as_u64().unwrap() - times * 4 * config.num_params();
        assert!(gaps <= times * most, "{kind}: {gaps} bytes between the parts");
    }
    let limits = Limits::DEFAULT;
    let choices = Choices::of(Class::Lanes, &limits);
    let mut program = training(&Shape::new(config, 2, 64, limits, choices));
    program.recordings.retain(|r| r.name != "evaluate");
    let executor = Cpu::new(program, Options::default()).unwrap();
    assert_eq!(planned, executor.allocated());
    assert_eq!(report["memory"]["buffers"].as_u64(), Some(executor.plan().slots.len() as u64));
}

/// Of a frozen base and its adapter too, for either family.
#[test]
fn an_adapters_plan_is_what_is_allocated() {
    let small = Preset::Tiny.config(257);
    let limits = Limits::DEFAULT;
    let choices = Choices::of(Class::Lanes, &limits);
    for (weights, recompute, more) in
        [(Element::F32, Recompute::Gelu, ""), (Element::Q4_1, Recompute::Block, "--weights q4_1 --recompute")]
    {
        let report = json(&format!("--preset tiny --batch 2 --context 64 --kernels lanes --lora r=4 {more}"));
        let lora = Some("r=4".parse().unwrap());
        let shape = Shape::new(small, 2, 64, limits, choices.clone());
        let shape = Shape { lora, weights, recompute, dropout: true, ..shape };
        let mut program = training(&shape);
        program.recordings.retain(|r| r.name != "evaluate");
        let executor = Cpu::new(program, Options::default()).unwrap();
        assert_eq!(report["memory"]["bytes"].as_u64(), Some(executor.allocated()));
        let adapter: usize = shape.adapters().iter().map(|p| p.numel()).sum();
        assert_eq!(report["adapter_parameters"].as_u64(), Some(adapter as u64));
        assert_eq!(report["weights"], weights.name());
    }
}

#[test]
fn a_llama_is_listed_as_it_is() {
    let report = json("--preset smollm2-135m --context 16 --lora --weights q8_0");
    assert_eq!(report["config"]["vocab_size"], 49_152);
    assert_eq!(report["lora"], "r=16,alpha=32,dropout=0.05,targets=all-linear");
    let labels: Vec<&str> = dispatches(&report).map(|d| d["label"].as_str().unwrap()).collect();
    assert!(labels.contains(&"layers.29.mlp.down_proj.lora_B.forward"));
    let folded = text("--preset smollm2-135m --context 16 --lora --weights q8_0");
    for says in [
        "layers.2 … layers.29",
        "as layers.1",
        "9 heads on 3",
        "an adapter of 4,884,480",
        "q8_0",
        "4·N + 6·A",
    ] {
        assert!(folded.contains(says), "{says} is not in\n{folded}");
    }
    assert!(folded.lines().count() < labels.len() / 4, "thirty layers are folded");
    // A Llama may know 32,768 positions, of which a whole step says little.
    assert_eq!(json("--preset mistral-7b --lora --weights q4_1")["context"], 2048);
    let twice = text("--preset tiny --context 16 --lora --recompute");
    for says in
        ["h.0.again.attn.c_attn.forward", "blocks computed twice", "blocks and attention's products, again"]
    {
        assert!(twice.contains(says), "{says} is not in\n{twice}");
    }
}

#[test]
fn what_fits_is_told_for_a_preset_and_for_all() {
    let report = json("--fits --preset mistral-7b --memory 8GB");
    let cells = report["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2 * 5 * 4);
    let cell = |lora: bool, weights: &str, recompute: &str, context: u64| {
        let found = cells.iter().find(|c| {
            c["lora"].is_string() == lora
                && c["weights"] == weights
                && c["recompute"] == recompute
                && c["context"] == context
        });
        found.unwrap()
    };
    let bytes = |c: &Value| c["bytes"].as_u64().unwrap();
    // The issue's: under 8·10⁹ bytes.
    assert!(bytes(cell(true, "q4_1", "block", 512)) < 8_000_000_000);
    assert!(bytes(cell(true, "q4_1", "block", 2048)) < 8_000_000_000);
    assert!(cells.iter().filter(|c| !c["bytes"].is_null()).all(|c| c["fits"] == (bytes(c) <= 8_000_000_000)));
    // Of its 7.2 thousand million parameters a matrix alone is larger than a binding, in single precision.
    assert!(cell(false, "f32", "gelu", 512)["bytes"].is_null());
    let most = bytes(cell(true, "f16", "gelu", 2048));
    assert!(most > bytes(cell(true, "q8_0", "gelu", 2048)) && most > bytes(cell(true, "f16", "gelu", 256)));

    let all = text("--fits --memory 1GB");
    for says in [
        "tiny, T = 256",
        "gpt2-xl, T = 1024",
        "smollm2-135m, T = 1024",
        "whole, f32",
        "LoRA, q4_1",
        "in brackets: more than 953.7 MiB",
    ] {
        assert!(all.contains(says), "{says} is not in\n{all}");
    }
    let row = |name: &str| all.lines().find(|l| l.starts_with(name)).unwrap();
    assert!(!row("tiny").contains('(') && row("gpt2, ").matches('(').count() == 2, "{all}");
    assert_eq!(row("mistral-7b").matches('(').count() + row("mistral-7b").matches('—').count(), 5);
}

#[test]
fn an_adapter_that_some_presets_cannot_have_leaves_those_out() {
    let told = text("--fits --memory 1GB --lora targets=q_proj+v_proj");
    assert!(told.contains("mistral-7b, T = 1024") && !told.contains("gpt2-xl, T"), "{told}");
    let left_out = told.lines().find(|line| line.starts_with("left out: ")).unwrap();
    for says in ["tiny", "gpt2-xl", "--lora targets=q_proj: this model has no linear layer of that name"] {
        assert!(left_out.contains(says), "{says} is not in\n{told}");
    }
    let report = json("--fits --memory 1GB --lora targets=c_fc");
    assert!(report["without"][0]["presets"].as_array().unwrap().contains(&"mistral-7b".into()), "{report}");
    let (error, code) = refused("--fits --lora targets=query");
    assert_eq!(code, Some(2), "{error}");
    for says in ["no preset can have this adapter", "for tiny", "c_attn, c_fc", "mistral-7b: use", "q_proj"] {
        assert!(error.contains(says), "{says} is not in\n{error}");
    }
}

#[test]
fn the_whole_step_is_listed() {
    let report = json("--preset tiny --context 32 --dropout");
    let names: Vec<&str> =
        report["recordings"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["zero", "micro_step", "update"]);
    let labels: Vec<&str> = dispatches(&report).map(|d| d["label"].as_str().unwrap()).collect();

    // The full list has a line a dispatch, in order; the folded one says which layers are as the one before.
    let all = text("--preset tiny --context 32 --dropout --all");
    let mut lines = all.lines();
    for label in &labels {
        assert!(
            lines.any(|l| l.split_whitespace().next() == Some(label)),
            "{label} is missing, or out of order"
        );
    }
    let folded = text("--preset tiny --context 32 --dropout");
    for line in ["h.2 … h.3", "h.2 … h.0", "planned = allocated", "closed form", "activations"] {
        assert!(folded.contains(line), "{line} is not in\n{folded}");
    }
    // What repeats is folded: of four layers, two are a row forth, and three a row back.
    assert!(folded.lines().count() < labels.len() * 3 / 4, "{folded}");
    assert!(folded.lines().all(|l| !l.ends_with(' ')));

    // Shapes and access are there for other programs.
    let forward = dispatches(&report).find(|d| d["label"] == "h.1.attn.c_attn.forward").unwrap();
    assert_eq!(forward["tensors"][1]["name"], "h.1.attn.c_attn.weight");
    assert_eq!(forward["tensors"][1]["shape"], serde_json::json!([192, 576]));
    assert_eq!(forward["tensors"][3]["access"], "write");
    let weight = dispatches(&report).find(|d| d["label"] == "h.1.attn.c_attn.backward_weight").unwrap();
    assert_eq!(weight["tensors"][2]["access"], "update");
}

#[test]
fn small_limits_cut_the_embedding() {
    let whole = json("--preset tiny --tokenizer gpt2 --context 16 --limits 64MiB");
    let cut = json("--preset tiny --tokenizer gpt2 --context 16 --limits 1MiB");
    let embeddings = |report: &Value| dispatches(report).filter(|d| d["label"] == "encoded.forward").count();
    let updates = |report: &Value| dispatches(report).filter(|d| d["kernel"] == "adamw").count();
    assert_eq!((embeddings(&whole), updates(&whole)), (1, 2), "what decays, and what does not");
    // 50,257 rows of 192 numbers are 37 MiB.
    assert!(embeddings(&cut) >= 37 && updates(&cut) > 37, "{} {}", embeddings(&cut), updates(&cut));
}

#[test]
fn muon_is_listed_and_priced() {
    let [adamw, muon] =
        ["adamw", "muon"].map(|o| json(&format!("--preset tiny --context 16 --optimizer {o}")));
    assert_eq!(muon["optimizer"], "muon");
    let updates = dispatches(&muon).filter(|d| d["kernel"] == "muon_update").count();
    assert_eq!(updates, 4 * (3 + 3), "q, k and v apart, and three more matrices in each of four blocks");
    // Its products are no part of what the closed form counts, and it has one moment less of its matrices.
    assert_eq!(adamw["flops"]["products"], muon["flops"]["products"]);
    assert!(muon["flops"]["other"].as_u64() > adamw["flops"]["other"].as_u64());
    let moments = |report: &Value| report["memory"]["by_kind"]["moments"].as_u64().unwrap();
    assert_eq!(moments(&adamw) - moments(&muon), 4 * 4 * 12 * 192 * 192);
    assert!(text("--preset tiny --context 16 --optimizer muon").contains("Muon and AdamW"));
}

#[test]
fn a_kernel_is_printed_as_it_is_built() {
    for (kernels, name) in
        [("lanes", "matmul_lanes"), ("tiles", "layernorm_backward_input"), ("tiles", "kv_append")]
    {
        let args = format!("--preset tiny --kernels {kernels} --kernel {name}");
        let report = json(&args);
        let built = report["built"].as_array().unwrap();
        assert!(!built.is_empty());
        let whole = text(&args);
        for variant in built {
            let wgsl = variant["wgsl"].as_str().unwrap();
            let module = naga::front::wgsl::parse_str(wgsl).unwrap();
            assert!(module.entry_points.iter().any(|e| e.name == name));
            assert!(whole.contains(wgsl));
            for (constant, value) in variant["constants"].as_object().unwrap() {
                let value = value.to_string().replace('"', "");
                let lines = ["const", "alias", "fn"].map(|word| format!("{word} {constant}"));
                let line = wgsl.lines().find(|l| lines.iter().any(|start| l.starts_with(start))).unwrap();
                let value = if line.starts_with("fn") { value } else { format!("= {value}") };
                assert!(line.contains(&value), "{line} is not {value}");
            }
            assert!(variant["used_by"][0].as_str().unwrap().contains(": "));
        }
    }
    // A product that adds and one that does not are two texts.
    assert!(
        json("--preset tiny --kernels lanes --kernel matmul_lanes")["built"].as_array().unwrap().len() > 1
    );
}

#[test]
fn what_cannot_be_is_refused_with_the_next_step() {
    let (error, code) = refused("--preset tiny --context 257");
    assert!(error.contains("tiny knows 256 positions") && error.contains("next: use 1 to 256"), "{error}");
    assert_eq!(code, Some(1));
    let (error, code) = refused("--preset tiny --context 0");
    assert!(error.contains("--context 0"), "{error}");
    assert_eq!(code, Some(1));
    let (error, code) = refused("--preset gpt2 --context 8 --limits 64KiB");
    assert!(error.contains("in one piece") && error.contains("next:"), "{error}");
    assert_eq!(code, Some(1));
    let (error, code) = refused("--preset tiny --kernel matmull");
    assert!(error.contains("no kernel matmull") && error.contains("gelu_forward"), "{error}");
    assert_eq!(code, Some(1));
    let (error, code) = refused("--preset gpt2 --lora targets=q_proj");
    assert!(error.contains("no linear layer") && error.contains("c_attn"), "{error}");
    assert_eq!(code, Some(2));
    for usage in [
        "--weights q8_0",
        "--lora --freeze embeddings",
        "--lora r=0",
        "--fits --all",
        "--memory 8GB",
        "--limits plenty",
        "--batch 0",
        "--preset enormous",
        "--kernels fast",
    ] {
        assert_eq!(refused(usage).1, Some(2), "{usage}");
    }
}
