//! Models from a hub: ours, on this computer, which fails in all the ways that a network does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use diarist::check::continuation::{Known, check};
use diarist::device::select::Device;
use diarist::weights::hub;
use diarist::weights::hub::{Cache, Name, Patience, Watcher};

use crate::hub::{COMMIT, Fault, Hub, hash};

/// Keeps what is said.
#[derive(Default)]
struct Said(Vec<String>, u64);

impl Watcher for Said {
    fn progress(&mut self, done: u64, of: u64) {
        assert!(done <= of, "{done} of {of}");
        self.1 = done;
    }

    fn say(&mut self, line: &str) {
        self.0.push(line.into());
    }
}

const WEIGHTS: usize = 3_000_017;

/// A repository as gpt2's own is, with weights that are only bytes.
fn files() -> BTreeMap<String, Vec<u8>> {
    let weights = (0..WEIGHTS).map(|i| (i * i / 7 + i / 251) as u8).collect();
    let small = |text: &str| text.as_bytes().to_vec();
    [
        (".gitattributes", small("*.bin filter=lfs\n")),
        ("README.md", small("# A model\n")),
        ("config.json", small(r#"{"model_type": "gpt2"}"#)),
        ("generation_config.json", small("{}")),
        ("merges.txt", small("#version: 0.2\n")),
        ("model.safetensors", weights),
        ("onnx/config.json", small("{}")),
        ("pytorch_model.bin", small("pickle")),
        ("tf_model.h5", small("hdf5")),
        ("vocab.json", small("{}")),
    ]
    .map(|(name, bytes)| (name.to_string(), bytes))
    .into()
}

/// A server, a cache, and what a person would do with both.
struct Scene {
    server: Hub,
    cache: tempfile::TempDir,
    name: Name,
}

impl Scene {
    fn new(files: BTreeMap<String, Vec<u8>>) -> Scene {
        let (server, cache) = (Hub::new("a/gpt2-b", files), tempfile::tempdir().unwrap());
        Scene { server, cache, name: Name::parse("a/gpt2-b").unwrap() }
    }

    fn hub(&self) -> hub::Hub {
        hub::Hub {
            endpoint: self.server.url.clone(),
            cache: Cache::at(self.cache.path()),
            offline: false,
            patience: Patience { stall: Duration::from_millis(300), pause: Duration::from_millis(1) },
        }
    }

    fn fetch(&self) -> Result<PathBuf, String> {
        self.hub().fetch(&self.name, &mut Said::default()).map_err(|e| e.to_string())
    }

    fn folder(&self) -> PathBuf {
        self.cache.path().join("models--a--gpt2-b")
    }

    fn blob(&self, name: &str) -> PathBuf {
        self.folder().join("blobs").join(hash(name, &files()[name]))
    }

    fn partial(&self) -> PathBuf {
        self.blob("model.safetensors").with_added_extension("incomplete")
    }

    /// Fails, says each of these, and leaves no weights.
    fn fails(&self, fault: Fault, says: &[&str]) {
        self.server.fail(fault);
        let error = self.fetch().unwrap_err();
        for said in says {
            assert!(error.contains(said), "{fault:?} should say {said:?}: {error}");
        }
        assert!(error.contains("next: "), "{fault:?}: {error}");
        assert!(
            !self.blob("model.safetensors").exists() && self.hub().local(&self.name).is_none(),
            "{fault:?}"
        );
        self.server.fail(Fault::None);
    }

    /// Is whole, byte for byte.
    fn arrives(&self) -> PathBuf {
        let folder = self.fetch().unwrap();
        assert_eq!(folder, self.folder().join("snapshots").join(COMMIT));
        for name in ["config.json", "generation_config.json", "merges.txt", "model.safetensors", "vocab.json"]
        {
            assert!(std::fs::read(folder.join(name)).unwrap() == files()[name], "{name}");
        }
        assert!(!self.partial().exists());
        folder
    }
}

/// What was asked of the weights' bytes: where each request began.
fn parts(asked: &[String]) -> Vec<usize> {
    let of_weights = asked.iter().filter(|request| request.starts_with("GET /cdn/"));
    let from = |request: &String| {
        let line = request
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_string));
        line.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
    };
    of_weights.map(from).collect()
}

