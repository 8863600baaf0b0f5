//! The conversation itself: lines in, answers out.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::base::disk;
use crate::base::units::{bytes, counted, shown};
use crate::cli::chat::input::{Heard, Input, LONGEST};
use crate::cli::chat::page::Page;
use crate::cli::chat::session::{Session, Step, WHEN};
use crate::cli::chat::speaker::{Manner, Recalled, Speaker, Wish};
use crate::cli::chat::stop::Stop;
use crate::cli::chat::transcript::{cut, named};
use crate::cli::chat::turns::Take;
use crate::cli::chat::visible::first_words;
use crate::serve::job::Finish;

/// How a conversation ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// All that was asked was answered, or a person at a terminal left.
    Well,
    /// Over a pipe, and something could not be answered.
    Unanswered,
}

/// All that takes part.
pub struct Talk<'a> {
    /// What was said.
    pub session: &'a mut Session,
    /// Who answers.
    pub speaker: &'a mut dyn Speaker,
    /// What the model is called.
    pub model: &'a str,
    /// Where answers and notes go.
    pub page: Page<'a>,
    /// Whether an answer is to stop.
    pub stop: &'a Stop,
    /// What is being changed, for the next line to begin with.
    initial: String,
    /// Nothing but Ctrl-C was heard last.
    interrupted: bool,
    told: Told,
    failed: bool,
}

/// What is told once.
#[derive(Default)]
struct Told {
    /// What Ctrl-C does on an empty line.
    leaving: bool,
    /// That an answer was cut.
    cut: bool,
    /// How many turns the model did not see.
    dropped: usize,
    /// That a diary's beginning is not seen.
    beginning: bool,
}

