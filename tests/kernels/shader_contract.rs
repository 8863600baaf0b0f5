//! The border between Rust and WGSL, held from this side: every shader is reflected with naga for every set of constants
//! that the ops' cases and the model's recordings use, compared with what its kernel declares, and translated to
//! SPIR-V, MSL and HLSL, the languages of the platforms that the tests cannot run on.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::offset_of;

use crate::common::training;
use diarist::base::arch::gpt2::LAYER_NORM_EPS;
use diarist::base::rng::Site;
use diarist::base::{Config, Gpt2, Llama, Lora, Phi, Preset};
use diarist::device::kernel::Consts;
use diarist::device::{Binding, Choices, Const, Coop, Coops, Element, Kernel, Limits, Recording, Step};
use diarist::model::Shape;
use diarist::ops::case::Family;
use diarist::ops::{self, FAMILIES};
use naga::valid::{Capabilities, GlobalUse, ModuleInfo, ValidationFlags, Validator};
use naga::{
    AddressSpace, Expression, Handle, Literal, Module, ScalarKind, ShaderStage, StorageAccess, TypeInner,
    back,
};

/// WebGPU's defaults, which every adapter grants: what a shader may ask for.
const MAX_INVOCATIONS: u32 = 256;
const MAX_WORKGROUP_BYTES: u32 = 16_384;
const MAX_STORAGE_BUFFERS: usize = 8;
/// What a variant that multiplies cooperative matrices may ask for: it is valid where there is as much.
const COOP_WORKGROUP_BYTES: u32 = 32_768;

/// Every kernel of the project.
fn kernels() -> impl Iterator<Item = &'static Kernel> {
    FAMILIES.iter().flat_map(|f| f.kernels.iter().copied())
}

/// A kernel with one set of constants, and a dispatch that uses it.
type Variants = BTreeMap<(&'static str, Consts), (&'static Kernel, String)>;

fn collect(variants: &mut Variants, of: &str, recording: &Recording) {
    for d in &recording.dispatches {
        let used_by = || (d.kernel, format!("{of}, {}: {}", recording.name, d.label));
        variants.entry((d.kernel.name, d.consts.clone())).or_insert_with(used_by);
    }
}

/// Each family with each of its variants preferred, on a device that has subgroups of eight to 32 and every kind of cooperative
/// matrices beside WebGPU's defaults, and the workgroup memory that goes with such.
fn each_variant() -> impl Iterator<Item = (&'static Family, Limits, Choices)> {
    let coop = [Coop::F16_8, Coop::F16_16].into_iter().fold(Coops::default(), Coops::with);
    let most = COOP_WORKGROUP_BYTES;
    let limits = Limits { subgroup: 8, subgroup_most: 32, coop, max_shared: most, ..Limits::DEFAULT };
    let all = FAMILIES.iter().flat_map(|family| family.variants.iter().map(move |v| (family, v)));
    all.map(move |(family, v)| {
        (family, limits, Choices { prefer: Some(v.name), ..Choices::of(v.class, &limits) })
    })
}

