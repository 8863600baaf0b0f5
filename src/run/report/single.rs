//! A run's page: how it learned, what it wrote, what it is.

use std::time::Duration;

use crate::base::units::{duration, thousands};
use crate::run::record::{self, Run};
use crate::run::report::chart::{Chart, Ink, Line};
use crate::run::report::curves::{Point, chosen, extremes, reach, settled, smoothed, thinned};
use crate::run::report::html::{self, put};
use crate::run::report::reading::reading;
use crate::run::report::settings;
use crate::run::report::told::Told;
use crate::run::report::watched::{apart, watched};
use crate::run::samples::Sample;

/// Width and height of the large chart, of the same on a narrow screen, and of a small one.
const LARGE: (u32, u32) = (960, 360);
const NARROW: (u32, u32) = (360, 280);
const SMALL: (u32, u32) = (360, 230);
/// The most points of a curve in each.
const POINTS: usize = 1000;
const FEW: usize = 300;
/// The most samples, and the most evaluations, that are listed.
const SAMPLES: usize = 24;
const ROWS: usize = 60;

/// A run's page.
pub fn page(told: &Told) -> String {
    let body = [
        head(told),
        html::section(
            "How it learned",
            &[loss(told), apart(told), small(told), evaluations(told), watched(told)].concat(),
        ),
        html::section("What it wrote", &samples(&told.samples)),
        html::section(
            "The corpus",
            &html::facts(&settings::corpus(&told.run)).replacen("<dl>", "<dl class=\"one\">", 1),
        ),
        html::section("The model and the device", &html::facts(&settings::machine(&told.run))),
        html::section("Settings", &html::facts(&settings::settings(&told.run))),
        foot(told),
    ];
    html::page(&format!("{}: {}", told.name, told.progress()), &body.concat())
}

fn head(told: &Told) -> String {
    let run = &told.run;
    let begun = run.created.replace('T', " ").replace('Z', " UTC");
    let mut out = format!("<h1>{}</h1>\n", html::escaped(&told.name));
    let title = run.model.title();
    out += &html::paragraph("when", &format!("{title}, {}; begun {begun}", told.progress()));
    out += &html::paragraph("lead", &reading(run, &told.curves));
    out += "<dl class=\"tiles\">\n";
    let mut tile = |what: &str, value: String, more: String| {
        put(
            &mut out,
            format_args!(
                "<div><dt>{what}</dt><dd>{}<small>{}</small></dd></div>\n",
                html::escaped(&value),
                html::escaped(&more)
            ),
        );
    };
    let evaluated = |e: record::Evaluation| {
        (
            format!("{:.4}", e.val_loss),
            format!("nats/token, step {}; perplexity {:.2}", thousands(e.step), e.val_loss.exp()),
        )
    };
    if let Some((value, more)) = run.best_eval.map(evaluated) {
        tile("Validation loss, lowest", value, more);
    }
    if let Some((value, more)) = run.last_eval.filter(|last| Some(*last) != run.best_eval).map(evaluated) {
        tile("Validation loss, last", value, more);
    }
    if let Some((step, loss)) = told.training().last() {
        tile(
            "Training loss",
            format!("{loss:.4}"),
            format!("nats/token, step {}, smoothed", thousands(*step as u64)),
        );
    }
    let epochs = run.position.tokens as f64 / (run.data.train[1] - run.data.train[0]).max(1) as f64;
    tile(
        "Steps",
        thousands(run.position.step),
        format!("of {}; {epochs:.1} times through the text", thousands(run.settings.steps)),
    );
    let seconds = told.curves.seconds();
    if seconds > 0.0 {
        let rate = told.step_tokens() as f64 * told.curves.steps.len() as f64 / seconds;
        let time = duration(Duration::from_secs_f64(seconds));
        tile("Time in training", time, format!("{} tokens/s", thousands(rate as u64)));
    }
    out + "</dl>\n"
}

fn loss(told: &Told) -> String {
    let validation = told.curves.validation();
    let Drawn { smooth, raw, note } = drawn(&told.curves.of(|step| step.loss), &validation);
    let chart = |size, most: usize| {
        let validation = thinned(&validation, most / 2);
        let line = if validation.len() <= 40 { Line::dotted } else { Line::new };
        let lines = vec![
            Line::behind(Ink::Raw, extremes(&raw, most)),
            Line::new(Ink::Train, thinned(&smooth, most / 2)),
            line(Ink::Validation, validation),
        ];
        Chart { about: "Training and validation loss over steps", size, from_zero: false, lines }.svg()
    };
    let drawings: Vec<String> = [chart(LARGE, POINTS), chart(NARROW, FEW)].into_iter().flatten().collect();
    if drawings.is_empty() {
        return html::paragraph("note", "No step is done yet.");
    }
    let mut keys = String::new();
    if !raw.is_empty() {
        keys += &html::key("--train", "training, smoothed");
        keys += &html::key("--raw", "each step");
    }
    if !validation.is_empty() {
        keys += &html::key("--val", "validation: text it is never trained on");
    }
    html::figure("Loss", "nats/token", &keys, &drawings, &note)
}

/// A noisy curve as it is drawn.
struct Drawn {
    /// Smoothed.
    smooth: Vec<Point>,
    /// As it was measured.
    raw: Vec<Point>,
    /// What of it is not to be seen.
    note: String,
}

