//! What a run tells while it trains: to a person who wants quiet, to a program, and in its folder.

use std::path::Path;

use serde_json::Value;

fn diarist(cwd: &Path, args: &str) -> (String, String) {
    let out = assert_cmd::Command::cargo_bin("diarist")
        .unwrap()
        .current_dir(cwd)
        .env("NODEVICE_SELECT", "1")
        .args(args.split_whitespace())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success(), "{stderr}");
    (stdout, stderr)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn a_program_and_a_person_who_wants_quiet() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let journal = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/journal");
    std::fs::write(cwd.join("prompts.txt"), "Rain.\\n\n\nI said\n").unwrap();
    let train = format!(
        "train {} --from scratch --device cpu --context 16 --batch 1 --steps 4 --eval-every 2 --sample-every 4 --save-every 2 \
         --val-fraction 0.01 --health --out run --prompt-file prompts.txt",
        journal.display()
    );
    let (stdout, stderr) = diarist(cwd, &format!("{train} --json --quiet"));
    let told = lines(&stdout);
    let events: Vec<&str> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    let rest = ["step", "eval", "saved"];
    let [step, eval, saved] = rest;
    let expected = [saved, step, step, eval, saved, step, step, eval, "sample", "sample", saved, "done"]
        .map(String::from);
    assert_eq!(
        events.iter().filter(|event| **event != "warning").collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    let of = |name: &str| told.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!(
        of("sample").iter().map(|sample| &sample["prompt"]).collect::<Vec<_>>(),
        ["Rain.\n", "I said"]
    );
    assert_eq!(of("saved")[2]["dir"], "run/state/4");
    assert!(of("step").iter().all(|step| step["memory"].as_u64() > Some(1 << 20)));
    assert_eq!((&of("done")[0]["dir"], &of("done")[0]["interrupted"]), (&"run".into(), &false.into()));
    // Nothing but warnings and the verdict, which is what `done` says too.
    assert!(
        stderr.contains("verdict  ") && !stderr.contains("journal  ") && !stderr.contains("tokens/s"),
        "{stderr}"
    );
    assert!(stderr.contains(of("done")[0]["verdict"][0].as_str().unwrap()), "{stderr}");

    // A version after it tells as much.
    std::fs::create_dir(cwd.join("more")).unwrap();
    let entry =
        "The weir ran high and brown all day, and nobody came down the lane but the postman.\n".repeat(4);
    std::fs::write(cwd.join("more/2031-02-03.md"), entry).unwrap();
    let again = "train --continue run more --steps 2 --device cpu --json --quiet";
    let told = lines(&diarist(cwd, again).0);
    let done = told.last().unwrap();
    assert_eq!((&done["event"], &done["dir"]), (&"done".into(), &"run-2".into()), "{told:?}");
    assert!(told.iter().filter(|event| event["event"] == "step").count() == 2, "{told:?}");
    let nothing = lines(&diarist(cwd, again.replace("run more", "run-2 more").as_str()).0);
    assert_eq!(nothing.last().unwrap()["dir"], "run-2", "nothing is new: {nothing:?}");

    // The log has the step's own numbers, the norms by block and the units.
    let log = lines(&std::fs::read_to_string(cwd.join("run/log.jsonl")).unwrap());
    let losses = |of: Vec<&Value>| of.iter().map(|line| line["loss"].clone()).collect::<Vec<_>>();
    let steps = || log.iter().filter(|line| line.get("windows").is_some()).collect::<Vec<_>>();
    assert_eq!(losses(steps()), losses(of("step")));
    // The time of a step that is evaluated is its own too: 180 MFLOP in a tenth of a millisecond no processor does.
    assert!(steps().iter().all(|step| step["seconds"].as_f64() > Some(1e-4)), "{log:?}");
    let norms: Vec<&Value> = log.iter().filter(|line| line.get("grad_norms").is_some()).collect();
    assert_eq!(norms.iter().map(|line| &line["step"]).collect::<Vec<_>>(), [2, 4]);
    for line in norms {
        let together: f64 =
            line["grad_norms"].as_object().unwrap().values().map(|x| x.as_f64().unwrap().powi(2)).sum();
        let step = line["step"].as_u64().unwrap() as usize;
        let norm = steps()[step - 1]["grad_norm"].as_f64().unwrap();
        // Sums of squares in f32, of chunks of 16,384: the norm kernel's tolerance.
        assert!((together.sqrt() / norm - 1.0).abs() < 2e-5, "{line}");
    }
    let health: Vec<&Value> = log.iter().filter(|line| line.get("health").is_some()).collect();
    assert_eq!(health.len(), 2);
    assert_eq!(health[1]["health"]["h.3"]["units"], 4 * 192);

    // A person's samples: the prompt and what follows, under a heading that names it.
    let samples = std::fs::read_to_string(cwd.join("run/samples.md")).unwrap();
    assert!(samples.starts_with("## step 4, of the prompt: Rain.\n\n> Rain.\n> "), "{samples}");
    assert!(samples.contains("## step 4, of the prompt: I said\n\n> I said"), "{samples}");

    // A resume goes on with the same prompts, or with others; the draws stay.
    std::fs::write(cwd.join("other.txt"), "Fog\n").unwrap();
    let (stdout, stderr) = diarist(cwd, "train --resume run --steps 6 --prompt-file other.txt --quiet");
    assert!(stdout.ends_with("sample run\n") && stdout.lines().count() == 1, "{stdout}");
    assert!(!stderr.contains("resuming"), "{stderr}");
    let samples = std::fs::read_to_string(cwd.join("run/samples.md")).unwrap();
    assert!(
        samples.contains("## step 6, of the prompt: Fog\n") && samples.contains("## step 4, of"),
        "{samples}"
    );
    let page = std::fs::read_to_string(cwd.join("run/report.html")).unwrap();
    assert!(page.contains("of the prompt: Fog"), "the report names it");
    let (_, stderr) = diarist(cwd, "train --resume run --steps 8");
    assert!(stderr.contains("step 8  a sample:\n  | Fog"), "{stderr}");
}