/// Every set of constants in use: of all cases, and of the presets' and an odd model's recordings.
fn variants() -> Variants {
    let mut all = Variants::new();
    let odd = Config::Gpt2(Gpt2 { vocab_size: 101, block_size: 23, n_layer: 2, n_head: 3, n_embd: 36 });
    let models = Preset::ALL.iter().map(|p| (p.name(), p.config(50_257)));
    let models: Vec<_> = models.chain([("tiny of bytes", Preset::Tiny.config(257)), ("odd", odd)]).collect();
    // Every variant by its name too, on a device that has subgroups.
    for (family, limits, choices) in each_variant() {
        for case in (family.cases)(limits, &choices) {
            collect(&mut all, &case.name, &case.recording);
        }
    }
    let limits = Limits::DEFAULT;
    for choices in Choices::all(&limits) {
        for case in FAMILIES.iter().flat_map(|f| (f.cases)(limits, &choices)) {
            collect(&mut all, &case.name, &case.recording);
        }
        for (name, config) in &models {
            // Layers differ in names alone.
            let config: Config = match *config {
                Config::Gpt2(shape) => Gpt2 { n_layer: 1, ..shape }.into(),
                Config::Llama(shape) => Llama { n_layer: 1, ..shape }.into(),
                Config::Phi(shape) => Phi { n_layer: 1, ..shape }.into(),
            };
            for (t, dropout) in [(config.block_size().min(2048), false), (17, true)] {
                let shape = Shape { dropout, ..Shape::new(config, 1, t, limits, choices.clone()) };
                // One matrix of Mistral's is larger in f32 than a default binding: it rests in less, or is not for this device.
                let rests =
                    Element::WEIGHTS.into_iter().filter(|e| *name != "mistral-7b" || *e != Element::F32);
                let mut recordings = Vec::new();
                for weights in rests {
                    let shape = Shape { weights, ..shape.clone() };
                    let beside = Shape { lora: Some(Lora::default()), ..shape.clone() };
                    recordings
                        .extend([shape.evaluate(), shape.prefill(), shape.decode()].map(Result::unwrap));
                    // Products of several rows, of which there are a few forms.
                    let several = Shape { streams: 8, positions: 64, ..shape.clone() };
                    recordings.extend(several.writing().unwrap());
                    recordings.push(beside.micro_step().unwrap());
                    if weights == Element::F32 {
                        recordings.extend(training(&shape).recordings);
                    }
                }
                recordings.iter().for_each(|recording| collect(&mut all, name, recording));
            }
        }
    }
    all
}

/// Globals and how they are used, by group and binding.
type Bound<'a> = BTreeMap<(u32, u32), (&'a naga::GlobalVariable, GlobalUse)>;

/// A uniform's word: its name, kind and offset.
type Member<'a> = (&'a str, ScalarKind, usize);

/// One built shader, parsed and validated.
struct Shader {
    module: Module,
    info: ModuleInfo,
    /// Whether it multiplies cooperative matrices, which no DirectX does.
    cooperates: bool,
}

/// Whether a set of constants brings a subgroup's operation.
fn asks_for_subgroups(consts: &Consts) -> bool {
    consts.iter().any(|(_, value)| matches!(value, Const::Body(text) if text.contains("subgroup")))
}

impl Shader {
    fn build(kernel: &Kernel, consts: &Consts) -> Result<Shader, String> {
        let source = kernel.wgsl(consts).map_err(|e| e.to_string())?;
        let module = naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source))?;
        // What an adapter without any optional feature has: WebGPU's own, `unpack2x16float` among it. A variant that says so asks
        // for subgroups besides.
        let mut core = Capabilities::default() | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
        let cooperates = source.contains("enable wgpu_cooperative_matrix;");
        core.set(
            Capabilities::SUBGROUP,
            source.contains("subgroup") && asks_for_subgroups(consts) || cooperates,
        );
        core.set(Capabilities::COOPERATIVE_MATRIX, cooperates);
        core.set(Capabilities::SHADER_FLOAT16, source.contains("enable f16;"));
        let mut validator = Validator::new(ValidationFlags::all(), core);
        let info = validator.validate(&module).map_err(|e| e.emit_to_string(&source))?;
        Ok(Shader { module, info, cooperates })
    }

    fn entry(&self, name: &str) -> Result<usize, String> {
        let found = self.module.entry_points.iter().position(|e| e.name == name);
        found.ok_or_else(|| format!("no entry point of the name {name}"))
    }

    /// The bound globals that an entry point uses, by group and binding.
    fn bound(&self, entry: usize) -> Result<Bound<'_>, String> {
        let uses = self.info.get_entry_point(entry);
        let mut bound = BTreeMap::new();
        for (handle, global) in self.module.global_variables.iter() {
            let (Some(at), used) = (&global.binding, uses[handle]) else { continue };
            if !used.is_empty() && bound.insert((at.group, at.binding), (global, used)).is_some() {
                return Err(format!("two variables at group {} binding {}", at.group, at.binding));
            }
        }
        Ok(bound)
    }

    fn type_of(&self, ty: Handle<naga::Type>) -> &TypeInner {
        &self.module.types[ty].inner
    }

    /// A uniform struct's members and its size in bytes.
    fn uniform(&self, global: &naga::GlobalVariable) -> Result<(Vec<Member<'_>>, u32), String> {
        let name = global.name.as_deref().unwrap_or("?");
        let TypeInner::Struct { members, span } = self.type_of(global.ty) else {
            return Err(format!("{name} is not a struct"));
        };
        if global.space != AddressSpace::Uniform {
            return Err(format!("{name} is {:?}, not a uniform", global.space));
        }
        let word = |m: &naga::StructMember| match self.type_of(m.ty) {
            TypeInner::Scalar(s) if s.width == 4 => Ok(s.kind),
            other => Err(format!("{name}.{:?} is {other:?}, not a word", m.name)),
        };
        let member = |m| Ok((member_name(m), word(m)?, m.offset as usize));
        let members: Result<Vec<_>, String> = members.iter().map(member).collect();
        Ok((members?, *span))
    }
}

