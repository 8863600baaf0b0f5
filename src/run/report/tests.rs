use super::*;
use std::time::Duration;

use crate::run::log::{EvalLine, HealthLine, Log, NormsLine, Starts, StepLine, Units};
use crate::run::record::{Evaluation, example};
use crate::run::samples::Samples;

/// A folder with a log and samples of so many steps, evaluated every `every` steps; its losses fall, then its validation rises.
fn folder(steps: u64, every: u64) -> (tempfile::TempDir, Run) {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::open(&dir.path().join("log.jsonl")).unwrap();
    let mut samples = Samples::open(&dir.path().join("samples.md")).unwrap();
    let mut run = example();
    run.settings.steps = steps;
    for step in 1..=steps {
        let x = step as f32 / steps as f32;
        let noise = 0.1 * ((step * 7919 % 101) as f32 / 101.0 - 0.5);
        let loss = 1.5 + 4.0 * (-8.0 * x).exp() + noise;
        let (tokens, windows) =
            (512 * step, (0..32).map(|w| Starts::One((step as usize * 37 + w * 1000) % 60_000)).collect());
        log.step(&StepLine {
            step,
            tokens,
            loss,
            lr: 3e-4 * (1.0 - x),
            grad_norm: 1.0 + noise,
            seconds: 0.5,
            spike: (step == 7).then_some(crate::optim::OnSpike::Skip),
            loss_scale: None,
            overflow: false,
            windows,
        })
        .unwrap();
        if step.is_multiple_of(every) {
            let val_loss = 1.7 + 4.0 * (-8.0 * x).exp() + 0.5 * x * x;
            log.eval(&EvalLine { step, tokens, val_loss }).unwrap();
            let grad_norms = [("wte".to_string(), 0.5), ("h.0".to_string(), 0.25)].into();
            log.norms(&NormsLine { step, grad_norms }).unwrap();
            let units = Units { units: 768, dead: 3, saturated: 1 };
            log.health(&HealthLine { step, health: [("h.0".to_string(), units)].into() }).unwrap();
            let evaluation = Evaluation { step, val_loss, apart: None };
            run.last_eval = Some(evaluation);
            run.best_eval = run.best_eval.filter(|best| best.val_loss < val_loss).or(run.last_eval);
            samples.append(step, "", "I sat by the <b>weir</b> & said \"no\".\n\nThen rain.").unwrap();
        }
    }
    run.position.step = steps;
    run.position.tokens = 512 * steps;
    (dir, run)
}