impl<'a> Talk<'a> {
    /// One that has not begun.
    pub fn new(
        session: &'a mut Session,
        speaker: &'a mut dyn Speaker,
        model: &'a str,
        page: Page<'a>,
        stop: &'a Stop,
    ) -> Talk<'a> {
        let (initial, told) = (String::new(), Told::default());
        Talk { session, speaker, model, page, stop, initial, interrupted: false, told, failed: false }
    }

    /// Talks until there is no more to hear, or the person leaves; a reader of the answers who has gone has seen enough.
    ///
    /// # Errors
    /// What is said cannot be read, or the answers cannot be written.
    pub fn run(mut self, input: &mut dyn Input) -> anyhow::Result<Ended> {
        if input.edits() {
            let greeting = self.session.greeting();
            self.page.note(&greeting);
        }
        while let ControlFlow::Continue(()) = self.heard(input)? {}
        Ok(if self.failed && !input.edits() { Ended::Unanswered } else { Ended::Well })
    }

    /// Hears one line, and does what it asks for.
    fn heard(&mut self, input: &mut dyn Input) -> anyhow::Result<ControlFlow<()>> {
        let heard = input.read(&std::mem::take(&mut self.initial))?;
        let again = std::mem::take(&mut self.interrupted);
        match heard {
            Heard::Line(line, note) => {
                if let Some(note) = note {
                    self.page.note(&note);
                }
                let step = self.session.hear(&line);
                return match self.done(step, input) {
                    Err(e) if is_gone(&e) => Ok(ControlFlow::Break(())),
                    other => other,
                };
            }
            Heard::End => return Ok(ControlFlow::Break(())),
            Heard::TooLong(length) => {
                self.failed = true;
                let (length, most) = (bytes(length), bytes(LONGEST as u64));
                self.page.note(&format!("that has {length}, and a turn {most} at most: it was not said"));
            }
            Heard::Lost(why) => self.page.note(&why),
            Heard::Interrupted { empty: true } if again => return Ok(ControlFlow::Break(())),
            Heard::Interrupted { empty } => {
                self.interrupted = empty;
                if empty && !std::mem::replace(&mut self.told.leaving, true) {
                    self.page.note("Ctrl-C again leaves; so does Ctrl-D");
                }
            }
        }
        self.session.let_be();
        Ok(ControlFlow::Continue(()))
    }

    fn done(&mut self, step: Step, input: &dyn Input) -> anyhow::Result<ControlFlow<()>> {
        match step {
            Step::Nothing => (),
            Step::Say => self.say()?,
            Step::Note(note) => self.page.note(&note),
            Step::Again(text) => {
                self.page.note("the answer before counts again:");
                self.page.open()?;
                self.page.piece(&text)?;
                self.page.close()?;
            }
            Step::Edit(line) if input.takes(&line) => self.initial = line,
            Step::Edit(_) => {
                self.session.let_be();
                let why = if input.edits() {
                    "that is too long to be changed here"
                } else {
                    "lines cannot be changed here"
                };
                self.page.note(&format!("{why}: /edit TEXT says something else instead"));
            }
            Step::Save(file) => self.save(&at(&file), input.edits()),
            Step::Prompt(typed) => self.prompt(&typed),
            Step::Voice(typed) => {
                let header = if is_nothing(&typed) { Ok(String::new()) } else { self.speaker.header(&typed) };
                let note = header.map_or_else(|e| e.to_string(), |header| self.session.set_voice(header));
                self.page.note(&note);
            }
            Step::Quit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Has the last turn answered.
    fn say(&mut self) -> anyhow::Result<()> {
        let Some(asked) = self.session.ask() else { return Ok(()) };
        // From here on Ctrl-C is meant for the answer.
        self.stop.begin();
        let Recalled { when, passages, .. } = self.recalled(&asked.question);
        let settings = self.session.settings.clone();
        let wish = Wish {
            conversation: &asked.conversation,
            passages: &passages,
            how: &settings.how,
            seed: asked.seed,
            max_tokens: settings.max_tokens,
            stop: &settings.stop,
        };
        self.page.open()?;
        let (page, stop) = (&mut self.page, self.stop);
        let mut written = Ok(());
        let answer = self.speaker.say(&wish, &mut |piece| {
            written = page.piece(piece);
            if written.is_err() || stop.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let stopped = stop.end();
        written?;
        self.page.close()?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(e) => {
                self.failed = true;
                self.page.note(&format!("error: {e}"));
                return Ok(());
            }
        };
        let stood = answer.passages.iter().filter_map(|i| passages.get(*i).cloned()).collect();
        let take = Take {
            text: answer.text,
            seed: asked.seed,
            finish: (!stopped).then_some(answer.finish),
            when,
            passages: stood,
            unsupported: answer.unsupported,
        };
        self.remarks(&take, answer.dropped_turns);
        // A question that was stopped before the first word waits for its answer.
        if !(stopped && take.text.is_empty()) {
            self.session.answer(take);
        }
        Ok(())
    }

    /// What of the person's entries bears on a question; how its time was understood is told.
    fn recalled(&mut self, question: &str) -> Recalled {
        if question.trim().is_empty() {
            return Recalled::default();
        }
        let recalled = self.speaker.recall(question).unwrap_or_else(|e| {
            self.page.note(&format!("your entries could not be looked up: {e}"));
            Recalled::default()
        });
        if let Some(when) = &recalled.when {
            self.page.note(&format!("{WHEN}{when}"));
        }
        if recalled.is_of_days_alone {
            self.page.note("no entry of then has your words: the model is given others of then");
        }
        recalled
    }

    /// What is to be said of an answer.
    fn remarks(&mut self, take: &Take, dropped: usize) {
        if take.finish.is_none() {
            self.page.note("stopped; /retry answers again");
        } else if take.text.trim().is_empty() {
            self.page.note("nothing came; /retry answers again");
        }
        if self.session.manner() != Manner::Diary && take.finish == Some(Finish::Length) && !self.told.cut {
            self.told.cut = true;
            let most = self.session.settings.max_tokens;
            self.page.note(&format!("cut at {most} tokens, the most that an answer has: /set max-tokens"));
        }
        if self.session.manner() == Manner::Diary {
            if dropped > 0 && !std::mem::replace(&mut self.told.beginning, true) {
                self.page.note(BEGINNING);
            }
        } else if dropped > self.told.dropped {
            let turns = counted(dropped as u64, "turn is", "turns are");
            self.page.note(&format!("the first {turns} no longer seen: the context has no room for them"));
        }
        self.told.dropped = dropped;
        if !take.passages.is_empty() {
            let names: Vec<String> = take.passages.iter().map(named).collect();
            self.page.note(&format!("stands on: {}; /sources quotes them", names.join(" · ")));
        }
        let quoted = cut(&take.text, &take.unsupported);
        for one in quoted.iter().take(MOST_MARKED) {
            let one = first_words(one, 80);
            self.page.note(&format!("in quotation marks, but in none of those entries: {one}"));
        }
        if quoted.len() > MOST_MARKED {
            self.page
                .note(&format!("and {} more of these; /save names them all", quoted.len() - MOST_MARKED));
        }
    }

    /// Writes the conversation to a file that must not be there; where it is, another name is asked for.
    fn save(&mut self, file: &Path, edits: bool) {
        let note = if file.symlink_metadata().is_ok() {
            let other = another(file);
            if edits {
                self.initial = format!("/save {}", shown(&other));
            }
            let file = shown(file);
            format!("{file} is there already, and nothing is overwritten: /save {}, say", shown(&other))
        } else {
            let written = disk::write_new(file, self.session.transcript(self.model).as_bytes());
            let turns = counted(self.session.turns() as u64, "turn", "turns");
            written.map_or_else(|e| format!("error: {e}"), |()| format!("{turns} saved: {}", shown(file)))
        };
        self.page.note(&note);
    }

    /// Puts what was typed before everything, or what stands in the file of that name.
    fn prompt(&mut self, typed: &str) {
        let file = at(typed);
        let text = if is_nothing(typed) {
            Ok(Some(String::new()))
        } else if file.is_file() {
            disk::read_at_most(&file, LONGEST as u64)
                .map(|read| read.map(|read| String::from_utf8_lossy(&read).into_owned()))
        } else {
            Ok(Some(typed.to_string()))
        };
        let note = match text {
            Ok(Some(text)) => self.session.set_prompt(text),
            Ok(None) => {
                let most = bytes(LONGEST as u64);
                format!("{} has more than {most}, the most that may stand there", shown(&file))
            }
            Err(e) => format!("error: {e}"),
        };
        self.page.note(&note);
    }
}

/// Quotations of an answer that are marked, at most.
const MOST_MARKED: usize = 3;

/// What is said where a diary's text outgrows the context.
const BEGINNING: &str = "the beginning of the text is no longer seen: the context has no room for it";

/// What stands for nothing in a command.
fn is_nothing(typed: &str) -> bool {
    typed == "\"\""
}

/// A file as it is typed to a shell.
fn at(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), dirs::home_dir()) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(typed),
    }
}

/// A name like that of a file, of which there is no file.
fn another(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let dot = file.extension().map_or(String::new(), |e| format!(".{}", e.to_string_lossy()));
    let mut others = (2..1000).map(|n| file.with_file_name(format!("{stem}-{n}{dot}")));
    others
        .find(|other| other.symlink_metadata().is_err())
        .unwrap_or_else(|| file.with_file_name("another.md"))
}

/// Whether the reader of the answers has closed its end.
fn is_gone(e: &anyhow::Error) -> bool {
    e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