/// A member's name; naga makes it optional, WGSL does not.
fn member_name(member: &naga::StructMember) -> &str {
    member.name.as_deref().unwrap_or("?")
}

/// Fails with what was found and what was expected.
fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, the kernel declares {expected:?}"))
    }
}

fn check_bindings(kernel: &Kernel, shader: &Shader, entry: usize) -> Result<(), String> {
    let bound = shader.bound(entry)?;
    let tensors: Vec<_> = bound.iter().filter(|((group, _), _)| *group == 0).collect();
    let names: Vec<_> =
        tensors.iter().map(|((_, at), (g, _))| (*at, g.name.as_deref().unwrap_or("?"))).collect();
    let declared: Vec<_> = (0..).zip(kernel.bindings.iter().map(|b| b.name)).collect();
    expect("group 0", names, declared)?;
    for ((_, (global, used)), binding) in tensors.iter().zip(kernel.bindings) {
        let AddressSpace::Storage { access } = global.space else {
            return Err(format!("{} is {:?}, not storage", binding.name, global.space));
        };
        let TypeInner::Array { base, .. } = shader.type_of(global.ty) else {
            return Err(format!("{} is no array", binding.name));
        };
        let scalar = match shader.type_of(*base) {
            TypeInner::Scalar(s) | TypeInner::Vector { scalar: s, .. } => *s,
            other => return Err(format!("{} is an array of {other:?}", binding.name)),
        };
        // Fewer bits are read as the words that they are packed in; halves also as what they are.
        let declared = binding.elements;
        let fits = match (scalar.kind, scalar.width) {
            (ScalarKind::Float, 4) => declared.contains(&Element::F32),
            (ScalarKind::Float, 2) => declared.contains(&Element::F16),
            (kind, _) => kind == ScalarKind::Uint && declared.iter().any(|e| *e != Element::F32),
        };
        expect(&format!("{} is made of {scalar:?}, of {declared:?}", binding.name), fits, true)?;
        let writable = binding.writable;
        expect(&format!("{} is read_write", binding.name), access.contains(StorageAccess::STORE), writable)?;
        expect(&format!("{} is written", binding.name), used.contains(GlobalUse::WRITE), writable)?;
        // What is written or updated may be read too, or not: an update may leave the other elements as they are.
        if !writable {
            expect(&format!("{} is read", binding.name), used.contains(GlobalUse::READ), true)?;
        }
    }
    let buffers_in_use = tensors.len();
    if buffers_in_use > MAX_STORAGE_BUFFERS {
        return Err(format!("{buffers_in_use} storage buffers; WebGPU grants {MAX_STORAGE_BUFFERS}"));
    }
    // Reads first, then writes: the twin's two slices are cut there.
    let order: Vec<bool> = kernel.bindings.iter().map(|b| b.writable).collect();
    expect("reads stand before writes", order.is_sorted(), true)?;

    let uniforms: Vec<u32> = bound.keys().filter(|(group, _)| *group > 0).map(|(g, b)| 10 * g + b).collect();
    expect("uniforms (10·group + binding)", uniforms, if kernel.step { vec![10, 11] } else { vec![10] })?;
    let (members, _) = shader.uniform(bound[&(1, 0)].0)?;
    let words: Vec<_> =
        (kernel.dims.iter().enumerate()).map(|(i, n)| (*n, ScalarKind::Uint, 4 * i)).collect();
    expect("dims", members, words)?;
    if kernel.step {
        let (members, size) = shader.uniform(bound[&(1, 1)].0)?;
        expect("Step", members, step_words())?;
        expect("size of Step", size as usize, size_of::<Step>())?;
    }
    Ok(())
}

