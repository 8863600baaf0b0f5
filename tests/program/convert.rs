//! A run's model into every form and back: `convert`, `info`, and the commands that use what they wrote.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

fn run(cwd: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("HF_HOME", cwd.join("hf-home")).args(args);
    command.output().unwrap()
}

fn good(cwd: &Path, args: &[&str]) -> String {
    let output = run(cwd, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(cwd: &Path, code: i32, args: &[&str], says: &[&str]) {
    let output = run(cwd, args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(
        says.iter().all(|word| stderr.contains(word)) && !stderr.contains("panicked"),
        "{args:?}: {stderr}"
    );
}

/// A run of a few steps over an invented diary, as `me`.
fn trained(cwd: &Path, more: &[&str]) {
    let days = (1..=30)
        .map(|day| format!("2021-03-{day:02}\nRain till {}, and the river was loud.\n\n", day % 7 + 3));
    std::fs::write(cwd.join("diary.txt"), days.collect::<String>()).unwrap();
    let args = [
        "train",
        "diary.txt",
        "--from",
        "scratch",
        "--steps",
        "3",
        "--context",
        "16",
        "--device",
        "cpu",
        "--no-cache",
        "--out",
        "me",
    ];
    good(cwd, &[&args[..], more].concat());
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn there_and_back_every_bit_is_the_same() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    trained(cwd, &[]);
    let model = bytes(&cwd.join("me/model.safetensors"));
    let greedy = |what: &str| {
        good(
            cwd,
            &[
                "sample",
                what,
                "--prompt",
                "Rain",
                "--temperature",
                "0",
                "--max-tokens",
                "20",
                "--device",
                "cpu",
            ],
        )
    };
    let loss = |what: &str| good(cwd, &["eval", what, "--ids", "ids.json", "--json", "--device", "cpu"]);
    std::fs::write(cwd.join("ids.json"), "[82, 97, 105, 110, 32, 116, 105, 108, 108, 32, 51, 256]").unwrap();
    let (text, score) = (greedy("me"), loss("me"));
    for (out, more, ids_alone) in [
        ("hf", &["--to", "hf"][..], false),
        ("me.gguf", &["--dtype", "f32", "--modelfile"], false),
        ("me.pt", &[], true),
        ("me.bin", &[], true),
    ] {
        good(cwd, &[&["convert", "me", out], more].concat());
        assert_eq!(loss(out), score, "{out}");
        if !ids_alone {
            assert_eq!(greedy(out), text, "{out}");
        }
        let back = format!("{out}.back");
        good(cwd, &["convert", out, &back, "--to", "hf"]);
        assert_eq!(bytes(&cwd.join(&back).join("model.safetensors")), model, "{out}");
        let told: Value = serde_json::from_str(&good(cwd, &["info", out, "--json"])).unwrap();
        assert_eq!(told["model"]["config"]["n_embd"], 192, "{out}");
        assert!(good(cwd, &["info", out, "--tensors"]).contains("h.3.mlp.c_proj.bias"), "{out}");
    }
    assert!(good(cwd, &["info", "me"]).contains("step 3 of 3, finished"));
    // What others may be given, and what they may not.
    let mut names: Vec<String> = std::fs::read_dir(cwd.join("hf"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "README.md",
            "config.json",
            "generation_config.json",
            "merges.txt",
            "model.safetensors",
            "special_tokens_map.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "vocab.json"
        ]
    );
    let card = String::from_utf8(bytes(&cwd.join("hf/README.md"))).unwrap();
    assert!(
        card.contains("30 entries") && card.contains("3 of 3 steps") && !card.contains("diary.txt"),
        "{card}"
    );
    // A folder's own files go along as they are: the card, which warns, and the tokenizer's.
    std::fs::write(cwd.join("hf/chat_template.jinja"), "{{ messages[0].content }}").unwrap();
    good(cwd, &["convert", "hf", "again", "--to", "hf", "--dtype", "bf16"]);
    for name in ["README.md", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
        assert_eq!(bytes(&cwd.join("again").join(name)), bytes(&cwd.join("hf").join(name)), "{name}");
    }
    good(cwd, &["convert", "hf", "with.gguf"]);
    good(cwd, &["convert", "with.gguf", "from-gguf", "--to", "hf"]);
    assert_eq!(bytes(&cwd.join("from-gguf/chat_template.jinja")), b"{{ messages[0].content }}");
    std::fs::write(cwd.join("me/run.json"), "{").unwrap();
    refused(cwd, 1, &["convert", "me", "damaged", "--to", "hf"], &["run.json"]);
    assert!(!cwd.join("damaged").exists());
    assert!(String::from_utf8(bytes(&cwd.join("Modelfile"))).unwrap().starts_with("FROM ./me.gguf\n"));
    assert!(good(cwd, &["info", "me.gguf"]).contains("chat template"));
}

#[test]
fn rounded_numbers_are_rounded_once() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    trained(cwd, &[]);
    for (dtype, name) in [("f16", "float16"), ("bf16", "bfloat16")] {
        let (half, whole, again) =
            (format!("{dtype}.half"), format!("{dtype}.whole"), format!("{dtype}.again"));
        good(cwd, &["convert", "me", &half, "--to", "hf", "--dtype", dtype]);
        let config: Value = serde_json::from_slice(&bytes(&cwd.join(&half).join("config.json"))).unwrap();
        assert_eq!(config["dtype"], name);
        good(cwd, &["convert", &half, &whole, "--to", "hf"]);
        good(cwd, &["convert", &whole, &again, "--to", "hf", "--dtype", dtype]);
        let file = |folder: &str| bytes(&cwd.join(folder).join("model.safetensors"));
        assert_eq!(file(&half), file(&again), "{dtype}");
        // Half the size, but for the header.
        assert!((2 * file(&half).len()).abs_diff(file(&whole).len()) < 10_000);
    }
    let loss = |what: &str| -> f64 {
        let told = good(cwd, &["eval", what, "--text", "diary.txt", "--json", "--device", "cpu"]);
        serde_json::from_str::<Value>(&told).unwrap()["loss"].as_f64().unwrap()
    };
    let whole = loss("me");
    for (dtype, most) in [("f16", 1e-3), ("bf16", 1e-2), ("q8_0", 1e-2), ("q4_1", 0.2)] {
        let out = format!("{dtype}.gguf");
        good(cwd, &["convert", "me", &out, "--dtype", dtype]);
        // Rounding moves weights by 2^-12, 2^-9, 2^-8 and 2^-5 of themselves at most, and the loss of a model that was
        // hardly trained by less than so many times a nat.
        assert!((loss(&out) - whole).abs() < most, "{dtype}: {} {whole}", loss(&out));
    }
}

#[test]
fn what_cannot_be_converted_is_refused_before_anything_is_written() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    trained(cwd, &[]);
    std::fs::write(cwd.join("there.gguf"), "kept").unwrap();
    std::fs::create_dir(cwd.join("folder")).unwrap();
    std::fs::write(cwd.join("Modelfile"), "kept").unwrap();
    refused(cwd, 1, &["convert", "me", "there.gguf"], &["nothing is overwritten"]);
    refused(cwd, 1, &["convert", "me", "folder", "--to", "hf"], &["nothing is overwritten"]);
    refused(cwd, 1, &["convert", "me", "new.gguf", "--modelfile"], &["Modelfile", "nothing is overwritten"]);
    refused(cwd, 2, &["convert", "me", "a\nFROM b.gguf", "--modelfile"], &["plain name"]);
    refused(cwd, 2, &["convert", "me", "new"], &["--to hf"]);
    refused(cwd, 2, &["convert", "me", "new.bin", "--dtype", "f16"], &["f32, bf16"]);
    refused(cwd, 2, &["convert", "me", "new", "--to", "hf", "--dtype", "q8_0"], &["f32, f16, bf16"]);
    refused(cwd, 2, &["convert", "me", "new.pt", "--modelfile"], &["--to gguf"]);
    refused(cwd, 1, &["convert", "gone", "new.gguf"], &["gone", "next: "]);
    refused(cwd, 1, &["convert", "diary.txt", "new.gguf"], &["no model", "next: "]);
    refused(cwd, 1, &["info", "diary.txt"], &["no model", "next: "]);
    refused(cwd, 1, &["info", "gone"], &["next: "]);
    // A chat template that is none, and what has no end.
    std::fs::write(cwd.join("broken.jinja"), "{% for m in messages %}{{ m.content }").unwrap();
    std::fs::write(cwd.join("empty.jinja"), " \n").unwrap();
    for file in ["broken.jinja", "empty.jinja", "/dev/zero", "gone.jinja"] {
        refused(cwd, 1, &["convert", "me", "new.gguf", "--chat-template", file], &[file, "next: "]);
    }
    for name in ["new", "new.gguf", "new.bin", "new.pt"] {
        assert!(!cwd.join(name).exists(), "{name}");
    }
    assert_eq!(
        (bytes(&cwd.join("there.gguf")), bytes(&cwd.join("Modelfile"))),
        (b"kept".to_vec(), b"kept".to_vec())
    );
    assert_eq!(std::fs::read_dir(cwd.join("folder")).unwrap().count(), 0);
}

/// The fixtures' small GPT-2 and adapters that peft wrote beside it.
fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/forms/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn adapters_are_merged_laid_on_and_taken_along() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    let (all, base, regex) = (fixture("peft/all"), fixture("peft/base"), fixture("peft/regex"));
    std::fs::write(cwd.join("ids.json"), "[1,2,3,4,5,6]").unwrap();
    let loss = |more: &[&str]| -> f64 {
        let args = [&["eval"], more, &["--ids", "ids.json", "--device", "cpu", "--json"]].concat();
        let said: Value = serde_json::from_str(&good(cwd, &args)).unwrap();
        said["loss"].as_f64().unwrap()
    };
    good(cwd, &["merge", &all, "--out", "merged"]);
    // A run's folder is its own.
    std::fs::create_dir(cwd.join("run")).unwrap();
    std::fs::write(cwd.join("run/run.json"), "{}").unwrap();
    let own = ["run/merged", "a run's own folder", "next: give another place, such as", "run-made"];
    refused(cwd, 1, &["merge", &all, "--out", "run/merged"], &own);
    refused(cwd, 1, &["convert", &base, "run/merged", "--to", "hf"], &own);
    refused(cwd, 1, &["convert", &base, "run/merged.gguf"], &own[1..]);
    assert_eq!(std::fs::read_dir(cwd.join("run")).unwrap().count(), 1);
    let merged = bytes(&cwd.join("merged/model.safetensors"));
    // Whichever way the two come together, every bit is the same.
    good(cwd, &["convert", &all, "alone.gguf", "--to", "gguf-lora"]);
    for (i, args) in [
        &["convert", &all, "OUT", "--to", "hf"][..],
        &["merge", &base, "--adapter", &all, "--out", "OUT"],
        &["merge", &all, "--base", &base, "--out", "OUT"],
        &["merge", "alone.gguf", "--base", &base, "--out", "OUT"],
        &["merge", &base, "--adapter", "alone.gguf", "--adapter-scale", "1", "--out", "OUT"],
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("out-{i}");
        let args: Vec<&str> = args.iter().map(|arg| if *arg == "OUT" { &out } else { *arg }).collect();
        good(cwd, &args);
        assert!(bytes(&cwd.join(&out).join("model.safetensors")) == merged, "{args:?}");
    }
    assert!(std::fs::read_to_string(cwd.join("merged/README.md")).unwrap().contains("LoRA"));
    let laid_on = loss(&[&base, "--adapter", &all]);
    // Beside it and merged, the sums are made in another order: a few units of 2⁻²⁴.
    assert!((laid_on - loss(&["merged"])).abs() < 1e-5, "{laid_on}");
    let both = [&base, "--adapter", &all, "--adapter", &regex];
    let scaled = loss(&[&both[..], &["--adapter-scale", "0", "--adapter-scale", "-1"]].concat());
    let losses = [
        laid_on,
        loss(&[&base]),
        loss(&both),
        loss(&[&both[..], &["--adapter-scale", "0.5"]].concat()),
        scaled,
    ];
    for (i, a) in losses.iter().enumerate() {
        assert!(losses[..i].iter().all(|b| a != b), "{losses:?}");
    }
    assert_eq!(loss(&[&both[..], &["--adapter-scale", "0"]].concat()), losses[1]);
    let info: Value =
        serde_json::from_str(&good(cwd, &["info", &base, "--adapter", &all, "--json"])).unwrap();
    assert_eq!(info["about"]["with adapters"], "8 tensors changed");

    let llama = fixture("peft_llama/all");
    for (code, args, says) in [
        (1, &["merge", &base, "--out", "new"][..], &["nothing to merge", "--adapter"][..]),
        (1, &["merge", &all, "--out", "merged"], &["already"]),
        (1, &["merge", &base, "--adapter", "none", "--out", "new"], &["no such adapter"]),
        (
            1,
            &["merge", &base, "--adapter", &llama, "--out", "new"],
            &["no matrix of the model", "trained beside"],
        ),
        (1, &["merge", "alone.gguf", "--out", "new"], &["no model by itself", "--adapter"]),
        (2, &["merge", &all, "--out", "new", "--dtype", "q8_0"], &["q8_0"]),
        (2, &["merge", &base, "--adapter-scale", "2", "--out", "new"], &["--adapter"]),
        (
            2,
            &[
                "merge",
                &base,
                "--adapter",
                &all,
                "--adapter-scale",
                "1",
                "--adapter-scale",
                "2",
                "--out",
                "new",
            ],
            &["one for each"],
        ),
        (2, &["merge", &base, "--adapter", &all, "--adapter-scale", "nan", "--out", "new"], &["no number"]),
        (1, &["convert", &base, "new", "--to", "gguf-lora"], &["no adapter on it"]),
        (1, &["convert", &fixture("peft/saved"), "new", "--to", "gguf-lora"], &["4 parameters", "merge it"]),
        (1, &["convert", &fixture("peft/positions"), "new", "--to", "gguf-lora"], &["wpe.weight"]),
    ] {
        refused(cwd, code, args, says);
        assert!(!cwd.join("new").exists());
    }
}