#[test]
fn a_model_arrives_in_the_caches_own_layout() {
    let scene = Scene::new(files());
    let snapshot = scene.arrives();
    let mut found: Vec<String> = walkdir::WalkDir::new(scene.cache.path())
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            entry.path().strip_prefix(scene.cache.path()).unwrap().to_str().unwrap().replace('\\', "/")
        })
        .collect();
    found.sort();
    let wanted = ["config.json", "generation_config.json", "merges.txt", "model.safetensors", "vocab.json"];
    let mut expected = vec!["CACHEDIR.TAG".to_string(), "models--a--gpt2-b/refs/main".into()];
    for name in wanted {
        let hash = hash(name, &files()[name]);
        expected.push(format!(".locks/models--a--gpt2-b/{hash}.lock"));
        expected.push(format!("models--a--gpt2-b/blobs/{hash}"));
        expected.push(format!("models--a--gpt2-b/snapshots/{COMMIT}/{name}"));
        #[cfg(unix)]
        assert_eq!(
            std::fs::read_link(snapshot.join(name)).unwrap(),
            Path::new("../../blobs").join(hash),
            "{name}"
        );
    }
    // Two of them hold the same: one blob.
    expected.sort();
    expected.dedup();
    assert_eq!(found, expected);
    assert_eq!(std::fs::read_to_string(scene.folder().join("refs/main")).unwrap(), COMMIT);
    // Nothing else was asked for, and nothing of anybody's was sent.
    let asked = scene.server.asked();
    for request in &asked {
        let lower = request.to_lowercase();
        let secret = ["authorization", "cookie", "token"].iter().any(|word| lower.contains(word));
        assert!(!secret && lower.contains("accept-encoding: identity"), "{request}");
        assert!(!["h5", "onnx", "pytorch", "readme"].iter().any(|file| lower.contains(file)), "{request}");
    }
    assert_eq!(parts(&asked), [0]);
    // It is here: the server is asked nothing.
    assert_eq!(scene.arrives(), snapshot);
    assert!(scene.server.asked().is_empty());
}

#[test]
fn redirects_on_the_same_host_are_followed() {
    let scene = Scene::new(files());
    scene.server.redirect_small_files();
    scene.arrives();
}

#[test]
fn breaks_and_stalls_are_gone_on_from() {
    for fault in [Fault::Breaks { after: 1_000_000, times: 2 }, Fault::Stalls { after: 1_000_000, times: 2 }]
    {
        let scene = Scene::new(files());
        scene.server.fail(fault);
        scene.arrives();
        assert_eq!(parts(&scene.server.asked()), [0, 1_000_000, 2_000_000], "{fault:?}");
    }
    // As long as something comes, however often it breaks.
    let scene = Scene::new(files());
    scene.server.fail(Fault::Breaks { after: 100_000, times: 20 });
    scene.arrives();
    // A server that knows no parts begins again.
    let scene = Scene::new(files());
    scene.server.fail(Fault::BreaksWithoutParts { after: 2_000_000, times: 2 });
    scene.arrives();
    assert_eq!(parts(&scene.server.asked()), [0, 2_000_000, 2_000_000]);
    // A server that is busy for a while.
    for status in [429, 500, 502, 503] {
        let scene = Scene::new(files());
        scene.server.fail(Fault::Busy(status, 2));
        scene.arrives();
    }
}

#[test]
fn the_next_time_goes_on_where_this_one_ended() {
    let scene = Scene::new(files());
    scene.server.fail(Fault::Breaks { after: 1_500_000, times: 1 });
    // After the first break nothing more comes: the tries run out.
    let stopped = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| scene.fetch());
        while std::fs::metadata(scene.partial()).map_or(0, |file| file.len()) < 1_500_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        scene.server.fail(Fault::Busy(503, 100));
        fetching.join().unwrap()
    });
    // It may have been quicker than the change of fault.
    if let Err(error) = stopped {
        assert!(error.contains("status 503") && error.contains("stay"), "{error}");
        let came = std::fs::metadata(scene.partial()).unwrap().len() as usize;
        assert!(came >= 1_500_000, "{came}");
        scene.server.fail(Fault::None);
        scene.server.asked();
        scene.arrives();
        assert_eq!(parts(&scene.server.asked()), [came]);
    }

    // What an earlier process left, of which nothing else is known.
    let scene = Scene::new(files());
    std::fs::create_dir_all(scene.folder().join("blobs")).unwrap();
    std::fs::write(scene.partial(), &files()["model.safetensors"][..777_777]).unwrap();
    scene.arrives();
    assert_eq!(parts(&scene.server.asked()), [777_777]);
    // All of it, and more than that.
    for (left, expected) in [(WEIGHTS, vec![]), (WEIGHTS + 1, vec![0])] {
        let scene = Scene::new(files());
        std::fs::create_dir_all(scene.folder().join("blobs")).unwrap();
        let mut bytes = files()["model.safetensors"].clone();
        bytes.resize(left, 0);
        std::fs::write(scene.partial(), &bytes).unwrap();
        scene.arrives();
        assert_eq!(parts(&scene.server.asked()), expected, "{left}");
    }
    // Other bytes than the model's: found out at the end, and removed.
    let scene = Scene::new(files());
    std::fs::create_dir_all(scene.folder().join("blobs")).unwrap();
    std::fs::write(scene.partial(), vec![1; 1000]).unwrap();
    scene.fails(Fault::None, &["other bytes than the hub's", "removed"]);
    scene.arrives();
}