/// A word of [`Step`] as WGSL has to declare it.
trait Word {
    const KIND: ScalarKind;
}
impl Word for f32 {
    const KIND: ScalarKind = ScalarKind::Float;
}
impl Word for u32 {
    const KIND: ScalarKind = ScalarKind::Uint;
}

/// The fields of [`Step`]: a field that Rust gains and this list lacks does not compile, nor does one that it loses.
fn step_words() -> Vec<Member<'static>> {
    fn kind<T: Word>(_: T) -> ScalarKind {
        T::KIND
    }
    macro_rules! words {
        ($($field:ident),*) => {{
            let Step { $($field),* } = Step::default();
            vec![$((stringify!($field), kind($field), offset_of!(Step, $field))),*]
        }};
    }
    words![
        lr,
        beta1,
        beta2,
        eps,
        weight_decay,
        bias1,
        bias2,
        grad_clip,
        loss_scale,
        dropout_key,
        dropout_threshold,
        dropout_scale,
        pos,
        norm_limit,
        loss_limit,
        grad_scale
    ]
}

fn check_workgroup(shader: &Shader, entry: usize) -> Result<(), String> {
    let uses = shader.info.get_entry_point(entry);
    let invocations = shader.module.entry_points[entry].workgroup_size.iter().product::<u32>();
    if !(1..=MAX_INVOCATIONS).contains(&invocations) {
        return Err(format!("{invocations} invocations a workgroup; WebGPU grants {MAX_INVOCATIONS}"));
    }
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(shader.module.to_ctx()).map_err(|e| e.to_string())?;
    let shared = shader
        .module
        .global_variables
        .iter()
        .filter(|(handle, global)| global.space == AddressSpace::WorkGroup && !uses[*handle].is_empty());
    // WebGPU counts each variable rounded up to 16 bytes.
    let bytes: u32 = shared.map(|(_, global)| layouter[global.ty].size.next_multiple_of(16)).sum();
    let most = if shader.cooperates { COOP_WORKGROUP_BYTES } else { MAX_WORKGROUP_BYTES };
    if bytes > most {
        return Err(format!("{bytes} bytes of workgroup memory of {most}"));
    }
    Ok(())
}

/// Translates one entry point; the texts must name it or, where a language reserves its name, hold code at all.
fn check_translations(kernel: &Kernel, shader: &Shader) -> Result<(), String> {
    let Shader { module, info, cooperates } = shader;
    let name = kernel.name.to_string();
    let entry = Some((ShaderStage::Compute, name.clone()));

    let options = back::spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: name };
    let words = back::spv::write_vec(module, info, &back::spv::Options::default(), Some(&options))
        .map_err(|e| format!("SPIR-V: {e}"))?;
    expect("SPIR-V's magic number", words.first().copied(), Some(0x0723_0203))?;

    let options = back::msl::PipelineOptions { entry_point: entry.clone(), ..Default::default() };
    // What Metal has had since macOS 11 where there are cooperative matrices; else its first version does.
    let lang_version = if *cooperates { (2, 3) } else { (1, 0) };
    let msl = back::msl::Options { lang_version, ..Default::default() };
    let (text, translated) =
        back::msl::write_string(module, info, &msl, &options).map_err(|e| format!("MSL: {e}"))?;
    let names: Result<Vec<_>, _> = translated.entry_point_names.into_iter().collect();
    let names = names.map_err(|e| format!("MSL: {e}"))?;
    expect("MSL's entry points", names.iter().filter(|n| text.contains(n.as_str())).count(), 1)?;

    if *cooperates {
        return Ok(());
    }
    let options = back::hlsl::PipelineOptions { entry_point: entry };
    let mut text = String::new();
    let hlsl = back::hlsl::Options::default();
    let translated = back::hlsl::Writer::new(&mut text, &hlsl, &options)
        .write(module, info, None)
        .map_err(|e| format!("HLSL: {e}"))?;
    let names: Result<Vec<_>, _> = translated.entry_point_names.into_iter().collect();
    let names = names.map_err(|e| format!("HLSL: {e}"))?;
    expect("HLSL's entry points", names.iter().filter(|n| text.contains(n.as_str())).count(), 1)
}

