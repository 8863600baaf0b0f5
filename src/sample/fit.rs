//! Whether a model that is opened fits the memory; and if not, whether it does with its matrices in fewer bits.

use crate::base::memory::{self, Free};
use crate::base::units::bytes;
use crate::base::{Result, shell};
use crate::device::element::BLOCK;
use crate::device::{Element, Plan, Program};
use crate::model::{STREAMS, Shape};

/// How many sequences there is room for at once: `most`, or half of them, or half of those, until they fit; one in any case. Their keys
/// and values are what takes the room.
pub fn streams(
    free: Option<Free>,
    shape: &Shape,
    most: usize,
    program: impl Fn(&Shape) -> Result<Program>,
) -> usize {
    let mut streams = most.clamp(1, STREAMS);
    // A cache may also be larger than what the device binds.
    let fits = |streams| {
        let recorded = program(&Shape { streams, ..shape.clone() });
        let bytes = recorded.and_then(|program| Ok(Plan::new(&program)?.bytes()));
        bytes.is_ok_and(|bytes| free.is_none_or(|free| bytes <= free.to_offer()))
    };
    while streams > 1 && !fits(streams) {
        streams /= 2;
    }
    streams
}

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
    fn as_many_sequences_as_fit() {
        let limits = Limits::DEFAULT;
        let config = Preset::Gpt2.config(50_257);
        let shape = Shape::new(config, 1, config.block_size(), limits, Choices::of(Class::Lanes, &limits));
        let free = |mib: u64| Some(Free { bytes: mib << 20, who: "this computer", addresses: false });
        // A sequence of 1,024 positions takes 72 MiB, weights 475.
        let fitting = |free| streams(free, &shape, 8, |s| Ok(s.writing()?.into()));
        assert_eq!([None, free(4096), free(1000), free(740), free(100)].map(fitting), [8, 8, 4, 2, 1]);
        // 128 MiB hold the keys of 42 such; a device that binds a tenth holds those of 4.
        let small = Shape { limits: Limits { max_binding: 14 << 20, ..limits }, ..shape.clone() };
        assert_eq!(streams(None, &small, 8, |s| Ok(s.writing()?.into())), 4);
    }

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
