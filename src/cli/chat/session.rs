//! A conversation, and what each line does to it; nothing is read, written or computed here.

use crate::base::units::counted;
use crate::cli::chat::command::{self, Line};
use crate::cli::chat::settings::Settings;
use crate::cli::chat::speaker::Manner;
use crate::cli::chat::transcript;
use crate::cli::chat::turns::{Take, Turn, conversation};
use crate::cli::chat::visible::{first_words, visible};
use crate::serve::job::Message;

/// What is said of headers where there are none.
pub const NO_HEADERS: &str = "this model answers questions: it writes under no headers";

/// What stands before how a time was understood, as in `ask`.
pub const WHEN: &str = "when     ";

/// What is to be done about a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// The last turn is to be answered.
    Say,
    /// Something is to be told.
    Note(String),
    /// An answer counts again, and is to be shown.
    Again(String),
    /// A line is to be changed, and heard.
    Edit(String),
    /// The conversation is to be written to a new file of this name.
    Save(String),
    /// What stands before everything: this text, or that of the file of this name.
    Prompt(String),
    /// The voice is to be the one that this names.
    Voice(String),
    /// The end.
    Quit,
}

/// What is asked for an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// All that was said.
    pub conversation: Vec<Message>,
    /// What was said last.
    pub question: String,
    /// The seed of the answer.
    pub seed: u64,
}

/// A conversation.
pub struct Session {
    manner: Manner,
    voices: Vec<String>,
    /// How answers are drawn.
    pub settings: Settings,
    /// What stands before everything, and before a diary's text the header.
    prompt: String,
    voice: String,
    turns: Vec<Turn>,
    /// The seed of the next answer.
    seed: u64,
    /// The next text takes the place of what was said last.
    edits: bool,
}

impl Session {
    /// One in which nothing was said, of a model that is talked with in this manner and can write under these headers.
    pub fn new(manner: Manner, voices: Vec<String>, settings: Settings, seed: u64) -> Session {
        let (prompt, voice, turns) = (String::new(), String::new(), Vec::new());
        Session { manner, voices, settings, prompt, voice, turns, seed, edits: false }
    }

    /// What is said of it before it begins.
    pub fn greeting(&self) -> String {
        let how = match self.manner {
            Manner::Diary => {
                "what you type is added to the text, and the model goes on; an empty line lets it go on"
            }
            Manner::Pairs | Manner::Chat => "ask, and the model answers",
        };
        format!("{how}\n/help says what else there is; Ctrl-C stops an answer, Ctrl-D leaves")
    }

    /// Hears a line.
    pub fn hear(&mut self, line: &str) -> Step {
        let edits = std::mem::take(&mut self.edits);
        match command::read(line) {
            Line::Command(name, given) => self.obey(name, given),
            Line::Empty if self.manner == Manner::Diary && !edits => self.say(""),
            Line::Empty => Step::Nothing,
            Line::Text(text) => {
                if edits {
                    self.turns.pop();
                }
                self.say(text)
            }
        }
    }

    /// The line that was to be changed is left as it was.
    pub fn let_be(&mut self) {
        self.edits = false;
    }

    fn obey(&mut self, name: &str, given: &str) -> Step {
        match name {
            "retry" => self.answered("to answer again", |_| Step::Say),
            "edit" => self.edit(given),
            "undo" => self.undo(),
            "more" if self.manner == Manner::Diary => self.say(""),
            "more" => {
                Step::Note("this model answers questions: ask, or let it answer again with /retry".into())
            }
            "new" => {
                let gone = std::mem::take(&mut self.turns).len() as u64;
                Step::Note(format!("begun again: {} forgotten", counted(gone, "turn is", "turns are")))
            }
            "seed" => self.seed(given),
            "set" => self.set(given),
            "prompt" if given.is_empty() => Step::Note(shown("prompt", &self.prompt)),
            "prompt" => Step::Prompt(given.to_string()),
            "voice" => self.voice(given),
            "sources" => Step::Note(self.sources()),
            "save" if given.is_empty() => Step::Note("name a file: /save talk.md".into()),
            "save" => self.answered("to save", |_| Step::Save(given.to_string())),
            "help" => Step::Note(command::help()),
            "quit" => Step::Quit,
            _ => Step::Note(command::unknown(name)),
        }
    }

    /// A step that needs something said.
    fn answered(&mut self, to_do: &str, step: impl FnOnce(&Turn) -> Step) -> Step {
        match self.turns.last() {
            Some(turn) => step(turn),
            None => Step::Note(format!("nothing was said yet: there is nothing {to_do}")),
        }
    }

    fn say(&mut self, text: &str) -> Step {
        // A question that was never answered is no part of the talk; a diary's text is one, whoever wrote it.
        if self.manner != Manner::Diary {
            self.turns.pop_if(|turn| turn.takes.is_empty());
        }
        let said = match self.manner {
            Manner::Diary => text.trim_end(),
            Manner::Pairs | Manner::Chat => text.trim(),
        };
        self.turns.push(Turn { said: said.to_string(), takes: Vec::new() });
        Step::Say
    }

