//! Whether a model that is opened fits the memory; and if not, whether it does in half precision.

use crate::base::memory::{self, Free};
use crate::base::units::bytes;
use crate::base::{Result, shell};
use crate::device::{Element, Plan, Program};
use crate::model::Shape;

/// Checks that a program of `shape` fits; `program` records it for another.
///
/// # Errors
/// It does not: both figures are told, and the command that would fit.
pub fn check(
    free: Option<Free>,
    shape: &Shape,
    recorded: &Program,
    program: impl Fn(&Shape) -> Result<Program>,
) -> Result<()> {
    let Some(free) = free else { return Ok(()) };
    let needs = |program: &Program| Ok(Plan::new(program)?.bytes());
    let halves = || -> Result<Option<u64>> {
        if shape.weights == Element::F16 {
            return Ok(None);
        }
        let needs = needs(&program(&Shape { weights: Element::F16, ..shape.clone() })?)?;
        Ok(Some(needs).filter(|&needs| needs <= free.for_tensors() / 100 * 97))
    };
    memory::check(needs(recorded)?, Some(free), "this model", || match halves() {
        Ok(Some(needs)) => format!(
            "keep its matrices in half precision; that fits ({}):\n    {}",
            bytes(needs),
            shell::again(&[(&["--weights"], Some("f16".into()))])
        ),
        _ => "close other programs, use a smaller model, or a computer with more memory".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;
    use crate::device::{Choices, Class, Limits};

    #[test]
    fn half_precision_is_offered_where_it_fits() {
        let limits = Limits::DEFAULT;
        let config = Preset::Gpt2.config(50_257);
        let shape = Shape::new(config, 1, config.block_size(), limits, Choices::of(Class::Lanes, &limits));
        let program = |shape: &Shape| Ok(Program::from(vec![shape.prefill()?, shape.decode()?]));
        let told = |mib: u64, shape: &Shape| {
            let free = Free { bytes: mib << 20, who: "this computer", addresses: false };
            check(Some(free), shape, &program(shape)?, program)
        };
        assert!(told(1024, &shape).is_ok());
        let error = told(450, &shape).unwrap_err().to_string();
        assert!(error.contains("has 450.0 MiB free") && error.ends_with("--weights f16"), "{error}");
        assert!(told(450, &Shape { weights: Element::F16, ..shape.clone() }).is_ok(), "what is offered fits");
        let error = told(100, &shape).unwrap_err().to_string();
        assert!(error.contains("smaller model"), "{error}");
        assert!(check(None, &shape, &program(&shape).unwrap(), program).is_ok());
    }
}
