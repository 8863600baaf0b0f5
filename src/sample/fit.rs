//! Whether a model that is opened fits the memory; and if not, whether it does with its matrices in fewer bits.

use crate::base::memory::{self, Free};
use crate::base::units::bytes;
use crate::base::{Result, shell};
use crate::device::element::BLOCK;
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
    // The first that fits of those that lose little: what is smaller still loses what can be read in its text.
    let smaller = || -> Result<Option<(Element, u64)>> {
        let bits = |element: Element| element.words(BLOCK);
        for weights in [Element::F16, Element::Q8_0].into_iter().filter(|&e| bits(e) < bits(shape.weights)) {
            let needs = needs(&program(&Shape { weights, ..shape.clone() })?)?;
            if needs <= free.to_offer() {
                return Ok(Some((weights, needs)));
            }
        }
        Ok(None)
    };
    memory::check(needs(recorded)?, Some(free), "this model", || match smaller() {
        Ok(Some((weights, needs))) => format!(
            "keep its matrices in {}; that fits ({}):\n    {}",
            if weights == Element::F16 { "half precision" } else { "blocks of 8 bits a number" },
            bytes(needs),
            shell::again(&[(&["--weights"], Some(weights.name().into()))])
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
    fn fewer_bits_are_offered_where_they_fit() {
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
        for weights in [Element::F32, Element::F16] {
            let shape = Shape { weights, ..shape.clone() };
            let error = told(270, &shape).unwrap_err().to_string();
            assert!(error.contains("8 bits") && error.ends_with("--weights q8_0"), "{error}");
        }
        assert!(
            told(270, &Shape { weights: Element::Q8_0, ..shape.clone() }).is_ok(),
            "what is offered fits"
        );
        let error = told(100, &shape).unwrap_err().to_string();
        assert!(error.contains("smaller model"), "{error}");
        assert!(check(None, &shape, &program(&shape).unwrap(), program).is_ok());
    }
}
