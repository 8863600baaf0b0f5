//! The real speaker: a model on the thread that owns it, and the person's own entries.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::Sender;

use jiff::Zoned;
use tokio::sync::mpsc::channel;

use crate::base::{Error, Result, shell};
use crate::cli::chat::speaker::{Answer, Manner, Passage, Speaker, Wish};
use crate::recall::{By, Library, unsupported};
use crate::run::{Run, read_run};
use crate::serve::job::{self, Finish, Job, Prompt, Refusal, Said, Write};
use crate::serve::manner;

/// Passages that are looked for before an answer.
pub const PASSAGES: usize = 5;

/// A model that one talks with.
pub struct Model {
    jobs: Sender<Job>,
    name: String,
    manner: Manner,
    run: Option<Run>,
    library: Option<Library>,
    /// It says nothing where passages were given and none fits.
    keeps_to_passages: bool,
}

impl Model {
    /// The model of this name, which is at a path.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(jobs: Sender<Job>, (name, path): (&str, &Path), library: Option<Library>) -> Result<Model> {
        let manner = match manner::listed(name.to_string(), path)?.form {
            "pairs" => Manner::Pairs,
            "chat" => Manner::Chat,
            _ => Manner::Diary,
        };
        Ok(Model {
            jobs,
            name: name.to_string(),
            manner,
            run: read_run(path).ok(),
            library,
            keeps_to_passages: false,
        })
    }

    /// The same, which says nothing where passages are given and none fits in its context.
    pub fn keeping_to_passages(self) -> Model {
        Model { keeps_to_passages: true, ..self }
    }
}

impl Speaker for Model {
    fn manner(&self) -> Manner {
        self.manner
    }

    fn voices(&self) -> Vec<String> {
        let today = Zoned::now().date();
        let header = self.run.as_ref().and_then(|run| manner::header(run, today));
        header.into_iter().map(|header| header.trim_end().to_string()).collect()
    }

    fn header(&self, typed: &str) -> Result<String> {
        let day = typed.trim().parse::<jiff::civil::Date>().ok();
        if let Some(header) = day.zip(self.run.as_ref()).and_then(|(day, run)| manner::header(run, day)) {
            return Ok(header);
        }
        // Otherwise it is as it was typed, on a line of its own.
        Ok(format!("{}\n", typed.trim_end().replace("\\n", "\n")))
    }

    fn recall(&mut self, question: &str) -> Result<Option<Vec<Passage>>> {
        let Some(library) = &self.library else { return Ok(None) };
        let asked = library.ask(question, Zoned::now().date(), By::Both, PASSAGES)?;
        let one = |found: crate::recall::Found| Passage {
            name: found.name,
            date: found.day.map(|day| day.to_string()),
            text: found.text,
        };
        Ok(Some(asked.found.into_iter().map(one).collect()))
    }

    fn say(&mut self, wish: &Wish, on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<Answer> {
        let passage =
            |passage: &Passage| job::Passage { name: passage.name.clone(), text: passage.text.clone() };
        let write = Write {
            model: self.name.clone(),
            prompt: Prompt::Messages(wish.conversation.to_vec()),
            passages: wish.passages.iter().map(passage).collect(),
            n: 1,
            best_of: 1,
            max_tokens: Some(wish.max_tokens),
            how: wish.how.clone(),
            seed: Some(wish.seed),
            stop: Vec::new(),
            logprobs: None,
            echo: false,
        };
        // A person's terminal is never so far behind.
        let (said, mut heard) = channel(1 << 16);
        let sent = self.jobs.send(Job::Write(Box::new(write), said));
        sent.map_err(|_| Error::bug("the thread that runs the model has ended"))?;
        let mut answer = Answer {
            text: String::new(),
            tokens: 0,
            dropped_turns: 0,
            finish: Finish::Stop,
            passages: Vec::new(),
            unsupported: Vec::new(),
        };
        // Where the listener goes, the model stops at the next token.
        while let Some(said) = heard.blocking_recv() {
            match said {
                Said::Began { passages, dropped, .. } => {
                    (answer.passages, answer.dropped_turns) = (passages, dropped);
                    if self.keeps_to_passages && answer.passages.is_empty() && !wish.passages.is_empty() {
                        return Ok(answer);
                    }
                }
                Said::Piece { text, .. } => {
                    answer.text += &text;
                    answer.tokens += 1;
                    if on_piece(&text).is_break() {
                        break;
                    }
                }
                Said::Ended { finish, completion_tokens, .. } => {
                    (answer.finish, answer.tokens) = (finish, completion_tokens);
                    break;
                }
                Said::Failed(refusal) => return Err(error(refusal)),
            }
        }
        if self.library.is_some() {
            let sources: Vec<&str> = answer.passages.iter().map(|&i| &wish.passages[i].text[..]).collect();
            answer.unsupported = unsupported(&answer.text, &sources);
        }
        Ok(answer)
    }
}

/// A refusal as an error, which says in two parts what it says in one.
fn error(refusal: Refusal) -> Error {
    let told = refusal.message;
    let (problem, next) = told.split_once(". Next: ").map_or((&told[..], ""), |parts| parts);
    match next {
        "" => Error::setting(problem, format!("try again; see `{} doctor` if it stays so", shell::program())),
        next => Error::setting(problem, next),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::sample::Choice;
    use crate::serve::job::{Message, Role};

    /// What a model says whose context has room for none of the passages.
    fn said_of_none(keeps_to_passages: bool) -> (Answer, String) {
        let (jobs, wishes) = mpsc::channel();
        let worker = std::thread::spawn(move || {
            let Ok(Job::Write(_, said)) = wishes.recv() else { return };
            let piece = Said::Piece { index: 0, text: "Made up.".into(), tokens: Vec::new() };
            let ended = Said::Ended { index: 0, finish: Finish::Stop, completion_tokens: 1 };
            let began = Said::Began { prompt_tokens: 3, passages: Vec::new(), dropped: 0 };
            for one in [began, piece, ended] {
                let _gone = said.blocking_send(one);
            }
        });
        let (name, manner) = ("m".to_string(), Manner::Diary);
        let mut model = Model { jobs, name, manner, run: None, library: None, keeps_to_passages };
        let passages = [Passage { name: "a".into(), date: None, text: "Long.".into() }];
        let conversation = [Message::new(Role::User, "What?")];
        let how = Choice::default();
        let wish =
            Wish { conversation: &conversation, passages: &passages, how: &how, seed: 1, max_tokens: 9 };
        let mut told = String::new();
        let answer = model.say(&wish, &mut |piece| {
            told += piece;
            ControlFlow::Continue(())
        });
        worker.join().unwrap();
        (answer.unwrap(), told)
    }

    #[test]
    fn one_that_keeps_to_passages_says_nothing_where_none_fits() {
        let (answer, told) = said_of_none(true);
        assert!(told.is_empty() && answer.text.is_empty() && answer.passages.is_empty(), "{answer:?}");
        assert_eq!(said_of_none(false).1, "Made up.");
    }
}
