//! A model in training on a device: its program, and what a step does.

use std::collections::BTreeMap;

use crate::base::arch::Precision;
use crate::base::{Config, Error, Result};
use crate::check::health::{self, Layer};
use crate::check::profile::{self, Span};
use crate::check::replay::first_not_finite;
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Choices, Executor, Limits, Program, Step};
use crate::eval::loss_sum;
use crate::model::{self, Shape, grad_norms, input, store};
use crate::ops::classifier::scalar;
use crate::optim::adamw::{micro_step, update};
use crate::optim::spike::Bounds;
use crate::optim::{Hyper, OnSpike, Planned, Schedule};
use crate::run::record::Settings;
use crate::tokens::{Batch, IGNORE, Row, TokenFile, Window, batch};
use crate::weights::tensors::Tensors;
use crate::weights::{Checkpoint, peft};

/// A model, its gradients and its moments on a device.
pub struct Engine {
    /// The device's executor; sampling borrows it.
    pub exec: Box<dyn Executor>,
    /// What the recordings were made for.
    pub shape: Shape,
    /// Where it is.
    pub device: Device,
    settings: Settings,
    schedule: Schedule,
    hyper: Hyper,
    /// What the dispatches of the step under way take, where that is asked for.
    profile: Option<Vec<Span>>,
    /// What the gradients that it holds were multiplied by.
    scaled: f32,
}

/// What an optimizer step did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Did {
    /// Nats/token, before the update.
    pub loss: f32,
    /// The gradient's norm before clipping.
    pub norm: f32,
    /// Whether the device skipped the update.
    pub skipped: bool,
}

/// The learning rates of a run.
pub fn schedule(s: &Settings) -> Schedule {
    Schedule { lr: s.lr, min_lr: s.min_lr, warmup: s.warmup, steps: s.lr_floor.unwrap_or(s.steps) }
}

/// The program of a training run: the step's recordings, those that write samples, and the gradients' norms.
///
/// # Errors
/// An activation larger than the device's largest binding.
pub fn program(shape: &Shape) -> Result<Program> {
    let mut program = shape.training(update(&shape.slots(), shape.limits, &shape.choices)?)?;
    program.recordings.extend([shape.prefill()?, shape.decode()?, shape.grad_norms()?]);
    Ok(program)
}

/// What a run's recordings are made for.
///
/// # Errors
/// More blocks to freeze than the model has; an adapter beside layers that it has not.
pub fn shape(limits: Limits, choices: &Choices, config: Config, settings: &Settings) -> Result<Shape> {
    config.check_freeze(settings.freeze)?;
    if settings.precision == Precision::Mixed && !limits.f16 {
        return Err(Error::setting(
            "--precision mixed: this device's shaders know no half precision",
            "leave it out, or use --device cpu",
        ));
    }
    if let Some(lora) = &settings.lora {
        lora.check(&config)?;
    }
    Ok(Shape {
        // What the samples of a run need.
        positions: config.block_size().min(settings.context.max(SAMPLED)),
        dropout: settings.dropout > 0.0,
        freeze: settings.freeze,
        lora: settings.lora.clone(),
        optimizer: settings.optimizer,
        weights: settings.weights,
        recompute: settings.recompute,
        precision: settings.precision,
        ..Shape::new(config, settings.batch, settings.context, limits, choices.clone())
    })
}

/// Positions that a sample takes.
const SAMPLED: usize = 256;

impl Engine {
    /// Allocates everything a run needs on a device. The weights are not yet written.
    ///
    /// # Errors
    /// A model or a batch that does not fit the device.
    pub fn new(device: &Device, choices: Choices, config: Config, settings: &Settings) -> Result<Engine> {
        let shape = shape(device.limits(), &choices, config, settings)?;
        let exec = device.load(program(&shape)?, Options::default())?;
        let s = settings;
        Ok(Engine {
            exec,
            shape,
            device: device.clone(),
            settings: settings.clone(),
            schedule: schedule(s),
            hyper: Hyper {
                beta1: s.beta1,
                beta2: s.beta2,
                eps: s.eps,
                weight_decay: s.weight_decay,
                grad_clip: s.grad_clip,
            },
            profile: None,
            scaled: 1.0,
        })
    }