fn check(kernel: &Kernel, consts: &Consts) -> Result<(), String> {
    let shader = Shader::build(kernel, consts)?;
    let entry = shader.entry(kernel.name)?;
    check_bindings(kernel, &shader, entry)?;
    check_workgroup(&shader, entry)?;
    check_translations(kernel, &shader)
}

/// Every failure of a list, at once.
fn assert_none(failures: Vec<String>) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_kernel_is_what_its_shader_says_with_every_set_of_constants() {
    let variants = variants();
    // 14 families with two sets each and more: a list that shrank would pass unseen.
    assert!(variants.len() > 100, "only {} variants were collected", variants.len());
    let failed = |((name, consts), (kernel, used_by)): (&(&str, Consts), &(&Kernel, String))| {
        let e = check(kernel, consts).err()?;
        Some(format!("{name} with {consts:?} ({used_by}):\n{e}"))
    };
    assert_none(variants.iter().filter_map(failed).collect());
}

#[test]
fn every_file_on_disk_stands_alone_with_its_lib() {
    let mut failures = Vec::new();
    let mut entries: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for kernel in kernels() {
        match Shader::build(kernel, &Vec::new()) {
            Err(e) => {
                failures.push(format!("{} ({}), with the constants on disk:\n{e}", kernel.file, kernel.name))
            }
            Ok(shader) => {
                let names = shader.module.entry_points.iter().map(|e| e.name.clone());
                entries.entry(kernel.file).or_default().extend(names);
                // The text that is built in is the text on disk.
                let disk = std::fs::read_to_string(format!("{}/{}", shaders(), kernel.file)).unwrap();
                if disk != kernel.source {
                    failures
                        .push(format!("{} builds in another file than shaders/{}", kernel.name, kernel.file));
                }
            }
        }
    }
    for (file, names) in entries {
        let known: BTreeSet<String> =
            kernels().filter(|k| k.file == file).map(|k| k.name.to_string()).collect();
        failures.extend(names.difference(&known).map(|n| format!("{file}: no kernel is called {n}")));
    }
    assert_none(failures);
}

fn shaders() -> String {
    format!("{}/shaders", env!("CARGO_MANIFEST_DIR"))
}

/// The shaders of a folder, by name.
fn wgsl_files(folder: &str) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|n| n.ends_with(".wgsl")).collect()
}

#[test]
fn every_file_has_a_kernel_and_every_kernel_a_case() {
    let files: BTreeSet<String> = kernels().map(|k| k.file.to_string()).collect();
    let lessons = wgsl_files(&format!("{}/ladder", shaders())).into_iter().map(|n| format!("ladder/{n}"));
    assert_eq!(wgsl_files(&shaders()).into_iter().chain(lessons).collect::<BTreeSet<_>>(), files);
    let libs = wgsl_files(&format!("{}/lib", shaders()));
    for lib in libs {
        let text = std::fs::read_to_string(format!("{}/lib/{lib}", shaders())).unwrap();
        assert!(kernels().any(|k| k.lib.contains(&text.as_str())), "no kernel uses shaders/lib/{lib}");
    }

    let names: Vec<&str> = kernels().map(|k| k.name).collect();
    assert_eq!(
        names.len(),
        names.iter().collect::<BTreeSet<_>>().len(),
        "two kernels of one name in {names:?}"
    );
    for family in FAMILIES {
        let mut tried = BTreeSet::new();
        for choices in Choices::all(&Limits::DEFAULT) {
            let cases = (family.cases)(Limits::DEFAULT, &choices);
            assert!(!cases.is_empty(), "{} has no case for {choices:?}", family.name);
            tried.extend(cases.iter().flat_map(|c| &c.recording.dispatches).map(|d| d.kernel.name));
        }
        for (_, limits, choices) in each_variant().filter(|(of, ..)| of.name == family.name) {
            let cases = (family.cases)(limits, &choices);
            let name = choices.prefer.expect("each is preferred");
            let picks = cases.iter().any(|case| case.recording.picks.values().any(|picked| picked == name));
            tried.extend(cases.iter().flat_map(|c| &c.recording.dispatches).map(|d| d.kernel.name));
            assert!(picks, "no case of {} picks {name}", family.name);
        }
        for kernel in family.kernels {
            assert!(tried.contains(kernel.name), "{} is in no case of {}", kernel.name, family.name);
        }
    }
    // Nothing is recorded that FAMILIES does not list: it would be neither checked nor timed.
    for (name, _) in variants().keys() {
        assert!(names.contains(name), "{name} is recorded, and no family lists it");
    }
}

