//! The kinds of question that a batch asks for, and how many of each.

/// What sort of question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An honest question that the sources answer.
    Genuine,
    /// A small situation, and what the author would do in it.
    Scenario,
    /// Somebody doubts or contradicts.
    Pushback,
    /// What something is *not*; two things told apart.
    Contrastive,
}

/// All of them, in the order in which a prompt defines them.
pub const KINDS: [Kind; 4] = [Kind::Genuine, Kind::Scenario, Kind::Pushback, Kind::Contrastive];

impl Kind {
    /// Its name, as it stands in `"kind"`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Genuine => "genuine",
            Kind::Scenario => "scenario",
            Kind::Pushback => "pushback",
            Kind::Contrastive => "contrastive",
        }
    }

    /// What a model is told of it.
    pub fn definition(self) -> &'static str {
        match self {
            Kind::Genuine => {
                "somebody who does not know the author wants to know something, and asks for that reason alone: what \
                 happened, with whom, how it felt, what the author thinks of a person, a place, a habit, and why. The answer stands in \
                 the sources. Vary how it is asked: a short question, a long one, a request to tell (\"Tell me about…\")."
            }
            Kind::Scenario => {
                "the question puts the author into a small situation that could arise in the life the sources show (a guest \
                 arrives early, a letter is not answered) and asks what the author does, feels or says. The answer goes by what the \
                 author did, felt or held in the like case in the sources, and makes up no event that is told as having happened."
            }
            Kind::Pushback => {
                "the question doubts what the author says, contradicts it, or takes for granted something that the sources show \
                 to be wrong. The author answers as the author would: stands by what the sources show, sets the mistake right, or \
                 admits as much as the sources admit. The author does not give way in order to please."
            }
            Kind::Contrastive => {
                "the question is about what something is *not*, or about the border between two things that are easily taken for one \
                 (a day off and a day lost; being alone and being lonely), for this author, in these sources. The answer says what the thing is not, \
                 what it is instead, and by what in the sources one sees it."
            }
        }
    }
}

/// How the kinds are mixed: for each, a weight. Three and one are three quarters and one quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Weights, in the order of [`KINDS`].
    pub weights: [u32; 4],
}

impl Default for Mix {
    /// Four of ten are genuine, two each of the others.
    fn default() -> Mix {
        Mix { weights: [4, 2, 2, 2] }
    }
}

/// Deals kinds out so that after any number of pairs each kind has had its share, to within one pair or so.
#[derive(Debug, Clone)]
pub struct Dealer {
    weights: [u64; 4],
    credit: [i128; 4],
}

impl Dealer {
    /// One that has dealt nothing yet. At least one weight is not zero.
    pub fn new(mix: Mix) -> Dealer {
        Dealer { weights: mix.weights.map(u64::from), credit: [0; 4] }
    }

    /// How many of the next `pairs` are of each kind, in the order of [`KINDS`]; they add up.
    pub fn deal(&mut self, pairs: usize) -> [usize; 4] {
        let mut counts = [0; 4];
        let whole: i128 = self.weights.iter().map(|&weight| i128::from(weight)).sum();
        for _ in 0..pairs {
            for (credit, weight) in self.credit.iter_mut().zip(self.weights) {
                *credit += i128::from(weight);
            }
            // The first of those that are owed most; one without a weight is owed nothing.
            let owed = (0..4).filter(|&i| self.weights[i] > 0);
            let Some(next) = owed.rev().max_by_key(|&i| self.credit[i]) else { break };
            self.credit[next] -= whole;
            counts[next] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_add_up_in_every_batch_and_have_their_shares_in_all() {
        for weights in [[4, 2, 2, 2], [1, 0, 0, 0], [7, 1, 0, 3], [1, 1, 1, 1], [u32::MAX, 1, 1, 1]] {
            let mut dealer = Dealer::new(Mix { weights });
            let mut all = [0; 4];
            for pairs in [1, 3, 8, 5, 13, 0, 20] {
                let counts = dealer.deal(pairs);
                assert_eq!(counts.iter().sum::<usize>(), pairs);
                (0..4).for_each(|i| all[i] += counts[i]);
            }
            let whole: f64 = weights.iter().map(|w| f64::from(*w)).sum();
            for i in 0..4 {
                let fair = 50.0 * f64::from(weights[i]) / whole;
                assert!((all[i] as f64 - fair).abs() <= 1.0, "{weights:?}: {all:?}");
                assert!(weights[i] > 0 || all[i] == 0);
            }
        }
    }
}