    /// Starts from the family's initialisation, and an adapter from its own, with zero moments.
    ///
    /// # Errors
    /// A lost device.
    pub fn initialise(&mut self) -> Result<()> {
        store::initialise(self.exec.as_mut(), &self.shape, self.settings.seed)?;
        store::initialise_adapter(self.exec.as_mut(), &self.shape, self.settings.seed)?;
        store::zero_moments(self.exec.as_mut(), &self.shape)
    }

    /// Starts from a checkpoint's weights, with zero moments. An adapter starts from the one that is given, or at nothing.
    ///
    /// # Errors
    /// A checkpoint or an adapter that cannot be read; a lost device.
    pub fn load(&mut self, checkpoint: &mut Checkpoint, adapter: Option<&mut Tensors>) -> Result<()> {
        store::load(self.exec.as_mut(), &self.shape, checkpoint)?;
        match adapter {
            Some(tensors) => self.load_adapter(tensors)?,
            None => store::initialise_adapter(self.exec.as_mut(), &self.shape, self.settings.seed)?,
        }
        store::zero_moments(self.exec.as_mut(), &self.shape)
    }

    fn load_adapter(&mut self, tensors: &mut Tensors) -> Result<()> {
        let shape = &self.shape;
        store::load_adapter(self.exec.as_mut(), shape, |param| {
            let mut data = Vec::new();
            tensors.read_f32(&peft::key(&param.name, &shape.config), &mut data)?;
            Ok(data)
        })
    }

    /// Takes up what was saved: the model (of an adapter's run, the one that it stands beside, and the adapter), and the moments.
    ///
    /// # Errors
    /// Files that cannot be read; a lost device.
    pub fn take_up(
        &mut self,
        checkpoint: &mut Checkpoint,
        adapter: Option<&mut Tensors>,
        moments: &mut Tensors,
    ) -> Result<()> {
        store::load(self.exec.as_mut(), &self.shape, checkpoint)?;
        if let Some(tensors) = adapter {
            self.load_adapter(tensors)?;
        }
        store::load_moments(self.exec.as_mut(), &self.shape, moments)
    }

    /// The kernels that it runs: what was chosen, and every pick.
    pub fn choices(&self) -> Choices {
        Choices {
            picks: self.exec.program().picks(),
            limits: self.shape.limits,
            ..self.shape.choices.clone()
        }
    }

    /// Arithmetic of a token's forward and backward, as recorded: less where parts are frozen.
    pub fn flops_per_token(&self) -> f64 {
        let micro_step = self.exec.program().find("micro_step").map_or(0, |r| r.flops());
        micro_step as f64 / (self.shape.b * self.shape.t) as f64
    }

    /// The learning rate of a step by its schedule.
    pub fn lr(&self, step: u64) -> f32 {
        self.schedule.at(step)
    }

    /// Submits an optimizer step; its scalars are received later. `rows` are those of all micro-steps.
    ///
    /// # Errors
    /// A lost device, or tokens that cannot be read.
    pub fn step(&mut self, planned: &Planned, tokens: &TokenFile, rows: &[Row]) -> Result<()> {
        self.scaled = planned.loss_scale;
        self.replay("zero", &Step::default())?;
        let scored = self.scored(tokens, rows);
        for (i, rows) in rows.chunks(self.settings.batch).enumerate() {
            let uniform = self.feed(planned, i, tokens, rows, scored)?;
            self.replay("micro_step", &uniform)?;
        }
        self.replay("update", &self.update(planned))?;
        self.exec.request(input::SCALARS)
    }