#[test]
fn a_page_has_the_runs_numbers_and_no_markup_of_the_models() {
    let (dir, mut run) = folder(400, 40);
    run.data.paths = vec!["<img src=x>/journal".into()];
    run.data.brief.push(("skipped".into(), "a & b.doc: \"old\" <Word>".into()));
    run.finished = true;
    write(dir.path(), &run).unwrap();
    let page = std::fs::read_to_string(dir.path().join(REPORT)).unwrap();
    let best = run.best_eval.unwrap();
    for word in [
        format!("{:.4}", best.val_loss),
        "step 400 of 400, finished".into(),
        "photo links (12)".into(),
        "a &amp; b.doc: &quot;old&quot; &lt;Word&gt;".into(),
        "&lt;img src=x&gt;/journal".into(),
        "I sat by the &lt;b&gt;weir&lt;/b&gt; &amp; said &quot;no&quot;.\n\nThen rain.".into(),
        "began to memorise".into(),
        "1,024 tokens/s".into(),
        "such steps were skipped: 7.".into(),
        "2.50e-1".into(),
        "3 dead, 1 always on, of 768".into(),
        "3e-4".into(),
        "prefers-color-scheme: dark".into(),
    ] {
        assert!(page.contains(&word), "{word}");
    }
    assert_eq!(page.matches("<svg").count(), 5, "the loss for two widths, and three small ones");
    for no in ["<b>weir", "<img", "<script", "http://", "https://", "NaN", "url("] {
        assert!(!page.contains(no), "{no}");
    }
    assert_eq!(page.matches("class=\"sample\"").count(), 10);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(dir.path().join(REPORT)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_scale_shows_what_matters() {
    let (dir, run) = folder(400, 40);
    let page = single::page(&Told::of(dir.path(), run.clone()).unwrap());
    // The loss falls from 5.5 to 2.2 in the first twentieth, and to 1.5 in the rest.
    assert!(
        page.contains("steps, from 5.") && page.contains("lie above the edge"),
        "the first steps are left out, and it says so"
    );
    // A short run is shown whole.
    let (dir, run) = folder(40, 10);
    let page = single::page(&Told::of(dir.path(), run).unwrap());
    assert!(!page.contains("above the edge"));
}

#[test]
fn a_run_that_has_hardly_begun_has_a_page() {
    // Nothing at all; then a step; then an evaluation before any step; then nothing held out.
    let (dir, mut run) = folder(0, 1);
    run.best_eval = None;
    write(dir.path(), &run).unwrap();
    let page = || std::fs::read_to_string(dir.path().join(REPORT)).unwrap();
    assert!(page().contains("No step is done yet") && page().contains("not been evaluated"));
    let mut log = Log::open(&dir.path().join("log.jsonl")).unwrap();
    log.eval(&EvalLine { step: 0, tokens: 0, val_loss: 3.25 }).unwrap();
    write(dir.path(), &run).unwrap();
    assert!(
        page().contains("<circle") && page().contains("3.2500") && page().contains("Before the first step")
    );
    let line = StepLine {
        step: 1,
        tokens: 64,
        loss: 5.5,
        lr: 0.0,
        grad_norm: 0.0,
        seconds: 0.0,
        spike: None,
        loss_scale: None,
        overflow: false,
        windows: vec![],
    };
    log.step(&line).unwrap();
    run.data.val = [7, 7];
    write(dir.path(), &run).unwrap();
    assert!(page().contains("Nothing was held out") && !page().contains("NaN") && !page().contains("inf"));
}

#[test]
fn a_long_run_is_a_small_file() {
    let (dir, run) = folder(20_000, 20);
    write(dir.path(), &run).unwrap();
    let size = std::fs::metadata(dir.path().join(REPORT)).unwrap().len();
    assert!(size < 300_000, "{size}");
}

#[test]
fn a_report_that_cannot_be_written_is_said_once() {
    let (dir, run) = folder(10, 5);
    // A folder that is not empty stands in its place.
    std::fs::create_dir(dir.path().join(REPORT)).unwrap();
    std::fs::write(dir.path().join(REPORT).join("kept"), "").unwrap();
    let mut reporter = Reporter::default();
    assert!(reporter.write(dir.path(), &run, true).is_some());
    assert!(reporter.write(dir.path(), &run, true).is_none());
    std::fs::remove_dir_all(dir.path().join(REPORT)).unwrap();
    assert!(reporter.write(dir.path(), &run, true).is_none());
    assert!(dir.path().join(REPORT).is_file());
    // Written a moment ago; the end is written all the same.
    reporter.next = Some(Instant::now() + Duration::from_secs(60));
    std::fs::remove_file(dir.path().join(REPORT)).unwrap();
    assert!(reporter.write(dir.path(), &run, false).is_none() && !dir.path().join(REPORT).exists());
    assert!(reporter.write(dir.path(), &run, true).is_none() && dir.path().join(REPORT).is_file());
}

#[test]
fn runs_beside_each_other_say_where_they_differ() {
    let (a, mut first) = folder(100, 10);
    let (b, mut second) = folder(200, 10);
    second.settings.lr = 1e-3;
    for run in [&mut first, &mut second] {
        run.base = None;
        run.settings.lora = None;
        run.settings.weights = crate::device::Element::F32;
        run.data.train = [0, 3];
        run.data.val = [3, 6];
        run.state.folder = "state/0".into();
        run.position.step = 0;
    }
    for (dir, run, text) in [(&a, &first, b"abcxyz"), (&b, &second, b"qrsxyz")] {
        let tokens: Vec<u8> = text.iter().flat_map(|&id| [id, 0]).collect();
        std::fs::write(dir.path().join("tokens.bin"), tokens).unwrap();
        std::fs::write(dir.path().join("run.json"), crate::run::record::to_json(run)).unwrap();
    }
    let of = || beside::Beside::read(&[a.path(), b.path()]).unwrap();
    let both = of();
    assert_eq!((both.why_not(), both.one_tokenizer()), (None, true));
    let differences = both.differences();
    assert!(differences.contains(&("lr".into(), vec!["3e-4".into(), "0.001".into()])), "{differences:?}");
    assert!(differences.iter().all(|(what, _)| what != "warmup"));
    assert_eq!(
        both.best(0).unwrap().nats_per_byte,
        Some(f64::from(first.best_eval.unwrap().val_loss)),
        "a byte a token"
    );
    let page = both.page();
    assert!(page.contains("var(--run-1)") && page.contains("&lt;b&gt;weir") && !page.contains("<b>weir"));
    assert_eq!(page.matches("<svg").count(), 2, "one drawing, for two widths");
    std::fs::write(b.path().join("tokens.bin"), [b'x', 0].repeat(6)).unwrap();
    assert!(of().why_not().unwrap().contains("different texts"));
    std::fs::remove_file(b.path().join("tokens.bin")).unwrap();
    assert!(of().why_not().unwrap().contains("cannot be read"));
}