#[test]
fn no_tolerance_hides_a_wrong_kernel() {
    // A wrong index or a dropped term changes an output by far more; fp32's own share is under 1e-5 for every kernel,
    // and the whole model has 1e-4.
    for kernel in kernels() {
        assert!((0.0..1e-4).contains(&kernel.tolerance), "{}: {}", kernel.name, kernel.tolerance);
    }
}

/// The kernels of a file that do not state a tolerance of their own with a reason above it, and how many kernels it has.
fn unreasoned(text: &str) -> (Vec<&str>, usize) {
    // An item ends where the next one begins; rustfmt puts each `static` at a line's start and each field on its own.
    let items = text.split("\nstatic ").skip(1).filter_map(|item| item.split_once(": Kernel ="));
    let reasoned = |body: &str| {
        let body: Vec<&str> = body.lines().take_while(|l| *l != "};").map(str::trim).collect();
        let stated = body.windows(2).filter(|w| w[1].starts_with("tolerance: ") && w[0].starts_with("// "));
        stated.count() == 1
    };
    let items: Vec<_> = items.collect();
    let without = items.iter().filter(|(_, body)| !reasoned(body)).map(|(name, _)| *name).collect();
    (without, items.len())
}

/// A struct update would hand a kernel the tolerance of another, and another's reason.
#[test]
fn every_kernel_states_its_tolerance_and_why() {
    let folder = format!("{}/src/ops", env!("CARGO_MANIFEST_DIR"));
    let (mut failures, mut found) = (Vec::new(), 0);
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap().into_path());
    for path in files.filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(&path).unwrap().replace("\npub(super) static ", "\nstatic ");
        let (without, kernels) = unreasoned(&text);
        failures.extend(without.iter().map(|name| format!("{}: {name}", path.display())));
        found += kernels;
    }
    assert_none(failures);
    assert_eq!(found, kernels().count(), "kernels in src/ops/ and in FAMILIES");

    let inherits = "\nstatic A: Kernel = Kernel {\n    // Why.\n    tolerance: 0.0,\n};\nstatic B: Kernel = Kernel { ..A };\n";
    assert_eq!(unreasoned(inherits), (vec!["B"], 2));
    let silent =
        "\nstatic A: Kernel = Kernel {\n    step: true,\n    tolerance: 0.0,\n};\n// Not\ntolerance: 1.0\n";
    assert_eq!(unreasoned(silent), (vec!["A"], 1));
}

fn shader_of(kernel: &str) -> Shader {
    let kernel = kernels().find(|k| k.name == kernel).unwrap();
    Shader::build(kernel, &Vec::new()).unwrap()
}