/// A curve on a scale that shows what matters of it and of another: not the fall of the first steps, nor one wild step.
fn drawn(measured: &[Point], other: &[Point]) -> Drawn {
    let smooth = smoothed(measured);
    let (low, high) = reach([settled(&smooth), other]);
    let seen = smooth.iter().position(|point| point.1 <= high).unwrap_or(0);
    let clamped = |&(x, y): &Point| (x, y.clamp(low, high));
    let raw: Vec<Point> = measured[seen..].iter().map(clamped).collect();
    let mut notes = Vec::new();
    if seen > 0 {
        notes.push(format!("The first {seen} steps, from {:.2} down, lie above the edge.", smooth[0].1));
    }
    if raw.iter().zip(&measured[seen..]).any(|(drawn, measured)| drawn != measured) {
        notes.push("Single steps far from the others are drawn at the edge.".to_string());
    }
    Drawn { smooth: smooth[seen..].to_vec(), raw, note: notes.join(" ") }
}

fn small(told: &Told) -> String {
    let s = &told.run.settings;
    let one = |about: &str, from_zero, lines| Chart { about, size: SMALL, from_zero, lines }.svg();
    let (norms, rates) = (told.curves.of(|step| step.grad_norm), told.curves.of(|step| step.lr));
    let Drawn { smooth, raw, .. } = drawn(&norms, &[]);
    let mut lines =
        vec![Line::behind(Ink::Raw, extremes(&raw, FEW)), Line::new(Ink::Train, thinned(&smooth, FEW / 2))];
    let clip = f64::from(s.grad_clip);
    let clipped = norms.iter().filter(|norm| clip > 0.0 && norm.1 > clip).count();
    if clipped > 0 {
        let line = vec![(0.0, clip), (norms[norms.len() - 1].0, clip)];
        lines.push(Line::behind(Ink::Validation, line));
    }
    let norm_note = match clipped {
        0 => String::new(),
        n => format!("Clipped at {clip}: {:.0}% of the steps.", 100.0 * n as f64 / norms.len() as f64),
    };
    let charts = [
        (
            "Learning rate",
            "",
            one("Learning rate over steps", true, vec![Line::new(Ink::Train, thinned(&rates, FEW))]),
            String::new(),
        ),
        (
            "Gradient",
            "global norm, before clipping",
            one("Norm of the gradient over steps", true, lines),
            norm_note,
        ),
        (
            "Throughput",
            "tokens/s",
            one(
                "Tokens a second over steps",
                true,
                vec![Line::new(Ink::Train, told.curves.throughput(told.step_tokens(), FEW / 2))],
            ),
            String::new(),
        ),
    ];
    let figures: String = charts
        .into_iter()
        .filter_map(|(title, unit, svg, below)| Some(html::figure(title, unit, "", &[svg?], &below)))
        .collect();
    if figures.is_empty() { figures } else { format!("<div class=\"three\">\n{figures}</div>\n") }
}

/// Every evaluation as a number.
fn evaluations(told: &Told) -> String {
    let training = told.training();
    let evals = chosen(&told.curves.evals, ROWS);
    if evals.is_empty() {
        return String::new();
    }
    let best = told.run.best_eval.map(|best| best.step);
    let row = |(step, loss): &(u64, f32)| {
        let near = training[..training.partition_point(|point| point.0 <= *step as f64)].last();
        vec![
            thousands(*step),
            near.map_or("–".into(), |point| format!("{:.4}", point.1)),
            format!("{loss:.4}{}", if Some(*step) == best { ", the lowest" } else { "" }),
            format!("{:.2}", loss.exp()),
        ]
    };
    let rows: Vec<Vec<String>> = evals.into_iter().map(row).collect();
    let headings = ["step", "training loss, smoothed", "validation loss", "perplexity"].map(String::from);
    format!(
        "<details>\n<summary>The evaluations as numbers</summary>\n{}</details>\n",
        html::table(&headings, &rows)
    )
}

fn samples(samples: &[Sample]) -> String {
    let shown = chosen(samples, SAMPLES);
    let mut out = String::new();
    if shown.is_empty() {
        return html::paragraph("note", "Nothing yet: the first sample is still to come.");
    }
    out += &html::paragraph(
        "note",
        "The random draws are the same each time: what changes from one to the next is the model.",
    );
    if shown.len() < samples.len() {
        let (n, all) = (shown.len(), thousands(samples.len() as u64));
        out += &html::paragraph("note", &format!("{n} of {all} samples; samples.md has them all."));
    }
    for sample in shown {
        let about = if sample.about.is_empty() {
            String::new()
        } else {
            format!("<br>{}", html::escaped(&sample.about))
        };
        let step = thousands(sample.step);
        put(
            &mut out,
            format_args!(
                "<div class=\"sample\"><div class=\"when\">step {step}{about}</div>\n{}</div>\n",
                html::voice(&sample.text)
            ),
        );
    }
    out
}

fn foot(told: &Told) -> String {
    let Run { diarist, .. } = &told.run;
    let now = record::now().replace('T', " ").replace('Z', " UTC");
    let text = format!(
        "Written by diarist {diarist} at {now}, from {}. This page holds what a diary taught a model, and may quote it: keep it as \
         you keep the diary. It is one file, asks for nothing and runs nothing.",
        told.folder
    );
    format!("<footer>{}</footer>\n", html::escaped(&text))
}