    /// As [`Engine::step`], with what each of its dispatches took; the numbers are the same.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub fn profile_step(&mut self, planned: &Planned, tokens: &TokenFile, rows: &[Row]) -> Result<Vec<Span>> {
        self.profile = Some(Vec::new());
        let done = self.step(planned, tokens, rows);
        let spans = self.profile.take().unwrap_or_default();
        done.map(|()| spans)
    }

    fn replay(&mut self, recording: &str, uniform: &Step) -> Result<()> {
        match &mut self.profile {
            Some(spans) => profile::replay(self.exec.as_mut(), recording, uniform, spans),
            None => self.exec.run(recording, uniform),
        }
    }

    /// The uniform of a step's update. Where spikes are skipped, the device does it, by the step's bounds: the next step
    /// need not wait for what this one did.
    fn update(&self, planned: &Planned) -> Step {
        let skips = self.settings.on_spike == OnSpike::Skip;
        let Bounds { norm, loss } = if skips { planned.bounds } else { Bounds::NONE };
        let uniform = self.hyper.step(planned.step, planned.lr);
        Step { norm_limit: norm, loss_limit: loss, grad_scale: planned.loss_scale, ..uniform }
    }

    /// The oldest step's numbers, waiting for them.
    ///
    /// # Errors
    /// A lost device.
    pub fn receive(&mut self) -> Result<Did> {
        let scalars = self.exec.receive_f32()?;
        let skipped = scalars[scalar::CLIP] < 0.0;
        Ok(Did { loss: scalars[scalar::LOSS], norm: scalars[scalar::NORM], skipped })
    }

    /// The targets of some windows that are scored; 1 where all are masked, so that their loss is 0.
    fn scored(&self, tokens: &TokenFile, rows: &[Row]) -> f32 {
        let count = |&(start, targets): &Window| {
            tokens.masked(start + 1..start + 1 + targets).filter(|masked| !masked).count()
        };
        rows.iter().flatten().map(count).sum::<usize>().max(1) as f32
    }

    /// Writes a micro-step's inputs and returns its uniform. `scored` targets count in the whole step.
    fn feed(
        &mut self,
        planned: &Planned,
        i: usize,
        tokens: &TokenFile,
        rows: &[Row],
        scored: f32,
    ) -> Result<Step> {
        let s = &self.settings;
        let Batch { inputs, targets, begins, .. } = batch(tokens, rows, s.context)?;
        model::feed_packed(self.exec.as_mut(), &inputs, &targets, &begins)?;
        let index = (planned.step - 1) * s.accumulate as u64 + i as u64;
        let grad_scale = planned.loss_scale;
        Ok(Step { grad_scale, ..micro_step(1.0 / scored, s.dropout, s.seed, index) })
    }

    /// Runs one micro-step, on tokens that say nothing, whose results are thrown away, and returns how long it took in seconds, with its share of an update
    /// (which cannot be thrown away, so it is taken by its arithmetic): how fast the device is, once warm.
    ///
    /// # Errors
    /// A lost device.
    pub fn rehearse(&mut self) -> Result<f64> {
        let s = &self.settings;
        let vocab = self.shape.config.vocab_size() as u32;
        let ids: Vec<u32> = (0..=(s.batch * s.context) as u32).map(|i| i * 31 % vocab).collect();
        let (inputs, targets) = (&ids[..ids.len() - 1], &ids[1..]);
        model::feed(self.exec.as_mut(), inputs, targets)?;
        let uniform = micro_step(1.0 / targets.len() as f32, s.dropout, s.seed, 0);
        let mut seconds = 0.0;
        for _ in 0..2 {
            let start = std::time::Instant::now();
            self.exec.run("zero", &Step::default())?;
            self.exec.run("micro_step", &uniform)?;
            self.exec.request(input::SCALARS)?;
            self.exec.receive()?;
            seconds = start.elapsed().as_secs_f64();
            // What takes so long, a warm device hardly changes.
            if seconds > 5.0 {
                break;
            }
        }
        let flops = |name: &str| self.exec.program().find(name).map_or(0, |r| r.flops()) as f64;
        let micro_steps = flops("micro_step") * self.settings.accumulate as f64;
        Ok(seconds * (1.0 + flops("update") / micro_steps))
    }

    /// Mean loss over rows of validation windows, nats a token.
    ///
    /// # Errors
    /// A lost device.
    pub fn evaluate(
        &mut self,
        tokens: &TokenFile,
        rows: &[Row],
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Option<f32>> {
        let (mut total, mut scored) = (0.0_f64, 0_u64);
        for (n, some) in rows.chunks(self.settings.batch).enumerate() {
            if !go_on(n * self.settings.batch) {
                return Ok(None);
            }
            let batch = self.validation_batch(tokens, some)?;
            scored += u64::from(batch.scored);
            total += f64::from(loss_sum(self.exec.as_mut(), &batch)?);
        }
        Ok(Some((total / scored.max(1) as f64) as f32))
    }

    /// The norms of the last step's gradients, by block: they stay until the next step begins.
    ///
    /// # Errors
    /// A lost device.
    pub fn grad_norms(&mut self) -> Result<BTreeMap<String, f32>> {
        let mut norms = grad_norms::read(self.exec.as_mut(), &self.shape)?;
        norms.values_mut().for_each(|norm| *norm /= self.scaled);
        Ok(norms)
    }

    /// What the units of the MLPs do with the tokens of one batch.
    ///
    /// # Errors
    /// A lost device.
    pub fn health(&mut self, tokens: &TokenFile, rows: &[Row]) -> Result<Vec<Layer>> {
        let batch = self.validation_batch(tokens, rows)?;
        model::feed_packed(self.exec.as_mut(), &batch.inputs, &batch.targets, &batch.begins)?;
        let scored = |row: &usize| batch.targets[*row] != IGNORE;
        let rows: Vec<usize> = (0..batch.targets.len()).filter(scored).collect();
        health::layers(self.exec.as_mut(), &rows)
    }

    /// A batch of validation windows, filled up with rows that are not scored.
    fn validation_batch(&self, tokens: &TokenFile, rows: &[Row]) -> Result<Batch> {
        let (b, t) = (self.settings.batch, self.settings.context);
        let mut batch = batch(tokens, rows, t)?;
        batch.inputs.resize(b * t, 0);
        batch.targets.resize(b * t, IGNORE);
        batch.begins.resize(b * t, 0);
        Ok(batch)
    }

    /// Replays an evaluation under check and names the first dispatch that wrote a number that is not finite.
    ///
    /// # Errors
    /// A lost device.
    pub fn find_not_finite_in_evaluation(
        &mut self,
        tokens: &TokenFile,
        rows: &[Row],
    ) -> Result<Option<String>> {
        for some in rows.chunks(self.settings.batch) {
            let batch = self.validation_batch(tokens, some)?;
            model::feed_packed(self.exec.as_mut(), &batch.inputs, &batch.targets, &batch.begins)?;
            self.exec.write_f32(input::SCALARS, 0, &[0.0; scalar::COUNT])?;
            if let Some(found) = first_not_finite(self.exec.as_mut(), "evaluate", &Step::default())? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Decodes one token under check and names the first dispatch that wrote a number that is not finite.
    ///
    /// # Errors
    /// A lost device.
    pub fn find_not_finite_in_decoding(&mut self, token: u32) -> Result<Option<String>> {
        self.exec.write(input::TOKEN, 0, &[token])?;
        first_not_finite(self.exec.as_mut(), "decode", &Step::default())
    }

    /// Replays a step under check and names the first dispatch that wrote a number that is not finite.
    ///
    /// # Errors
    /// A lost device.
    pub fn find_not_finite(
        &mut self,
        planned: &Planned,
        tokens: &TokenFile,
        rows: &[Row],
    ) -> Result<Option<String>> {
        self.exec.run("zero", &Step::default())?;
        let scored = self.scored(tokens, rows);
        for (i, rows) in rows.chunks(self.settings.batch).enumerate() {
            let uniform = self.feed(planned, i, tokens, rows, scored)?;
            if let Some(found) = first_not_finite(self.exec.as_mut(), "micro_step", &uniform)? {
                return Ok(Some(found));
            }
        }
        let uniform = self.update(planned);
        first_not_finite(self.exec.as_mut(), "update", &uniform)
    }
}
