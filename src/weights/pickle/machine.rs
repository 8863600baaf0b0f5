//! The pickle machine: a stack, marks on it, a memo, and some sixty instructions of one byte each
//! (<https://docs.python.org/3/library/pickletools.html>). It makes values; it imports nothing and calls nothing.
//!
//! Every length is held against the bytes that are there, and every value costs an instruction, of which a pickle may have
//! so many: so memory is bounded by those (182 MiB for the worst pickle that was found, of 2 MiB).

use std::collections::HashMap;

use crate::weights::pickle::call::call;
use crate::weights::pickle::fault::{Fault, RESAVE};
use crate::weights::pickle::names::{Name, refused};
use crate::weights::pickle::value::{Form, Heap, Span, Storage, Value, bytes};
use crate::weights::words::quoted;

/// Instructions and copied elements of one pickle, at most: thirty times what gpt2-xl takes with its optimizer's state.
pub(super) const MOST_STEPS: usize = 1 << 21;
/// Bytes of a line, where an instruction has one.
const MOST_LINE: usize = 1 << 10;

/// A pickle being read.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    /// Lengths that the stack had.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    heap: Heap,
    /// What is left of [`MOST_STEPS`].
    left: usize,
}

/// Reads the pickle that `bytes` begin with: its value, what that contains, and its length in bytes.
pub(super) fn read(bytes: &[u8]) -> Result<(Value, Heap, usize), Fault> {
    let mut machine = Machine {
        bytes,
        at: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        heap: Heap::default(),
        left: MOST_STEPS,
    };
    loop {
        let from = machine.at;
        match machine.step() {
            Ok(false) => {}
            Ok(true) => {
                let root = machine.pop().map_err(|e| placed(e, from))?;
                return Ok((root, machine.heap, machine.at));
            }
            Err(fault) => return Err(placed(fault, from)),
        }
    }
}

/// Where in the pickle it is damaged.
fn placed(fault: Fault, from: usize) -> Fault {
    match fault {
        Fault::Damaged(problem) => {
            Fault::Damaged(format!("its pickle is damaged, at its byte {from}: {problem}"))
        }
        other => other,
    }
}

fn damaged<T>(problem: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Damaged(problem.into()))
}