#[test]
fn what_is_not_the_hubs_is_refused() {
    let scene = Scene::new(files());
    let hash = hash("model.safetensors", &files()["model.safetensors"]);
    scene.fails(Fault::OtherBytes, &["model.safetensors", &hash, "removed"]);
    assert!(!scene.partial().exists());
    scene.fails(Fault::Length(7), &["3000024 bytes", "the hub says 3000017"]);
    scene.fails(Fault::Length(-7), &["3000010 bytes", "the hub says 3000017"]);
    scene.fails(Fault::Chunks(7), &["more than the 3,000,017 bytes", "removed"]);
    assert!(!scene.partial().exists());
    scene.fails(Fault::Packed, &["packed"]);
    scene.fails(Fault::NoHash, &["hash", "HF_ENDPOINT"]);
    // A body that always ends too early.
    scene.fails(Fault::Chunks(-7), &["3,000,010 of 3,000,017 bytes", "stay"]);
    // And a part that was not asked for, now that there is something to go on from.
    scene.fails(Fault::OtherPart, &["another part"]);
    scene.arrives();
}

#[test]
fn what_the_hub_says_is_told_to_the_person() {
    let scene = Scene::new(files());
    let api = "/api/models/";
    scene.fails(Fault::Status(api, 401, "RepoNotFound"), &["there is no a/gpt2-b", "private", "browser"]);
    scene.fails(Fault::Status(api, 401, "GatedRepo"), &["gated", "log in", "sends no token"]);
    scene.fails(Fault::Status(api, 403, "GatedRepo"), &["gated"]);
    scene.fails(Fault::Status("model.safetensors", 403, "GatedRepo"), &["gated"]);
    scene.fails(Fault::Status(api, 404, ""), &["there is no a/gpt2-b", "spelling"]);
    scene.fails(Fault::Status("merges.txt", 404, "EntryNotFound"), &["merges.txt"]);
    scene.fails(Fault::Status(api, 418, ""), &["status 418", "--from scratch", "HF_ENDPOINT"]);
    scene.fails(Fault::Status(api, 500, ""), &["status 500", "--from scratch"]);
    scene.fails(Fault::Status(api, 429, ""), &["too many requests"]);
    scene.fails(Fault::LongList, &["16 MiB"]);
    scene.fails(Fault::Page, &["no list of a model's files", "log in"]);
    scene.fails(Fault::Circle, &["redirected"]);
    scene.server.list_also("../../../.bashrc");
    scene.fails(Fault::None, &["../../../.bashrc", "leads out"]);
    assert!(scene.server.asked().iter().all(|request| !request.contains("bashrc")));
    // Nobody there at all.
    let mut hub = scene.hub();
    hub.endpoint = "http://127.0.0.1:9".into();
    let error = hub.fetch(&scene.name, &mut Said::default()).unwrap_err().to_string();
    assert!(
        ["--from DIR", "HF_ENDPOINT=", "--from scratch"].iter().all(|way| error.contains(way)),
        "{error}"
    );
    hub.offline = true;
    let error = hub.fetch(&scene.name, &mut Said::default()).unwrap_err().to_string();
    assert!(
        ["--offline", "--from DIR", "HF_ENDPOINT=", "--from scratch"].iter().all(|w| error.contains(w)),
        "{error}"
    );
}