/// The value of a module constant.
fn constant(shader: &Shader, name: &str) -> Literal {
    let mut constants = shader.module.constants.iter();
    let (_, found) = constants.find(|(_, c)| c.name.as_deref() == Some(name)).expect(name);
    match &shader.module.global_expressions[found.init] {
        Expression::Literal(literal) => *literal,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn constants_on_both_sides_are_one() {
    assert_eq!(constant(&shader_of("classifier_loss"), "IGNORE"), Literal::U32(ops::classifier::IGNORE));
    assert_eq!(ops::classifier::IGNORE, diarist::tokens::IGNORE);
    let site = Literal::U32(Site::Attention as u32);
    assert_eq!(constant(&shader_of("attention_forward"), "ATTENTION_SITE"), site);

    // LayerNorm's epsilon stands in its equation: the one small number there.
    let shader = shader_of("layernorm_forward");
    let entry = &shader.module.entry_points[shader.entry("layernorm_forward").unwrap()];
    let literals = entry.function.expressions.iter().chain(shader.module.global_expressions.iter());
    let small = literals.filter_map(|(_, e)| match e {
        Expression::Literal(Literal::F32(x)) if *x > 0.0 && *x < 1e-3 => Some(*x),
        _ => None,
    });
    assert_eq!(small.collect::<Vec<_>>(), [LAYER_NORM_EPS]);
}

/// The contract itself is tested on kernels that break it: each change below is one that a person could make.
#[test]
fn a_broken_contract_is_found() {
    use diarist::device::kernel::{ids, read, write};
    let good = kernels().find(|k| k.name == "classifier_backward").unwrap();
    let consts: Consts = Vec::new();
    assert_eq!(check(good, &consts), Ok(()));
    let kernel = || Kernel { ..*good };
    let bound = |bindings: &[Binding]| Kernel { bindings: bindings.to_vec().leak(), ..kernel() };
    let (stats, targets, dlogits) = (read("stats_of"), ids("targets"), write("dlogits"));
    let broken = [
        ("group 0", bound(&[targets, stats, dlogits])),
        ("group 0", bound(&[stats, targets])),
        ("read_write", bound(&[stats, targets, read("dlogits")])),
        ("read_write", bound(&[write("stats_of"), targets, dlogits])),
        ("targets is made of", bound(&[stats, read("targets"), dlogits])),
        ("stats_of is made of", bound(&[ids("stats_of"), targets, dlogits])),
        ("dims", Kernel { dims: &["V", "R", "row0", "v0"], ..kernel() }),
        ("dims", Kernel { dims: &["R", "V", "row0"], ..kernel() }),
        ("uniforms", Kernel { step: false, ..kernel() }),
        ("no entry point", Kernel { name: "classifier_backwards", ..kernel() }),
    ];
    for (part, kernel) in broken {
        let e = check(&kernel, &consts).unwrap_err();
        assert!(e.contains(part), "{e} does not say {part}");
    }
    let source = |from: &str, to: &str| -> &'static str {
        assert!(good.source.contains(from), "{from}");
        good.source.replace(from, to).leak()
    };
    for (part, text) in [
        ("invocations", source("const FLAT: u32 = 64u;", "const FLAT: u32 = 512u;")),
        (
            "group 0",
            source("/ stats_of[3u * r + 1u];\n    let g", "/ 2.0;\n    let g")
                .replace("- stats_of[3u * r])", ")")
                .leak(),
        ),
        ("dims", source("struct Dims { R: u32, V: u32,", "struct Dims { V: u32, R: u32,")),
        ("dims", source("row0: u32, v0: u32 }", "row0: u32, @align(16) v0: u32 }")),
        ("expected", source("let v = d.v0", "let v == d.v0")),
    ] {
        let e = check(&Kernel { source: text, ..kernel() }, &consts).unwrap_err();
        assert!(e.contains(part), "{e} does not say {part}");
    }
    for (from, to) in [("pos: u32,", ""), ("beta1: f32,", "beta_1: f32,"), ("eps: f32,", "eps: u32,")] {
        let lib: Vec<&'static str> = good.lib.iter().map(|text| &*text.replace(from, to).leak()).collect();
        assert_ne!(lib, good.lib, "{from}");
        let e = check(&Kernel { lib: lib.leak(), ..kernel() }, &consts).unwrap_err();
        assert!(e.contains("Step"), "{e} does not say Step");
    }
    let crowded = source("const LEAST", "var<workgroup> crowd: array<f32, 4096>;\nconst LEAST");
    let crowded: &'static str =
        crowded.replace("dlogits[i] = ", "crowd[lane] = g;\n    dlogits[i] = ").leak();
    assert_eq!(check(&Kernel { source: crowded, ..kernel() }, &consts), Ok(()));
    let crowded = crowded.replace("4096>", "4097>").leak();
    assert!(
        check(&Kernel { source: crowded, ..kernel() }, &consts).unwrap_err().contains("workgroup memory")
    );
}
