//! Chat templates: Jinja as `transformers` runs it, of a file that is a stranger's.
//!
//! What a template may do is bounded: it is at most 64 KiB, sees no file and no other template, and is stopped after so many steps, after so
//! many bytes, or where anything that it keeps grows beyond what the messages' length explains ([`source`], [`functions`]). What it may not do
//! is refused by name when the template is made, not in the middle of a conversation.

mod functions;
mod json;
mod methods;
mod room;
mod source;

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::civil::DateTime;
use minijinja::{AutoEscape, Environment, Value, context};

use crate::base::{Error, Result};
use crate::dataset::pairs::Role;
use crate::sample::talk::template::functions::Raised;
use crate::sample::talk::template::room::Room;
use crate::tokens::Tokenizer;

/// A chat template that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// As it is run: see [`source::prepared`].
    source: String,
    bos: Option<String>,
    eos: Option<String>,
    now: DateTime,
}

/// Steps that a template has, whatever is said, and for each message more.
const STEPS: (u64, u64) = (20_000, 2_000);
/// How deep its macros may call each other.
const DEPTH: usize = 16;

impl Template {
    /// A template of this source. `bos` and `eos` are how the model's first and last tokens are written, where it has them; `now` is the
    /// time that the template is told if it asks.
    ///
    /// # Errors
    /// It is too long, is no Jinja, or does what no chat template need do.
    pub fn new(source: &str, bos: Option<&str>, eos: Option<&str>, now: DateTime) -> Result<Template> {
        let source = source::prepared(source).map_err(|problem| refused(&problem))?;
        let [bos, eos] = [bos, eos].map(|name| name.map(str::to_string));
        let template = Template { source, bos, eos, now };
        template.environment(&[])?;
        Ok(template)
    }

    /// A model's template, with the names that its tokenizer has for the first and the last token.
    ///
    /// # Errors
    /// Those of [`Template::new`].
    pub fn of(source: &str, tokenizer: &Tokenizer, now: DateTime) -> Result<Template> {
        let name = |part: &str| {
            let names = &tokenizer.additions()?.names;
            names.iter().find(|(known, _)| known == part).map(|(_, content)| content.clone())
        };
        let spelled = |id: u32| tokenizer.additions().is_some().then(|| tokenizer.spelled(id));
        let bos = name("bos_token").or_else(|| spelled(tokenizer.start()));
        let eos = name("eos_token").or_else(|| spelled(tokenizer.end_of_text()));
        Template::new(source, bos.as_deref(), eos.as_deref(), now)
    }

    /// What the template makes of a conversation; with `answer`, up to where the assistant's next answer begins.
    ///
    /// # Errors
    /// The template refuses the conversation, fails, or takes more steps or room than it has.
    pub fn render(&self, said: &[(Role, &str)], answer: bool) -> Result<String> {
        let environment = self.environment(said)?;
        let template = environment.get_template(NAME).map_err(|e| told(&e))?;
        let message = |(role, content): &(Role, &str)| context! { role => role.name(), content => *content };
        let mut values = vec![
            ("messages", said.iter().map(message).collect::<Value>()),
            ("add_generation_prompt", Value::from(answer)),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
        ];
        let names = [("bos_token", &self.bos), ("eos_token", &self.eos)];
        values.extend(
            names.into_iter().filter_map(|(name, token)| Some((name, Value::from(token.as_deref()?)))),
        );
        let mut page = Page { bytes: Vec::new(), most: Room::of(said).most() };
        // minijinja 2.24 panics where an empty list is read backwards: `messages[::-1]` of no messages. Nothing here is used after.
        let rendered = catch_unwind(AssertUnwindSafe(|| {
            template.render_captured_to(Value::from_iter(values), &mut page).map(drop)
        }));
        rendered.map_err(|_| refused("cannot be run on this conversation"))?.map_err(|e| told(&e))?;
        String::from_utf8(page.bytes).map_err(|_| refused("writes what is no text"))
    }

    /// What it runs in.
    fn environment(&self, said: &[(Role, &str)]) -> Result<Environment<'static>> {
        let room = Arc::new(Room::of(said));
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_recursion_limit(DEPTH);
        environment.set_fuel(Some(STEPS.0 + STEPS.1 * said.len() as u64));
        functions::add(&mut environment, &room, self.now);
        methods::add(&mut environment, &room);
        environment.add_template_owned(NAME, self.source.clone()).map_err(|e| told(&e))?;
        Ok(environment)
    }
}

/// What minijinja calls it.
const NAME: &str = "chat";

/// What is rendered, as far as it may be long.
struct Page {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::Error::other(room::TOO_MUCH));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An error of a template's.
fn refused(problem: &(impl fmt::Display + ?Sized)) -> Error {
    Error::setting(
        format!("the model's chat template {problem}"),
        "write the model with another: `diarist convert DIR --out NEW --chat-template FILE`",
    )
}

/// The same, as minijinja has it.
fn told(error: &minijinja::Error) -> Error {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(Raised(message)) = inner.downcast_ref() {
            let problem =
                format!("the model's chat template refuses this conversation: {}", printable(message));
            return Error::setting(
                problem,
                "leave out what it does not take: a system message, or two messages of one side in a row",
            );
        }
        cause = inner.source();
    }
    if error.kind() == minijinja::ErrorKind::OutOfFuel {
        return refused("takes more steps than any conversation needs");
    }
    let line = error.line().map_or(String::new(), |line| format!(" in line {line}"));
    let mut what = error.detail().map_or_else(|| error.kind().to_string(), str::to_string);
    if error.kind() == minijinja::ErrorKind::WriteFailure {
        what = room::TOO_MUCH.into();
    }
    refused(&format!("fails{line}: {}", printable(&what)))
}

/// A stranger's text for one line.
fn printable(text: &str) -> String {
    const MOST: usize = 300;
    let shown: String = text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() { shown + "…" } else { shown }
}
