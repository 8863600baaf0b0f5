//! The models as they are listed, which change where a run saves another one.

use std::sync::{Arc, PoisonError, RwLock};

use crate::serve::job::Listed;

/// Lists a model anew: nothing where it is listed as it stands, or cannot be read now.
pub type Again = Box<dyn Fn(&Listed) -> Option<Listed> + Send + Sync>;

/// The models as they are listed.
pub struct Shelf {
    models: RwLock<Arc<Vec<Listed>>>,
    again: Again,
}

impl From<Vec<Listed>> for Shelf {
    /// Models that stay as they are.
    fn from(models: Vec<Listed>) -> Shelf {
        Shelf::new(models, Box::new(|_| None))
    }
}

impl Shelf {
    /// These models, each listed anew where `again` has it otherwise.
    pub fn new(models: Vec<Listed>, again: Again) -> Shelf {
        Shelf { models: RwLock::new(Arc::new(models)), again }
    }

    /// As they were listed last.
    pub fn last(&self) -> Arc<Vec<Listed>> {
        Arc::clone(&self.models.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// As they are now; where they are is looked at.
    pub fn now(&self) -> Arc<Vec<Listed>> {
        let last = self.last();
        let anew: Vec<Option<Listed>> = last.iter().map(&self.again).collect();
        if anew.iter().all(Option::is_none) {
            return last;
        }
        let of = |(anew, last): (Option<Listed>, &Listed)| anew.unwrap_or_else(|| last.clone());
        let now = Arc::new(anew.into_iter().zip(last.iter()).map(of).collect());
        *self.models.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&now);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_was_saved_anew_is_listed_anew() {
        let listed = |name: &str, created| Listed {
            name: name.into(),
            created,
            context: 8,
            form: "diary",
            header: None,
        };
        let shelf = Shelf::new(
            vec![listed("a", 1), listed("b", 1)],
            Box::new(move |last| (last.name == "b" && last.created == 1).then(|| listed("b", 2))),
        );
        assert_eq!(*shelf.last(), [listed("a", 1), listed("b", 1)]);
        assert_eq!(*shelf.now(), [listed("a", 1), listed("b", 2)]);
        assert_eq!(shelf.last(), shelf.now());
    }
}