#[test]
fn what_cannot_be_computed_is_refused_before_its_weights() {
    let mut bert = files();
    bert.insert("config.json".into(), br#"{"model_type": "bert"}"#.to_vec());
    let scene = Scene::new(bert);
    let error = scene.fetch().unwrap_err();
    assert!(error.contains("is bert") && error.contains("not asked for"), "{error}");
    assert!(parts(&scene.server.asked()).is_empty());
    let mut none = files();
    none.remove("model.safetensors");
    none.remove("pytorch_model.bin");
    assert!(Scene::new(none).fetch().unwrap_err().contains("but \"tf_model.h5\""));
}

#[test]
fn parts_come_by_their_index() {
    let mut files = files();
    let whole = files.remove("model.safetensors").unwrap();
    let index = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
    files.insert("model.safetensors.index.json".into(), index.into());
    files.insert("model-00001-of-00002.safetensors".into(), whole[..1_000_000].to_vec());
    let scene = Scene::new(files.clone());
    assert!(scene.fetch().unwrap_err().contains("lacks model-00002-of-00002.safetensors"));
    files.insert("model-00002-of-00002.safetensors".into(), whole[1_000_000..].to_vec());
    let scene = Scene::new(files);
    let mut said = Said::default();
    let folder = scene.hub().fetch(&scene.name, &mut said).unwrap();
    assert!(std::fs::read(folder.join("model-00002-of-00002.safetensors")).unwrap() == whole[1_000_000..]);
    assert_eq!(said.1, WEIGHTS as u64, "progress counts both");
    assert!(!folder.join("pytorch_model.bin").exists());
}

#[test]
fn two_at_once_fetch_it_once() {
    let scene = Scene::new(files());
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| scene.arrives()));
        both.into_iter().for_each(|one| drop(one.join().unwrap()));
    });
    assert_eq!(parts(&scene.server.asked()), [0]);
    // Somebody else's lock, as huggingface_hub takes it, is waited for.
    let scene = Scene::new(files());
    let locks = scene.cache.path().join(".locks/models--a--gpt2-b");
    std::fs::create_dir_all(&locks).unwrap();
    let hash = hash("model.safetensors", &files()["model.safetensors"]);
    let lock = std::fs::File::create(locks.join(format!("{hash}.lock"))).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let mut said = Said::default();
            scene.hub().fetch(&scene.name, &mut said).unwrap();
            said.0
        });
        let waits = Instant::now();
        while !scene.folder().join("snapshots").join(COMMIT).join("vocab.json").exists() {
            assert!(waits.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        assert!(!scene.blob("model.safetensors").exists());
        drop(lock);
        let said = fetching.join().unwrap();
        assert!(said.iter().any(|line| line.contains("another process")), "{said:?}");
    });
}

/// `diarist` with a hub, a cache in its folder, and tokens that it is to leave alone.
fn diarist(cwd: &Path, server: &str, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy);
    }
    for variable in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        command.env_remove(variable);
    }
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("HF_ENDPOINT", server);
    // Relative to where the program is started.
    command.env("HF_HOME", "hf").env("HF_TOKEN", "hf_secret").args(args).output().unwrap()
}

fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

/// Succeeds, and says each of these.
fn says(o: &Output, said: &[&str]) {
    assert!(o.status.success(), "{}", stderr(o));
    for words in said {
        assert!(stderr(o).contains(words), "{words:?} in {}", stderr(o));
    }
}

fn refuses(o: &Output, code: i32, said: &[&str]) {
    assert_eq!(o.status.code(), Some(code), "{}", stderr(o));
    for words in said {
        assert!(stderr(o).contains(words), "{words:?} in {}", stderr(o));
    }
    assert!(!stderr(o).contains("panicked"), "{}", stderr(o));
}

/// A tiny model that was trained here, as a repository; and the folder that it is in.
fn trained(cwd: &Path) -> BTreeMap<String, Vec<u8>> {
    let text = "Rain till noon, then the dog and I walked to the weir. ".repeat(40);
    std::fs::write(cwd.join("notes.txt"), text).unwrap();
    let args =
        ["train", "notes.txt", "--from", "scratch", "--steps", "2", "--context", "16", "--device", "cpu"];
    says(&diarist(cwd, "http://127.0.0.1:9", &[&args[..], &["--out", "tiny"]].concat()), &[]);
    let names = [
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.json",
    ];
    names.map(|name| (name.to_string(), std::fs::read(cwd.join("tiny").join(name)).unwrap())).into()
}

const QUICK: [&str; 8] = ["--steps", "1", "--context", "16", "--batch", "2", "--device", "cpu"];

