//! A run that is made longer than it was begun.

use crate::base::units::{counted, thousands};
use crate::run::record::Run;
use crate::train::Observer;
use crate::train::defaults::{Intervals, intervals};
use crate::train::engine::schedule;

/// Gives a run more steps, and says what becomes of its learning rate: it follows the curve of the longer run, or, where
/// `at_floor` says so, stays where the old curve ends.
pub fn extend(run: &mut Run, steps: u64, at_floor: bool, observer: &mut dyn Observer) {
    let before = run.settings.clone();
    observer.say(&format!("steps    {} instead of {}", thousands(steps), thousands(before.steps)));
    let settings = &mut run.settings;
    settings.steps = steps;
    run.finished = false;
    if at_floor {
        settings.lr_floor.get_or_insert(before.steps);
    } else {
        settings.lr_floor = None;
    }
    let (old, new) = (schedule(&before), schedule(settings));
    let (now, next) = (old.at(run.position.step.max(1)), new.at(run.position.step + 1));
    let floor = settings.min_lr;
    let rate = match settings.lr_floor {
        Some(end) if run.position.step >= end => format!("stays at {floor:.1e}, its floor"),
        Some(end) => format!("falls to {floor:.1e} at step {}, and stays there", thousands(end)),
        None => {
            let way = if next > now { "goes up to" } else { "goes on at" };
            let hint = if at_floor || now > floor { "" } else { "; --lr-floor keeps it where it was" };
            format!(
                "was {now:.1e} and {way} {next:.1e}: its curve ends at step {} now{hint}",
                thousands(steps)
            )
        }
    };
    observer.say(&format!("rate     {rate}"));

    // Those that nobody asked for are the longer run's.
    let held_out = (run.data.val[1] - run.data.val[0]) as usize;
    let usual = |steps| intervals(steps, before.batch * before.accumulate * before.context, held_out);
    let (was, is) = (usual(before.steps), usual(steps));
    let Intervals { eval_every, sample_every, save_every } = is;
    let mut changed = Vec::new();
    for (name, interval, was, is) in [
        ("validation", &mut settings.eval_every, was.eval_every, eval_every),
        ("sample", &mut settings.sample_every, was.sample_every, sample_every),
        ("save", &mut settings.save_every, was.save_every, save_every),
    ] {
        if *interval == was && was != is {
            *interval = is;
            changed.push(format!("a {name} every {}", counted(is, "step", "steps")));
        }
    }
    if !changed.is_empty() {
        observer.say(&format!("every    {}", changed.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::example;

    #[derive(Default)]
    struct Said(Vec<String>);

    impl crate::journal::Observer for Said {}
    impl Observer for Said {
        fn say(&mut self, line: &str) {
            self.0.push(line.to_string());
        }
        fn doing(&mut self, _: &str) {}
        fn step(&mut self, _: &crate::train::Progress) {}
        fn evaluating(&mut self, _: usize, _: usize) {}
        fn evaluated(&mut self, _: u64, _: f32) {}
        fn sampled(&mut self, _: u64, _: &str, _: &str) {}
    }

    fn extended(at: u64, steps: u64, at_floor: bool) -> (Run, Vec<String>) {
        let (mut run, mut said) = (example(), Said::default());
        run.settings.lr_floor = None;
        run.position.step = at;
        let usual = intervals(run.settings.steps, 8 * 64, 6_000);
        run.settings.sample_every = usual.sample_every;
        run.settings.save_every = 7;
        extend(&mut run, steps, at_floor, &mut said);
        (run, said.0)
    }

    #[test]
    fn what_becomes_of_the_rate_is_said() {
        let (run, said) = extended(1000, 2000, false);
        assert_eq!(said[0], "steps    2,000 instead of 1,000");
        assert!(
            said[1]
                .starts_with("rate     was 3.0e-5 and goes up to 1.8e-4: its curve ends at step 2,000 now;"),
            "{said:?}"
        );
        assert!(schedule(&run.settings).at(1001) > 1.7e-4);
        let (run, said) = extended(1000, 2000, true);
        assert_eq!(said[1], "rate     stays at 3.0e-5, its floor");
        assert!([1001, 1500, 2000].iter().all(|step| schedule(&run.settings).at(*step) == 3e-5));
        // Before it ends, the old curve is gone through.
        let (run, said) = extended(400, 2000, true);
        assert!(said[1].contains("falls to 3.0e-5 at step 1,000"), "{said:?}");
        assert_eq!(schedule(&run.settings).at(500), schedule(&example_without_floor()).at(500));
        assert!(extended(400, 2000, false).1[1].contains("goes up to"));
    }

    fn example_without_floor() -> crate::run::record::Settings {
        let mut settings = example().settings;
        settings.lr_floor = None;
        settings
    }

    #[test]
    fn intervals_that_nobody_asked_for_grow_with_the_run() {
        let (run, said) = extended(1000, 8000, true);
        assert_eq!((run.settings.sample_every, run.settings.save_every), (2000, 7));
        assert_eq!(said[2], "every    a sample every 2,000 steps");
    }
}
