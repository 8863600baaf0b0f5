//! A folder of static embeddings as `model2vec` writes it: `model.safetensors` with a matrix `embeddings`, `tokenizer.json`,
//! `config.json`.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::base::{Error, Result, disk};
use crate::recall::embed::tokenize::Ids;
use crate::tokens::files::WHOLE;
use crate::weights::{Dtype, TensorEntry, Tensors, safetensors};

/// The weights' file.
const WEIGHTS: &str = "model.safetensors";
/// The settings' file.
const CONFIG: &str = "config.json";
/// Tokens of a text that are looked at, where the settings do not say; model2vec's own default.
const TOKENS: usize = 512;

/// Static embeddings.
#[derive(Debug)]
pub struct Embeddings {
    ids: Ids,
    /// Row by row.
    matrix: Vec<f32>,
    width: usize,
    /// The row of an id, where several share one.
    rows: Option<Vec<u32>>,
    /// What an id's vector is multiplied with.
    weights: Option<Vec<f32>>,
    normalize: bool,
    /// Tokens that are looked at of a text, and characters: model2vec cuts by both.
    longest: Option<(usize, usize)>,
    fingerprint: String,
}

impl Embeddings {
    /// Reads a folder.
    ///
    /// # Errors
    /// A file that is missing, damaged, or of a form that is not read.
    pub fn open(dir: &Path) -> Result<Embeddings> {
        let path = dir.join(WEIGHTS);
        if dir.exists() && !path.exists() {
            return Err(Error::file(
                dir,
                format!("there are no static embeddings in it: it has no {WEIGHTS}"),
                "name a folder that model2vec saved: model.safetensors, tokenizer.json and config.json",
            ));
        }
        let mut tensors = safetensors::open(&path)?;
        // As sentence-transformers names it.
        let name = if tensors.get("embeddings").is_some() { "embeddings" } else { "embedding.weight" };
        let entry = tensors.entry(name)?.clone();
        let [stored, width] = entry.shape[..] else {
            return Err(damaged(&path, format!("{name} is no matrix: {:?}", entry.shape)));
        };
        if stored == 0 || width == 0 {
            return Err(damaged(&path, format!("{name} is empty: {:?}", entry.shape)));
        }
        let matrix = floats(&mut tensors, &path, &entry)?;
        let rows = match tensors.get("mapping").cloned() {
            Some(entry) => Some(mapping(&path, &entry, stored)?),
            None => None,
        };
        let weights = match tensors.get("weights").cloned() {
            Some(entry) => Some(floats(&mut tensors, &path, &entry)?),
            None => None,
        };
        let known = rows.as_ref().map_or(stored, Vec::len);
        if weights.as_ref().is_some_and(|weights| weights.len() < known) {
            return Err(damaged(&path, format!("fewer weights than its {known} tokens")));
        }
        let config = settings(&dir.join(CONFIG))?;
        let longest = match config.get("max_length") {
            Some(serde_json::Value::Null) => None,
            length => Some(length.and_then(serde_json::Value::as_u64).map_or(TOKENS, |most| most as usize)),
        };
        let (ids, median) = Ids::of_folder(dir, known)?;
        Ok(Embeddings {
            ids,
            matrix,
            width,
            rows,
            weights,
            normalize: config.get("normalize") == Some(&serde_json::Value::Bool(true)),
            longest: longest.map(|tokens| (tokens, tokens.saturating_mul(median))),
            fingerprint: fingerprint(dir),
        })
    }

    /// Numbers in a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// What tells these from others.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The ids of the tokens that a text's vector is the mean of.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        let (tokens, characters) = self.longest.unwrap_or((usize::MAX, usize::MAX));
        let end = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
        let mut ids = self.ids.encode(&text[..end]);
        ids.truncate(tokens);
        let unknown = self.ids.unknown();
        ids.retain(|id| Some(*id) != unknown);
        ids
    }

    /// The sum of the vectors of a text's tokens, and how many these are.
    pub fn sum(&self, text: &str) -> (Vec<f64>, usize) {
        let mut sum = vec![0.0_f64; self.width];
        let ids = self.ids(text);
        let mut count = 0_usize;
        for id in ids {
            let id = id as usize;
            let row = match &self.rows {
                Some(rows) => rows.get(id).map(|row| *row as usize),
                None => Some(id),
            };
            let vector = row.and_then(|row| self.matrix.get(row * self.width..(row + 1) * self.width));
            let Some(vector) = vector else { continue };
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[id]);
            sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += f64::from(weight * x));
            count += 1;
        }
        (sum, count)
    }

    /// A text's vector as the settings have it, of length one where they ask for that; zeros where no token is known.
    pub fn vector(&self, text: &str) -> Vec<f32> {
        let (mut sum, count) = self.sum(text);
        let length = || sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let norm = if self.normalize { length() } else { count as f64 };
        if norm > 0.0 {
            for x in &mut sum {
                *x /= norm;
            }
        }
        sum.into_iter().map(|x| x as f32).collect()
    }

    /// A text's direction: its vector at length one, or zeros.
    pub fn direction(&self, text: &str) -> Vec<f32> {
        let mut vector = self.vector(text);
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        if norm > 0.0 {
            for x in &mut vector {
                *x /= norm;
            }
        }
        vector
    }
}