#[test]
fn from_a_name_to_a_model_that_writes() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let server = Hub::new("me/gpt2-tiny", trained(cwd));
    let fetch = ["fetch", "me/gpt2-tiny", "--device", "cpu"];
    refuses(
        &diarist(cwd, &server.url, &[&fetch[..], &["--offline"]].concat()),
        1,
        &["not in the cache", "HF_ENDPOINT="],
    );
    refuses(&diarist(cwd, &server.url, &["fetch", "../x"]), 2, &["no name of a model", "gpt2-xl"]);
    refuses(&diarist(cwd, &server.url, &["fetch", "gpt2", "--device", "gpu:nonesuch"]), 1, &["nonesuch"]);
    assert!(server.asked().is_empty(), "nothing was asked yet");
    let o = diarist(cwd, &server.url, &fetch);
    says(&o, &["me/gpt2-tiny", "nothing of yours is sent", "trying it on", "no known answer"]);
    let folder = cwd.join("hf/hub/models--me--gpt2-tiny/snapshots").join(COMMIT);
    let shown = String::from_utf8(o.stdout).unwrap();
    assert_eq!(
        Path::new(shown.trim_end()),
        std::fs::canonicalize(cwd).unwrap().join(folder.strip_prefix(cwd).unwrap())
    );
    for request in server.asked() {
        assert!(!request.contains("hf_secret"), "{request}");
    }
    // It is here; no server is needed any more.
    let nobody = "http://127.0.0.1:9";
    says(&diarist(cwd, nobody, &fetch), &["here already"]);
    says(&diarist(cwd, nobody, &[&fetch[..], &["--offline"]].concat()), &["here already"]);
    let train = ["train", "notes.txt", "--from", "me/gpt2-tiny", "--offline"];
    let o = diarist(cwd, nobody, &[&train[..], &QUICK].concat());
    says(&o, &["me/gpt2-tiny, in the cache", "from me/gpt2-tiny"]);

    // The known continuation: this model's own, and another.
    let json = [
        "sample",
        "tiny",
        "--prompt",
        "The ",
        "--temperature",
        "0",
        "--max-tokens",
        "12",
        "--json",
        "--device",
        "cpu",
    ];
    let o = diarist(cwd, nobody, &json);
    let found: serde_json::Value = serde_json::from_slice(&o.stdout).unwrap();
    let ids: Vec<u32> =
        found["samples"][0]["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
    assert!(ids.len() > 2, "{ids:?}");
    let prompt: Vec<u32> = "The ".bytes().map(u32::from).collect();
    let device = Device::open("cpu", 0).unwrap();
    let with = |follows: &[u32]| check(&folder, &device, Some(Known { prompt: &prompt, follows }));
    with(&ids).unwrap();
    let mut other = ids.clone();
    other[2] ^= 1;
    let error = with(&other).unwrap_err().to_string();
    assert!(
        error.contains(&format!("2 of {} tokens agree", ids.len())) && error.contains("doctor"),
        "{error}"
    );
    check(&folder, &device, None).unwrap();
}

