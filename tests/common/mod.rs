//! What the tests share: the adapter, opened once for the process, the fixtures and the samples.

#![allow(dead_code)] // each test binary uses a part

pub mod samples;

use std::sync::{Mutex, MutexGuard, OnceLock};

use diarist::base::Config;
use diarist::device::executor::{Executor, Options};
use diarist::device::select::Device;
use diarist::device::{Choices, Class, Kind, Program, Recorder, Step, Tensor};
use diarist::model::{Shape, store};
use diarist::optim::adamw::update;
use diarist::weights::tensors::Tensors;

/// The tests' GPU. A machine without any adapter fails here: nothing is skipped. `tests/run` installs a software one.
pub fn gpu() -> Device {
    static GPU: OnceLock<Device> = OnceLock::new();
    GPU.get_or_init(|| {
        Device::open("gpu", 0)
            .expect("the tests need a GPU adapter, a software one will do: tests/run installs it")
    })
    .clone()
}

/// Tests that use the adapter take turns: two cores are a small GPU.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The CPU, and the adapter with each class of kernels.
pub fn devices() -> Vec<(Device, Class)> {
    let mut all = vec![(Device::Cpu(0), Class::Lanes)];
    all.extend(Class::ALL.map(|c| (gpu(), c)));
    all
}

/// A model's shape for a device, with a class of kernels.
pub fn shape(config: Config, b: usize, t: usize, device: &Device, class: Class) -> Shape {
    let limits = device.limits();
    Shape::new(config, b, t, limits, Choices::of(class, &limits))
}

/// A training program.
pub fn training(shape: &Shape) -> Program {
    shape.training(update(&shape.slots(), shape.limits, &shape.choices).unwrap()).unwrap()
}

/// A training program on a device, with GPT-2's initialisation and zero moments.
pub fn load(device: &Device, shape: &Shape, options: Options) -> Box<dyn Executor> {
    let mut exec = device.load(training(shape), options).unwrap();
    store::initialise(exec.as_mut(), shape, 11).unwrap();
    store::zero_moments(exec.as_mut(), shape).unwrap();
    exec
}

/// ‖a − b‖ / ‖b‖.
pub fn relative(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    diarist::check::replay::relative_l2(a, b)
}

/// One fixture file.
pub struct Fixture(Mutex<Tensors>);

impl Fixture {
    pub fn open(name: &str) -> Fixture {
        let path = format!("{}/tests/fixtures/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        Fixture(Mutex::new(diarist::weights::safetensors::open(path).unwrap()))
    }

    pub fn get(&self, name: &str) -> Vec<f32> {
        let mut out = Vec::new();
        self.0.lock().unwrap().read_f32(name, &mut out).unwrap();
        out
    }

    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.0.lock().unwrap().entry(name).unwrap().shape.clone()
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().entries().iter().map(|e| e.name.clone()).collect()
    }

    /// Whole numbers as ids; −1 as the target that is not scored.
    pub fn ids(&self, name: &str) -> Vec<u32> {
        self.get(name).iter().map(|&x| if x < 0.0 { u32::MAX } else { x as u32 }).collect()
    }

    pub fn number(&self, name: &str) -> f32 {
        self.get(name)[0]
    }
}

/// A recording on a device, with its kept tensors filled from named data; unnamed ones are zero.
pub struct Bench {
    pub exec: Box<dyn Executor>,
}

impl Bench {
    pub fn new(device: &Device, class: Class, record: impl FnOnce(&mut Recorder)) -> Bench {
        let limits = device.limits();
        let mut rec = Recorder::new("test", limits, &Choices::of(class, &limits));
        record(&mut rec);
        let program = Program::from(vec![rec.finish().unwrap()]);
        let options = Options { poison: true, ..Options::default() };
        let mut exec = device.load(program.clone(), options).unwrap();
        for t in &program.recordings[0].tensors {
            if t.kind != Kind::Scratch {
                exec.write(&t.name, 0, &vec![0; t.words()]).unwrap();
            }
        }
        Bench { exec }
    }

    pub fn write(&mut self, name: &str, data: &[f32]) {
        self.exec.write_f32(name, 0, data).unwrap();
    }

    pub fn write_ids(&mut self, name: &str, ids: &[u32]) {
        self.exec.write(name, 0, ids).unwrap();
    }

    pub fn run(&mut self, step: &Step) {
        self.exec.run("test", step).unwrap();
    }

    pub fn peek(&mut self, t: Tensor) -> Vec<f32> {
        bytemuck::cast_vec(self.exec.peek("test", t).unwrap())
    }

    pub fn peek_name(&mut self, name: &str) -> Vec<f32> {
        let t = self.exec.program().recordings[0].find(name).unwrap_or_else(|| panic!("{name}?"));
        self.peek(t)
    }
}