/// A tensor of floats, or of whole numbers of 8 bits.
fn floats(tensors: &mut Tensors, path: &Path, entry: &TensorEntry) -> Result<Vec<f32>> {
    let mut out = Vec::new();
    match &entry.dtype {
        Dtype::Other(name) if name == "I8" => {
            out.extend(bytes(path, entry)?.into_iter().map(|byte| f32::from(byte.cast_signed())));
        }
        Dtype::Other(name) if name == "F64" => {
            let bytes = bytes(path, entry)?;
            out.extend(bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32));
        }
        _ => tensors.read_f32(&entry.name, &mut out)?,
    }
    if out.iter().any(|x| !x.is_finite()) {
        return Err(damaged(path, format!("{} holds what is no number", entry.name)));
    }
    Ok(out)
}

/// The row of each id.
fn mapping(path: &Path, entry: &TensorEntry, rows: usize) -> Result<Vec<u32>> {
    let bytes = bytes(path, entry)?;
    let numbers: Vec<i64> = match &entry.dtype {
        Dtype::Other(name) if name == "I64" => {
            bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
        }
        Dtype::Other(name) if name == "I32" => {
            bytes.as_chunks::<4>().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()
        }
        dtype => return Err(damaged(path, format!("mapping is stored as {}", dtype.name()))),
    };
    let row = |number: i64| u32::try_from(number).ok().filter(|row| (*row as usize) < rows);
    let of_all = numbers.into_iter().map(row).collect::<Option<Vec<u32>>>();
    of_all.ok_or_else(|| damaged(path, format!("mapping names a row that is none of its {rows}")))
}

/// The bytes of a tensor, whose place the header's reader has checked.
fn bytes(path: &Path, entry: &TensorEntry) -> Result<Vec<u8>> {
    let mut bytes = crate::base::memory::zeros::<u8>(entry.len as usize, &entry.name)?;
    disk::read_at(&disk::open_file(path)?, &mut bytes, entry.offset).map_err(Error::io("read", path))?;
    Ok(bytes)
}

fn settings(path: &Path) -> Result<serde_json::Map<String, serde_json::Value>> {
    if !path.exists() {
        return Ok(serde_json::Map::new());
    }
    let bytes = disk::read_at_most(path, 1 << 20)?.unwrap_or_default();
    serde_json::from_slice(&bytes).map_err(|e| damaged(path, format!("not a JSON object: {e}")))
}

/// The lengths and times of a folder's files, and where it is.
fn fingerprint(dir: &Path) -> String {
    let mut sha = Sha256::new();
    sha.update(dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf()).as_os_str().as_encoded_bytes());
    for name in [WEIGHTS, WHOLE, CONFIG] {
        let about = std::fs::metadata(dir.join(name));
        let about = about.map(|about| (about.len(), about.modified().ok()));
        sha.update(format!("{name} {:?}", about.ok()));
    }
    disk::hex(&sha.finalize()[..16])
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::file(path, problem, "fetch the folder of embeddings again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Expected {
        text: String,
        ids: Vec<u32>,
        vector: Vec<f32>,
    }

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/static").join(name)
    }

    /// The largest difference to what model2vec has for a folder's texts.
    fn difference(dir: &Path) -> f32 {
        let embeddings = Embeddings::open(dir).unwrap();
        let expected = std::fs::read(dir.join("expected.json")).unwrap();
        let expected: Vec<Expected> = serde_json::from_slice(&expected).unwrap();
        assert!(expected.len() >= 20);
        let differences = expected.iter().map(|expected| {
            let text: String = expected.text.chars().take(60).collect();
            assert_eq!(embeddings.ids(&expected.text), expected.ids, "{text:?}");
            let vector = embeddings.vector(&expected.text);
            assert_eq!(vector.len(), expected.vector.len());
            let of = vector.iter().zip(&expected.vector).map(|(a, b)| (a - b).abs());
            of.fold(0.0, f32::max)
        });
        differences.fold(0.0, f32::max)
    }

    #[test]
    fn vectors_are_those_of_model2vec() {
        for name in ["wordpiece", "mapped", "bpe"] {
            let difference = difference(&fixture(name));
            assert!(difference < 1e-5, "{name}: {difference}");
        }
        // Its mean of whole numbers is rounded otherwise.
        let eight = difference(&fixture("eight"));
        assert!(eight < 1e-5, "{eight}");
    }

    /// Against a real one: `DIARIST_STATIC=DIR` names a folder with an `expected.json` beside it.
    #[test]
    fn vectors_of_a_real_model_are_those_of_model2vec() {
        let Some(dir) = std::env::var_os("DIARIST_STATIC") else { return };
        let difference = difference(Path::new(&dir));
        assert!(difference < 1e-5, "{difference}");
    }

    #[test]
    fn a_folder_that_cannot_be_read_says_why() {
        let copy = tempfile::tempdir().unwrap();
        let put = |name: &str, from: &str| {
            std::fs::copy(fixture("wordpiece").join(from), copy.path().join(name)).unwrap();
        };
        let said = || Embeddings::open(copy.path()).unwrap_err().to_string();
        assert!(said().contains("model.safetensors"), "{}", said());
        put(WEIGHTS, WEIGHTS);
        assert!(said().contains("tokenizer.json"), "{}", said());
        std::fs::write(copy.path().join(WHOLE), r#"{"model":{"type":"Unigram","vocab":[]}}"#).unwrap();
        assert!(said().contains("Unigram"), "{}", said());
        put(WHOLE, WHOLE);
        assert!(Embeddings::open(copy.path()).is_ok(), "settings need not be there");
        std::fs::write(copy.path().join(CONFIG), "[").unwrap();
        assert!(said().contains("config.json"), "{}", said());
        put(CONFIG, CONFIG);
        let weights = std::fs::read(copy.path().join(WEIGHTS)).unwrap();
        std::fs::write(copy.path().join(WEIGHTS), &weights[..weights.len() / 2]).unwrap();
        assert!(Embeddings::open(copy.path()).is_err());
    }
}
