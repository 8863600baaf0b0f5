//! What a run's held-out losses say, in words: at its end, and at the top of its page.

use crate::base::units::thousands;
use crate::run::record::Run;
use crate::run::report::curves::Curves;

/// Losses nearer to each other than this share are level.
const LEVEL: f32 = 0.005;
/// A training loss that is higher by this share has risen.
const RISEN: f32 = 0.1;

/// What the losses of a run say, in a sentence or two.
pub fn reading(run: &Run, curves: &Curves) -> String {
    let evals = &curves.evals;
    if run.data.val[0] == run.data.val[1] {
        return "Nothing was held out, so no number tells how well it knows text that it has not seen."
            .into();
    }
    let Some(&(last, last_loss)) = evals.last() else { return "It has not been evaluated yet.".into() };
    let lowest = |evals: &[(u64, f32)]| evals.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    // What it began from is no step of its own.
    let (before, since) = evals.split_at(evals.iter().position(|eval| eval.0 > 0).unwrap_or(evals.len()));
    let first = lowest(before).map(|first| first.1);
    let Some((best, best_loss)) = lowest(since) else {
        return format!("Before the first step, the held-out loss is {last_loss:.4}.");
    };
    if let Some(first) = first.filter(|&first| first <= best_loss) {
        return format!(
            "Training made it no better: the model that it began from has a held-out loss of {first:.4}, and the lowest since is \
             {best_loss:.4}, at step {}. Try a lower learning rate, or more text.",
            thousands(best)
        );
    }
    if evals.len() == 1 {
        return format!(
            "The held-out loss is {last_loss:.4} at step {}: one evaluation shows no way.",
            thousands(last)
        );
    }
    // The learning rate ends low, and the last evaluations lie close to each other in any run: a longer stretch tells.
    let earlier = evals[evals.len() - 1 - (evals.len() / 4).clamp(1, evals.len() - 1)].1;
    let kept = match run.best.is_some() && best < last {
        true => format!(" The best, of step {}, was kept, and is what every command takes.", thousands(best)),
        false => String::new(),
    };
    if last_loss > best_loss * (1.0 + LEVEL) && has_risen(curves, best) {
        return format!(
            "Training went wrong after step {}: the loss on what it is trained on rose too, and the held-out loss from \
             {best_loss:.4} to {last_loss:.4}.{kept} A lower learning rate, half of it say, or a longer warm-up helps.",
            thousands(best)
        );
    }
    if last_loss > best_loss * (1.0 + LEVEL) {
        return format!(
            "The model began to memorise after step {}: the held-out loss was {best_loss:.4} there and is {last_loss:.4} at step \
             {}.{kept} Fewer steps, more dropout or more text would serve it better.",
            thousands(best),
            thousands(last)
        );
    }
    let from = first.map_or(String::new(), |first| format!(", from {first:.4} before training"));
    if last_loss < earlier * (1.0 - LEVEL) {
        let more = if run.finished { ": more steps may help" } else { "" };
        return format!("The held-out loss is {last_loss:.4}{from}, and was still falling{more}.{kept}");
    }
    format!(
        "The held-out loss has levelled off at {best_loss:.4}{from}: more of the same would change little.{kept}"
    )
}

/// Whether the training loss is far higher at the end than it was at a step, a tenth of the steps each: what learns by heart has it
/// lower, and single steps differ by some hundredths in any run.
fn has_risen(curves: &Curves, since: u64) -> bool {
    let steps = &curves.steps;
    let tenth = (steps.len() / 10).max(1);
    let mean = |until: usize| {
        let losses = steps[until.saturating_sub(tenth)..until].iter().map(|step| step.loss);
        losses.sum::<f32>() / tenth.min(until).max(1) as f32
    };
    let then = steps.partition_point(|step| step.step <= since);
    then > 0 && mean(steps.len()) > mean(then) * (1.0 + RISEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::{State, example};
    use crate::run::report::curves::Step;

    fn said(losses: &[f32], end: bool) -> String {
        said_from(None, losses, end)
    }

    fn said_from(first: Option<f32>, losses: &[f32], end: bool) -> String {
        let mut run = example();
        (run.finished, run.best) = (end, Some(State::default()));
        let first = first.map(|first| (0, first));
        let since = (1..).zip(losses).map(|(step, &loss)| (10 * step, loss));
        let evals = first.into_iter().chain(since).collect();
        reading(&run, &Curves { evals, ..Curves::default() })
    }

    #[test]
    fn what_the_losses_say_is_said() {
        let falling = said(&[5.0, 4.0, 3.0], true);
        assert!(
            falling.contains("still falling") && falling.contains("more steps") && !falling.contains("kept")
        );
        assert!(!said(&[5.0, 4.0, 3.0], false).contains("more steps may help"));
        // The last evaluations of a cosine lie close together, and the stretch before them still fell.
        assert!(said(&[5.0, 3.0, 2.5, 2.2, 2.1, 2.02, 2.001, 2.0], true).contains("still falling"));
        let level = said(&[5.0, 2.0, 2.001, 2.0, 2.001, 1.999, 2.0, 2.0], true);
        assert!(
            level.contains("levelled off at 1.9990") && level.contains("of step 60, was kept"),
            "{level}"
        );
        let risen = said(&[5.0, 2.0, 1.9, 2.4], true);
        assert!(risen.contains("memorise after step 30") && risen.contains("2.4000 at step 40"), "{risen}");
        assert!(risen.contains("of step 30, was kept"), "{risen}");
        assert!(said(&[5.0], true).contains("one evaluation"));
        assert!(said(&[], true).contains("not been evaluated"));
        // A base that knew the text better, and one that knew it less.
        let worse = said_from(Some(3.0), &[3.2, 3.1], true);
        assert!(
            worse.contains("no better") && worse.contains("3.0000") && worse.contains("3.1000"),
            "{worse}"
        );
        assert!(said_from(Some(4.0), &[3.0], true).contains("from 4.0000 before training"));
        assert!(said_from(Some(4.0), &[], false).starts_with("Before the first step"));
        let mut nothing = example();
        nothing.data.val = [9, 9];
        assert!(reading(&nothing, &Curves::default()).contains("Nothing was held out"));
    }

    /// Learning by heart has the training loss fall while the other rises; a rate that is too high raises both.
    #[test]
    fn what_goes_wrong_is_not_taken_for_memory() {
        let said = |slope: f32| {
            let step = |n: u64| Step {
                step: n,
                loss: 3.0 + slope * n as f32,
                lr: 1e-3,
                grad_norm: 1.0,
                seconds: 1.0,
            };
            let steps = (1..=40).map(step).collect();
            let evals = vec![(10, 3.0), (20, 3.5), (40, 4.0)];
            reading(&example(), &Curves { steps, evals, ..Curves::default() })
        };
        assert!(said(-0.02).contains("memorise after step 10"));
        assert!(said(0.1).contains("went wrong after step 10"), "{}", said(0.1));
        // So little is what steps differ by.
        assert!(said(0.002).contains("memorise after step 10"));
    }
}
