//! How a run went, in words: what a person wants to know in the morning.

use std::path::Path;

use crate::base::shell;
use crate::base::units::{counted, thousands};
use crate::optim::OnSpike;
use crate::run::Run;
use crate::run::record::Evaluation;
use crate::run::report::curves::Curves;
use crate::run::report::reading;

/// How a run went that has ended, and its spikes.
pub(super) fn verdict(run: &Run, curves: &Curves) -> Vec<String> {
    let mut lines = Vec::new();
    if run.spikes > 0 {
        lines.push(spikes(run));
    }
    if let Some(scale) = run.loss_scale.filter(|scale| scale.skipped > 0) {
        lines.push(format!(
            "mixed    {} changed nothing: their gradients overflowed half precision, and the loss scale was halved",
            counted(scale.skipped, "step", "steps")
        ));
    }
    lines.push(format!("verdict  {}", reading(run, curves)));
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
pub(super) fn ended_early(run: &Run, dir: &Path) -> Option<String> {
    let Run { settings, position, since_best, .. } = run;
    let early = position.step < settings.steps && settings.patience > 0 && *since_best >= settings.patience;
    early.then(|| {
        format!(
            "finished at step {} of {}, {since_best} evaluations after its best; to go on all the same: {} train --resume {} \
             --patience 0",
            thousands(position.step),
            thousands(settings.steps),
            shell::program(),
            shell::path(dir)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::LossScale;
    use crate::run::record::example;

    #[test]
    fn a_run_that_ended_says_how() {
        let mut run = example();
        (run.position.step, run.since_best, run.last_eval) = (520, 3, run.best_eval);
        let curves = Curves { evals: vec![(340, 3.0), (520, 3.2)], ..Curves::default() };
        let dir = Path::new("selves/2014");
        let told = verdict(&run, &curves);
        assert_eq!(told.len(), 2, "{told:?}");
        let mut skipped = LossScale::default();
        skipped.skipped = 2;
        let told_of = verdict(&Run { loss_scale: Some(skipped), ..run.clone() }, &curves);
        assert!(told_of[0].starts_with("mixed    2 steps changed nothing"), "{told_of:?}");
        assert!(told[0].starts_with("verdict  The model began to memorise after step 340"), "{told:?}");
        assert_eq!(told[1], "stopped  at step 520 of 1,000: 3 evaluations without a better one");
        assert!(
            ended_early(&run, dir).is_some_and(|line| line.contains("--resume selves/2014 --patience 0"))
        );
        (run.position.step, run.spikes, run.lowered) = (1000, 3, 1);
        let told = "spikes   3 steps had a loss or a gradient norm far above those before; the learning rate was halved 1 time";
        assert_eq!(verdict(&run, &curves)[0], told);
        assert!(verdict(&run, &curves).len() == 2 && ended_early(&run, dir).is_none());
    }
}