#[test]
fn training_offers_what_is_not_here() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let files = trained(cwd);
    let server = Hub::new("me/gpt2-tiny", files.clone());
    let train = |server: &str, more: &[&str]| {
        diarist(cwd, server, &[&["train", "notes.txt"], &QUICK[..], more].concat())
    };
    // Nobody can be asked, here.
    refuses(
        &train(&server.url, &[]),
        2,
        &["--from scratch", "--from DIR", "--yes", "openai-community/gpt2", "548 MB"],
    );
    refuses(
        &train(&server.url, &["--from", "me/gpt2-tiny"]),
        2,
        &["me/gpt2-tiny is not on this computer", "--yes"],
    );
    refuses(&train(&server.url, &["--offline"]), 1, &["--from DIR", "HF_ENDPOINT=", "--from scratch"]);
    refuses(&train(&server.url, &["--preset", "small"]), 2, &["--from scratch"]);
    refuses(&train(&server.url, &["--offline", "--yes"]), 2, &["cannot be used with"]);
    refuses(&train(&server.url, &["--from", "tiny-gone"]), 1, &["tiny-gone"]);
    refuses(
        &diarist(cwd, &server.url, &["corpus", "notes.txt", "--from", "me/gpt2-tiny"]),
        1,
        &["diarist fetch me/gpt2-tiny"],
    );
    assert!(server.asked().is_empty() && !cwd.join("hf").exists());
    // The preview comes first, then the model, whose tokenizer is not GPT-2's: the text is read again with it.
    let o = train(&server.url, &["--from", "me/gpt2-tiny", "--yes", "--out", "tuned"]);
    says(&o, &["fetch    http://", "nothing of yours is sent", "trying it on cpu", "from me/gpt2-tiny"]);
    let at = |words: &str| stderr(&o).find(words).unwrap();
    assert!(
        at("journal  1 entry") < at("fetch    http://") && at("fetch    http://") < at("split    "),
        "{}",
        stderr(&o)
    );
    let run = std::fs::read_to_string(cwd.join("tuned/run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&run).unwrap();
    assert!(run["from"].as_str().unwrap().contains("models--me--gpt2-tiny"), "{}", run["from"]);
    assert_eq!(run["tokenizer"], "bytes");
    // A mirror with another model under GPT-2's name.
    let mirror = Hub::new("openai-community/gpt2", files);
    let o = train(&mirror.url, &["--yes"]);
    refuses(&o, 1, &["not the model that it is called after"]);
    // A wish of the environment's.
    let mut command = Command::cargo_bin("diarist").unwrap();
    command
        .current_dir(cwd)
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_HOME", "empty")
        .env("HF_ENDPOINT", &server.url);
    let o = command.args(["fetch", "me/gpt2-tiny"]).output().unwrap();
    refuses(&o, 1, &["HF_HUB_OFFLINE"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_what_came() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let server = Hub::new("me/gpt2-tiny", files());
    server.fail(Fault::Stalls { after: 1_000_000, times: 1 });
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("HF_HOME", "hf").env("HF_ENDPOINT", &server.url).env("NODEVICE_SELECT", "1");
    command.env_remove("HF_HUB_OFFLINE").stderr(std::process::Stdio::piped());
    let child = command.args(["fetch", "me/gpt2-tiny", "--device", "cpu"]).spawn().unwrap();
    let hash = hash("model.safetensors", &files()["model.safetensors"]);
    let partial = cwd.join("hf/hub/models--me--gpt2-tiny/blobs").join(hash + ".incomplete");
    let begun = Instant::now();
    while std::fs::metadata(&partial).map_or(0, |file| file.len()) < 1_000_000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let o = child.wait_with_output().unwrap();
    refuses(&o, 130, &["what came stays"]);
    assert_eq!(std::fs::metadata(&partial).unwrap().len(), 1_000_000);
    server.asked();
    diarist(cwd, &server.url, &["fetch", "me/gpt2-tiny", "--device", "cpu"]);
    assert_eq!(parts(&server.asked()), [1_000_000]);
}

#[test]
fn a_proxy_is_asked() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let server = Hub::new("me/gpt2-tiny", files());
    let fetch = |no_proxy: &str| {
        let mut command = Command::cargo_bin("diarist").unwrap();
        command.current_dir(cwd).env("HF_HOME", "hf").env("HF_ENDPOINT", "http://hub.invalid");
        command.env("NO_PROXY", no_proxy).env_remove("no_proxy").env_remove("HF_HUB_OFFLINE");
        command
            .env("ALL_PROXY", &server.url)
            .args(["fetch", "me/gpt2-tiny", "--device", "cpu"])
            .output()
            .unwrap()
    };
    // Its bytes are no model; all of them came through the proxy, which alone knows that host.
    refuses(&fetch("example.org"), 1, &["model.safetensors"]);
    assert!(cwd.join("hf/hub/models--me--gpt2-tiny/refs/main").exists());
    assert!(server.asked().iter().any(|request| request.starts_with("CONNECT hub.invalid:80 ")));
    std::fs::remove_dir_all(cwd.join("hf")).unwrap();
    refuses(&fetch("hub.invalid"), 1, &["the host cannot be found", "HF_ENDPOINT"]);
    assert!(server.asked().is_empty());
}

#[test]
fn the_version_tells_what_may_connect() {
    let tmp = tempfile::tempdir().unwrap();
    let of = |args: &[&str]| diarist(tmp.path(), "https://mirror.test", args);
    let short = String::from_utf8(of(&["--version"]).stdout).unwrap();
    assert_eq!(short.lines().count(), 1);
    let long = String::from_utf8(of(&["--version", "--verbose"]).stdout).unwrap();
    assert!(long.starts_with(short.trim_end()) && long.contains("only `diarist fetch`"), "{long}");
    assert_eq!(String::from_utf8(of(&["--verbose", "-V"]).stdout).unwrap(), long);
    assert_eq!(of(&["--verbose"]).status.code(), Some(2));
}