    fn edit(&mut self, given: &str) -> Step {
        let Some(turn) = self.turns.last() else {
            return Step::Note("nothing was said yet: there is nothing to change".into());
        };
        if given.is_empty() {
            self.edits = true;
            return Step::Edit(command::typed(&turn.said));
        }
        self.turns.pop();
        self.say(given)
    }

    fn undo(&mut self) -> Step {
        let Some(turn) = self.turns.last_mut() else {
            return Step::Note("nothing was said yet: there is nothing to take back".into());
        };
        if turn.takes.len() > 1 {
            turn.takes.pop();
            return Step::Again(turn.take().map_or(String::new(), |take| take.text.clone()));
        }
        let gone = first_words(&turn.said, 60);
        self.turns.pop();
        Step::Note(format!("taken back: {}", if gone.is_empty() { "the last turn" } else { &gone }))
    }

    fn seed(&mut self, given: &str) -> Step {
        if !given.is_empty() {
            let Ok(seed) = given.parse() else {
                let given = first_words(given, 30);
                return Step::Note(format!("{given:?} is no seed: give a whole number, as in /seed 7"));
            };
            self.seed = seed;
        }
        let last = self.turns.iter().rev().find_map(Turn::take);
        let last = last.map_or(String::new(), |take| format!("the last answer's seed was {}, ", take.seed));
        Step::Note(format!("{last}the next one's is {}", self.seed))
    }

    fn set(&mut self, given: &str) -> Step {
        let Some((name, value)) = given.split_once(|c: char| c.is_whitespace() || c == '=') else {
            return Step::Note(match given {
                "" => self.settings.line(),
                _ => format!("give a value too, as in /set temperature 0.7; now: {}", self.settings.line()),
            });
        };
        let set = self.settings.set(name, value.trim());
        Step::Note(set.map_or_else(|e| e.to_string(), |()| self.settings.line()))
    }

    fn voice(&self, given: &str) -> Step {
        if self.manner != Manner::Diary {
            return Step::Note(format!("{NO_HEADERS}. /prompt says who it is to be"));
        }
        if !given.is_empty() {
            return Step::Voice(given.to_string());
        }
        let mut note = shown("voice", &self.voice);
        if !self.voices.is_empty() {
            note += "\nthere are:";
            for voice in &self.voices {
                note += "\n  ";
                note += &first_words(voice, 100);
            }
        }
        Step::Note(note)
    }

    /// What the last answer stood on, quoted.
    fn sources(&self) -> String {
        let Some(take) = self.turns.iter().rev().find_map(Turn::take) else {
            return "nothing was answered yet: there are no sources".into();
        };
        let when = take.when.as_ref().map_or(String::new(), |when| format!("{WHEN}{when}\n"));
        if take.passages.is_empty() {
            return format!("{when}the last answer stands on none of your entries; --recall looks them up");
        }
        visible(&format!("{when}{}", transcript::sources(&take.passages))).into_owned()
    }

    /// Puts a text before everything, instead of what was there; says so.
    pub fn set_prompt(&mut self, text: String) -> String {
        self.prompt = text;
        shown("prompt", &self.prompt) + self.behind()
    }

    /// Puts a header before a diary's text, instead of what was there; says so.
    pub fn set_voice(&mut self, header: String) -> String {
        self.voice = header;
        shown("voice", &self.voice) + self.behind()
    }

    /// What follows from a change to what stands before everything.
    fn behind(&self) -> &'static str {
        if self.turns.is_empty() {
            ""
        } else {
            "\nit stands before all that was said: /retry answers anew, /new begins again"
        }
    }

    /// What the last turn is to be answered from, with the next seed. None where nothing was said.
    pub fn ask(&mut self) -> Option<Asked> {
        let question = self.turns.last()?.said.clone();
        let seed = self.seed;
        self.seed = seed.wrapping_add(1);
        let head = [&self.voice[..], &self.prompt];
        Some(Asked { conversation: conversation(self.manner, head, &self.turns), question, seed })
    }

    /// The last turn was answered.
    pub fn answer(&mut self, take: Take) {
        if let Some(turn) = self.turns.last_mut() {
            turn.takes.push(take);
        }
    }

    /// How many turns there are.
    pub fn turns(&self) -> usize {
        self.turns.len()
    }

    /// What a conversation with the model is.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// All of it in Markdown, under the model's name.
    pub fn transcript(&self, model: &str) -> String {
        let head = [("Voice", &self.voice[..]), ("Prompt", &self.prompt)];
        transcript::write(model, &self.settings.line(), &head, &self.turns)
    }
}

/// What stands before everything, for a person.
fn shown(what: &str, text: &str) -> String {
    match first_words(text, 200) {
        words if words.is_empty() => format!("there is no {what}"),
        words => format!("the {what}: {words}"),
    }
}
