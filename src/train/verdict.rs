//! How a run went, in words: what a person wants to know in the morning.

use crate::base::shell;
use crate::base::units::{counted, thousands};
use crate::optim::OnSpike;
use crate::run::Run;
use crate::run::record::Evaluation;

/// What the validation losses of a run that has ended say, where anything is held out; and its spikes.
pub(super) fn verdict(run: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    if run.spikes > 0 {
        lines.push(spikes(run));
    }
    let (Some(best), Some(last)) = (run.best_eval, run.last_eval) else { return lines };
    let loss = |e: Evaluation| format!("{:.4}", e.val_loss);
    if let Some(first) = run.first_eval.filter(|first| first.val_loss <= best.val_loss) {
        lines.push(format!(
            "verdict  training made it no better: the model that it began from has a held-out loss of {}, and the best since, {} \
             at step {}. Try a lower --lr, or more text",
            loss(first),
            loss(best),
            thousands(best.step)
        ));
    } else if best.step < last.step {
        lines.push(format!(
            "verdict  the model began to memorise after step {}: the held-out loss was {} there and is {} at step {}. The best \
             was kept, and is what every command takes",
            thousands(best.step),
            loss(best),
            loss(last),
            thousands(last.step)
        ));
    } else {
        let gained = run.first_eval.map_or(String::new(), |first| format!(", from {}", loss(first)));
        lines.push(format!(
            "verdict  it got better to the end: the held-out loss is {}{gained}; more steps may help",
            loss(last)
        ));
    }
    if run.position.step < run.settings.steps {
        lines.push(format!(
            "stopped  at step {} of {}: {} evaluations without a better one",
            thousands(run.position.step),
            thousands(run.settings.steps),
            run.since_best
        ));
    }
    lines
}

/// How many steps of a run were spikes, and what became of them.
fn spikes(run: &Run) -> String {
    let lowered = match run.lowered {
        0 => String::new(),
        n => format!("; the learning rate was halved {}", counted(n, "time", "times")),
    };
    let skipped = if run.settings.on_spike == OnSpike::Skip { "; such steps are skipped" } else { "" };
    format!(
        "spikes   {} had a loss or a gradient norm far above those before{lowered}{skipped}",
        counted(run.spikes, "step", "steps")
    )
}

/// Of a run that continues another, what both versions make of the text that neither was trained on, the old and the new.
pub(super) fn apart(run: &Run) -> Vec<String> {
    let of = |evaluation: Option<Evaluation>| evaluation?.apart;
    let (Some(before), Some(after)) = (of(run.first_eval), of(run.best_eval)) else { return Vec::new() };
    let row = |what: &str, [old, new]: [Option<f32>; 2]| {
        let said = |loss: Option<f32>| loss.map_or("–".into(), |loss| format!("{loss:.4}"));
        format!("{what:8} {:>9} {:>9}", said(old), said(new))
    };
    vec![
        format!("{:8} {:>9} {:>9}   (nats/token)", "held out", "old text", "new text"),
        row("old self", [before.old, before.new]),
        row("new self", [after.old, after.new]),
    ]
}

/// What is said of a run that is over before its last step, when it is to be resumed.
pub(super) fn ended_early(run: &Run) -> Option<String> {
    let Run { settings, position, since_best, .. } = run;
    let early = position.step < settings.steps && settings.patience > 0 && *since_best >= settings.patience;
    early.then(|| {
        format!(
            "finished at step {} of {}, {since_best} evaluations after its best; to go on all the same: {} train --resume RUN \
             --patience 0",
            thousands(position.step),
            thousands(settings.steps),
            shell::program(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::example;

    fn ended(first: f32, best: (u64, f32), last: (u64, f32), step: u64) -> Run {
        let of = |(step, val_loss)| Some(Evaluation { step, val_loss, apart: None });
        let mut run = example();
        (run.first_eval, run.best_eval, run.last_eval) = (of((0, first)), of(best), of(last));
        (run.position.step, run.since_best) = (step, 3);
        run
    }

    #[test]
    fn each_ending_has_its_words() {
        let text = |run: &Run| verdict(run).join("\n");
        let memorised = ended(4.0, (340, 3.0), (520, 3.2), 520);
        assert!(text(&memorised).contains("memorise after step 340"), "{}", text(&memorised));
        assert!(text(&memorised).contains("stopped  at step 520 of 1,000: 3 evaluations"));
        assert!(ended_early(&memorised).is_some_and(|line| line.contains("--patience 0")));
        let good = ended(4.0, (1000, 3.0), (1000, 3.0), 1000);
        assert!(text(&good).contains("better to the end") && text(&good).contains("from 4.0000"));
        assert!(!text(&good).contains("stopped") && ended_early(&good).is_none());
        let worse = ended(3.0, (100, 3.1), (1000, 3.9), 1000);
        assert!(text(&worse).contains("no better"), "{}", text(&worse));
        let mut none = good;
        none.last_eval = None;
        assert!(verdict(&none).is_empty());
        (none.spikes, none.lowered) = (3, 1);
        let told = "spikes   3 steps had a loss or a gradient norm far above those before; the learning rate was halved 1 time";
        assert_eq!(verdict(&none), [told]);
    }
}