impl<'a> Machine<'a> {
    /// Bytes that an instruction makes use of.
    fn take(&mut self, n: u64) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(n).ok().and_then(|n| rest.get(..n)).ok_or(Fault::Short)?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        Ok(self.take(N as u64)?.try_into().expect("as many as were asked for"))
    }

    fn byte(&mut self) -> Result<u64, Fault> {
        Ok(self.array::<1>()?[0].into())
    }

    fn two(&mut self) -> Result<u64, Fault> {
        Ok(u16::from_le_bytes(self.array()?).into())
    }

    fn four(&mut self) -> Result<u64, Fault> {
        Ok(u32::from_le_bytes(self.array()?).into())
    }

    fn eight(&mut self) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Where the next `n` bytes stand.
    fn span(&mut self, n: u64) -> Result<Span, Fault> {
        let at = self.at;
        let len = self.take(n)?.len();
        // The caller reads no more than 64 MiB of a pickle.
        match (u32::try_from(at), u32::try_from(len)) {
            (Ok(at), Ok(len)) => Ok(Span { at, len }),
            _ => damaged("beyond 4 GiB"),
        }
    }

    fn text_of(&mut self, n: u64) -> Result<Value, Fault> {
        let span = self.span(n)?;
        match std::str::from_utf8(bytes(self.bytes, span)) {
            Ok(_) => Ok(Value::Str(span)),
            Err(_) => damaged("a text that is not UTF-8"),
        }
    }

    /// The rest of a line.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().take(MOST_LINE).position(|&b| b == b'\n') else {
            return if rest.len() < MOST_LINE { Err(Fault::Short) } else { damaged("a line without an end") };
        };
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).or_else(|_| damaged("a line that is not UTF-8"))
    }

    /// Pays for `n` elements.
    fn spend(&mut self, n: usize) -> Result<(), Fault> {
        match self.left.checked_sub(n) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Fault::Refused(
                format!(
                    "its pickle takes more than {MOST_STEPS} steps: no checkpoint's does (a pickle bomb?)"
                ),
                RESAVE,
            )),
        }
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// The lowest value that may be taken: what is below a mark is not.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Value, Fault> {
        if self.stack.len() <= self.floor() {
            return damaged("a value is taken that is not there");
        }
        Ok(self.stack.pop().expect("above the floor"))
    }

    fn top(&self) -> Result<Value, Fault> {
        match self.stack.last() {
            Some(&value) if self.stack.len() > self.floor() => Ok(value),
            _ => damaged("a value is asked for that is not there"),
        }
    }

    /// The values above the last mark, and the mark gone.
    fn pop_mark(&mut self) -> Result<Vec<Value>, Fault> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => damaged("there is no mark"),
        }
    }

    /// The last `n` values as a tuple.
    fn tuple(&mut self, n: usize) -> Result<(), Fault> {
        if self.stack.len() - self.floor() < n {
            return damaged("a tuple of values that are not there");
        }
        let values = self.stack.split_off(self.stack.len() - n);
        self.push_tuple(values);
        Ok(())
    }

    fn push_tuple(&mut self, values: Vec<Value>) {
        let at = self.heap.sequence(values);
        self.push(Value::Tuple(at));
    }

    fn push_list(&mut self, values: Vec<Value>) {
        let at = self.heap.sequence(values);
        self.push(Value::List(at));
    }

    fn append(&mut self, values: Vec<Value>) -> Result<(), Fault> {
        match self.top()? {
            Value::List(at) => {
                self.heap.sequences[at as usize].extend(values);
                Ok(())
            }
            _ => damaged("elements for something that is no list"),
        }
    }

    fn set_items(&mut self, values: &[Value]) -> Result<(), Fault> {
        let (Value::Dict(at), 0) = (self.top()?, values.len() % 2) else {
            return damaged("items for something that is no dict, or a key without a value");
        };
        self.heap.dicts[at as usize].items.extend(values.chunks_exact(2).map(|kv| (kv[0], kv[1])));
        Ok(())
    }

    fn put(&mut self, key: u64) -> Result<(), Fault> {
        let value = self.top()?;
        match u32::try_from(key) {
            Ok(key) => drop(self.memo.insert(key, value)),
            Err(_) => return damaged("a memo beyond 32 bits"),
        }
        Ok(())
    }

    fn get(&mut self, key: u64) -> Result<(), Fault> {
        match u32::try_from(key).ok().and_then(|key| self.memo.get(&key)) {
            Some(&value) => {
                self.push(value);
                Ok(())
            }
            None => damaged(format!("nothing was noted under {key}")),
        }
    }

    /// An integer of any length, little-endian in two's complement.
    fn long(&mut self, n: u64) -> Result<(), Fault> {
        let span = self.span(n)?;
        let given = bytes(self.bytes, span);
        let value = if given.len() <= 8 {
            let fill = if given.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
            let mut eight = [fill; 8];
            eight[..given.len()].copy_from_slice(given);
            Value::Int(i64::from_le_bytes(eight))
        } else {
            Value::Wide(span)
        };
        self.push(value);
        Ok(())
    }

    /// One instruction; whether it was the last.
    fn step(&mut self) -> Result<bool, Fault> {
        self.spend(1)?;
        match self.byte()? as u8 {
            // The frame of the whole.
            0x80 => match self.byte()? {
                0..=5 => {}
                other => return damaged(format!("protocol {other}; there are 0 to 5")),
            },
            0x95 => {
                let n = self.eight()?;
                if n > (self.bytes.len() - self.at) as u64 {
                    return Err(Fault::Short);
                }
            }
            b'.' => return Ok(true),
            // The stack.
            b'(' => self.marks.push(self.stack.len()),
            b'0' if self.stack.len() > self.floor() => drop(self.stack.pop()),
            b'0' => drop(self.pop_mark()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let value = self.top()?;
                self.push(value);
            }
            // The memo.
            b'q' => {
                let key = self.byte()?;
                self.put(key)?;
            }
            b'r' => {
                let key = self.four()?;
                self.put(key)?;
            }
            0x94 => self.put(self.memo.len() as u64)?,
            b'h' => {
                let key = self.byte()?;
                self.get(key)?;
            }
            b'j' => {
                let key = self.four()?;
                self.get(key)?;
            }
            // Numbers.
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => {
                let n = self.byte()?;
                self.push(Value::Int(n as i64));
            }
            b'M' => {
                let n = self.two()?;
                self.push(Value::Int(n as i64));
            }
            b'J' => {
                let n = i32::from_le_bytes(self.array()?);
                self.push(Value::Int(n.into()));
            }
            0x8a => {
                let n = self.byte()?;
                self.long(n)?;
            }
            0x8b => {
                let n = self.four()?;
                self.long(n)?;
            }
            b'G' => {
                let x = f64::from_be_bytes(self.array()?);
                self.push(Value::Float(x));
            }
            b'I' => {
                let value = match self.line()? {
                    "01" => Value::Bool(true),
                    "00" => Value::Bool(false),
                    line => Value::Int(line.parse().or_else(|_| damaged("no integer"))?),
                };
                self.push(value);
            }
            b'L' => {
                let line = self.line()?;
                let digits = line.strip_suffix('L').unwrap_or(line);
                self.push(Value::Int(digits.parse().or_else(|_| damaged("no integer of 64 bits"))?));
            }
            b'F' => {
                let x = self.line()?.parse().or_else(|_| damaged("no number"))?;
                self.push(Value::Float(x));
            }
            other => return self.step_on(other).map(|()| false),
        }
        Ok(false)
    }

    /// The rest of the instructions: texts, containers, names.
    fn step_on(&mut self, instruction: u8) -> Result<(), Fault> {
        match instruction {
            // Texts; Python 2's strings among them.
            b'X' | b'T' | 0x8c | b'U' | 0x8d => {
                let n = match instruction {
                    b'X' | b'T' => self.four()?,
                    0x8d => self.eight()?,
                    _ => self.byte()?,
                };
                let text = self.text_of(n)?;
                self.push(text);
            }
            b'B' | b'C' | 0x8e | 0x96 => {
                let n = match instruction {
                    b'B' => self.four()?,
                    b'C' => self.byte()?,
                    _ => self.eight()?,
                };
                let span = self.span(n)?;
                self.push(Value::Bytes(span));
            }
            // Tuples, lists, sets, dicts.
            b')' => self.push_tuple(Vec::new()),
            0x85..=0x87 => self.tuple(usize::from(instruction - 0x84))?,
            b't' => {
                let values = self.pop_mark()?;
                self.push_tuple(values);
            }
            b']' | 0x8f => self.push_list(Vec::new()),
            b'l' | 0x91 => {
                let values = self.pop_mark()?;
                self.push_list(values);
            }
            b'a' => {
                let value = self.pop()?;
                self.append(vec![value])?;
            }
            b'e' | 0x90 => {
                let values = self.pop_mark()?;
                self.append(values)?;
            }
            b'}' => {
                let at = self.heap.dict(Form::Plain, Vec::new());
                self.push(Value::Dict(at));
            }
            b'd' => {
                let values = self.pop_mark()?;
                let at = self.heap.dict(Form::Plain, Vec::new());
                self.push(Value::Dict(at));
                self.set_items(&values)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let values = self.pop_mark()?;
                self.set_items(&values)?;
            }
            // Names, and what is made of them.
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Name(Name::find(module, name)?));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Str(module), Value::Str(name)) = (module, name) else {
                    return damaged("a name that is no text");
                };
                let [module, name] = [module, name].map(|s| std::str::from_utf8(bytes(self.bytes, s)));
                let name = Name::find(module.unwrap_or_default(), name.unwrap_or_default())?;
                self.push(Value::Name(name));
            }
            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                return Err(refused(module, name));
            }
            b'R' | 0x81 => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                let (Value::Tuple(arguments), Value::Name(name)) = (arguments, callee) else {
                    return damaged("a call of something that was not named, or without arguments");
                };
                self.spend(self.heap.sequences[arguments as usize].len())?;
                let arguments = self.heap.sequences[arguments as usize].clone();
                let (made, cost) = call(name, &arguments, self.bytes, &mut self.heap)?;
                self.spend(cost)?;
                self.push(made);
            }
            b'b' => self.build()?,
            b'Q' => {
                let id = self.pop()?;
                let storage = self.storage(id)?;
                self.push(storage);
            }
            other => {
                let shown = quoted(&char::from(other).to_string());
                return damaged(format!(
                    "instruction {other:#04x} ({shown}), which torch.save does not write"
                ));
            }
        }
        Ok(())
    }

    /// Gives an object its attributes.
    fn build(&mut self) -> Result<(), Fault> {
        let state = self.pop()?;
        match (self.top()?, state) {
            (Value::Dict(at), Value::Dict(from)) => {
                let form = self.heap.dicts[at as usize].form;
                if form == Form::Plain {
                    return damaged("attributes for a plain dict");
                }
                if form == Form::Namespace {
                    let items = self.heap.dicts[from as usize].items.clone();
                    self.spend(items.len())?;
                    self.heap.dicts[at as usize].items.extend(items);
                }
                Ok(())
            }
            // (version, byte order, …): only other computers' order would matter.
            (Value::Numpy(_), Value::Tuple(at)) => match self.heap.sequences[at as usize].get(1) {
                Some(&Value::Str(order)) if bytes(self.bytes, order) == b">" => {
                    damaged("a number of numpy's in big-endian order")
                }
                _ => Ok(()),
            },
            _ => damaged("attributes for something that has none"),
        }
    }

    /// What a persistent id stands for.
    fn storage(&mut self, id: Value) -> Result<Value, Fault> {
        let Value::Tuple(id) = id else { return damaged("a persistent id that is no tuple") };
        let id = &self.heap.sequences[id as usize];
        let [
            Value::Str(what),
            Value::Name(Name::Storage(kind)),
            Value::Str(key),
            _,
            Value::Int(numel),
            view @ ..,
        ] = id.as_slice()
        else {
            return damaged("a persistent id that is no storage of torch's");
        };
        if bytes(self.bytes, *what) != b"storage" || view.len() > 1 {
            return damaged("a persistent id that is no storage of torch's");
        }
        if view.iter().any(|v| *v != Value::None) {
            return Err(Fault::Refused(
                "holds a storage that is a part of another (PyTorch before 0.4 wrote those)".into(),
                RESAVE,
            ));
        }
        let Some(numel) = u64::try_from(*numel).ok().filter(|n| n.checked_mul(kind.size).is_some()) else {
            return damaged(format!("a storage of {numel} elements"));
        };
        let storage = Storage { kind: *kind, key: *key, numel };
        self.heap.storages.push(storage);
        Ok(Value::Storage(self.heap.storages.len() as u32 - 1))
    }
}
