//! The real speaker: a model on the thread that owns it, and the person's own entries.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::Sender;

use jiff::Zoned;
use tokio::sync::mpsc::channel;

use crate::base::{Error, Result, shell};
use crate::cli::chat::speaker::{Answer, Manner, Passage, Recalled, Speaker, Wish};
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
    /// The model of this name; the run at a path says how it is spoken to, or the model there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(jobs: Sender<Job>, (name, path): (&str, &Path), library: Option<Library>) -> Result<Model> {
        let manner = match manner::form(path)? {
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
        Ok(heading(typed, self.run.as_ref()))
    }

    fn recall(&mut self, question: &str) -> Result<Recalled> {
        let Some(library) = &self.library else { return Ok(Recalled::default()) };
        let asked = library.ask(question, Zoned::now().date(), By::Both, PASSAGES)?;
        let one = |found: crate::recall::Found| Passage {
            name: found.name,
            date: found.day.map(|day| day.to_string()),
            text: found.text,
        };
        Ok(Recalled {
            when: asked.said,
            is_of_days_alone: asked.is_of_days_alone && !asked.found.is_empty(),
            passages: asked.found.into_iter().map(one).collect(),
        })
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
            stop: wish.stop.to_vec(),
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

/// The header that is meant by what a person typed: of a day, that of a run's entries of the day; any other as it is typed, and ended as
/// the run's headers are.
pub(super) fn heading(typed: &str, run: Option<&Run>) -> String {
    let of = |day| run.and_then(|run| manner::header(run, day)).filter(|header| !header.is_empty());
    if let Some(header) = typed.trim().parse().ok().and_then(of) {
        return header;
    }
    let typed = typed.trim_end().replace("\\n", "\n");
    if typed.ends_with('\n') {
        return typed;
    }
    match of(Zoned::now().date()) {
        Some(own) => typed + &own[own.trim_end().len()..],
        None => typed + "\n",
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
    use crate::run::record::example;
    use crate::sample::Choice;
    use crate::serve::job::{Message, Role};

    #[test]
    fn a_header_is_the_one_that_the_runs_entries_have() {
        let of = |header: Option<&str>, typed: &str| {
            let mut run = example();
            run.data.header = header.map(Into::into);
            heading(typed, Some(&run))
        };
        for (header, day, other) in [
            (Some("{date}\\n"), "2014-05-05\n", "May\n"),
            (Some("# {date}\\n\\n"), "# 2014-05-05\n\n", "May\n\n"),
            (Some("{date}: "), "2014-05-05: ", "May "),
            (Some("{date}."), "2014-05-05.", "May"),
            (None, "2014-05-05\n", "May\n"),
            // A day fills nothing in here: it stands as it is typed.
            (Some("{title}\\n"), "2014-05-05\n", "May\n"),
        ] {
            assert_eq!((&*of(header, "2014-05-05"), &*of(header, "May ")), (day, other), "{header:?}");
        }
        assert_eq!(of(Some("{date}\\n\\n"), "May\\n"), "May\n", "a line end that is typed is the only one");
        assert_eq!(heading("2014-05-05", None), "2014-05-05\n");
    }

    #[test]
    fn what_ends_an_answer_reaches_the_model() {
        let (jobs, asked) = mpsc::channel();
        let (name, manner) = ("m".to_string(), Manner::Diary);
        let mut model = Model { jobs, name, manner, run: None, library: None, keeps_to_passages: false };
        let thread = std::thread::spawn(move || {
            let Ok(Job::Write(write, said)) = asked.recv() else { panic!("nothing was asked") };
            let ended = Said::Ended { index: 0, finish: Finish::Stop, completion_tokens: 0 };
            said.try_send(ended).unwrap();
            write.stop
        });
        let stop = ["\n\n".to_string()];
        let how = Choice::default();
        let wish = Wish { conversation: &[], passages: &[], how: &how, seed: 1, max_tokens: 9, stop: &stop };
        model.say(&wish, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(thread.join().unwrap(), stop);
    }

    /// What a model says whose context has room for none of the passages.
    fn said_of_none(keeps_to_passages: bool) -> (Answer, String) {
        let (jobs, wishes) = mpsc::channel();
        let worker = std::thread::spawn(move || {
            let Ok(Job::Write(_, said)) = wishes.recv() else { return };
            let piece = Said::Piece { index: 0, text: "Made up.".into(), tokens: Vec::new() };
            let ended = Said::Ended { index: 0, finish: Finish::Stop, completion_tokens: 1 };
            let began = Said::Began { prompt_tokens: 3, passages: Vec::new(), dropped: 0, cut: None };
            for one in [began, piece, ended] {
                let _gone = said.blocking_send(one);
            }
        });
        let (name, manner) = ("m".to_string(), Manner::Diary);
        let mut model = Model { jobs, name, manner, run: None, library: None, keeps_to_passages };
        let passages = [Passage { name: "a".into(), date: None, text: "Long.".into() }];
        let conversation = [Message::new(Role::User, "What?")];
        let how = Choice::default();
        let wish = Wish {
            conversation: &conversation,
            passages: &passages,
            how: &how,
            seed: 1,
            max_tokens: 9,
            stop: &[],
        };
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
