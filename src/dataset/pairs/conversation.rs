//! Conversations: OpenAI's `messages`, ShareGPT's `conversations`, and others of their shape. Each answer is a pair, with the turns
//! before it.

use serde_json::Value;

use crate::dataset::pairs::fields::{find, folded, text};
use crate::dataset::pairs::gathered::Gathered;
use crate::dataset::pairs::pair::{Pair, Role};

const SPEAKER: [&str; 4] = ["role", "from", "speaker", "author"];
const SAID: [&str; 6] = ["content", "value", "text", "parts", "message", "contents"];

/// Something said, and whether an answer is one to train on (OpenAI's `weight` is not 0).
struct Turn {
    role: Role,
    said: String,
    counts: bool,
}

/// Whether a list is a conversation: objects that name who speaks.
pub fn is_conversation(list: &[Value]) -> bool {
    let speaks = |value: &Value| {
        value.as_object().is_some_and(|turn| {
            find(turn, &SPEAKER).is_some_and(|(_, speaker)| speaker.is_string())
                && (find(turn, &SAID).is_some() || turn.contains_key("content"))
        })
    };
    list.first().is_some_and(speaks)
}

/// The role that a name means.
fn role(name: &str) -> Option<Role> {
    Some(match folded(name).as_str() {
        "system" | "developer" => Role::System,
        "user" | "human" | "prompter" | "me" | "interviewer" | "question" => Role::User,
        "assistant" | "gpt" | "chatgpt" | "model" | "ai" | "bot" | "bard" | "bing" | "claude" | "answer" => {
            Role::Assistant
        }
        _ => return None,
    })
}

/// Adds the pairs of a conversation; `like` says what holds for all of them.
pub fn read(list: &[Value], like: &Pair, gathered: &mut Gathered) {
    let Some(turns) = turns(list, gathered) else { return };
    let mut before: Vec<(Role, String)> = like.turns.clone();
    let mut system: Vec<String> = like.system.iter().cloned().collect();
    let (mut own_system, mut answers, mut asked) = (false, 0, None::<String>);
    for Turn { role, said, counts } in turns {
        match role {
            Role::System => {
                // What the conversation says itself goes before what was said around it.
                if !own_system {
                    system.clear();
                    own_system = true;
                }
                system.push(said);
            }
            Role::User => asked = Some(said),
            Role::Assistant => {
                answers += 1;
                let Some(instruction) = asked.take() else {
                    gathered
                        .problem(format!("answer {answers} of this conversation has no question before it"));
                    before.push((Role::Assistant, said));
                    continue;
                };
                if counts {
                    gathered.pair(Pair {
                        instruction: instruction.clone(),
                        response: said.clone(),
                        system: (!system.is_empty()).then(|| system.join("\n\n")),
                        turns: before.clone(),
                        ..like.clone()
                    });
                }
                before.extend([(Role::User, instruction), (Role::Assistant, said)]);
            }
        }
    }
    if asked.is_some() {
        gathered.problem(if answers == 0 {
            "this conversation has no answer: add one, or leave it out"
        } else {
            "this conversation ends with a question: it has no answer, and was left out"
        });
    }
}

/// The turns of a conversation, those of one speaker in a row as one. `None`: one cannot be read, which is told.
fn turns(list: &[Value], gathered: &mut Gathered) -> Option<Vec<Turn>> {
    let mut turns: Vec<Turn> = Vec::new();
    for (i, value) in list.iter().enumerate() {
        let number = i + 1;
        let speaker =
            value.as_object().and_then(|turn| find(turn, &SPEAKER)).and_then(|(_, name)| name.as_str());
        let Some(speaker) = speaker else {
            gathered.problem(format!("message {number} does not say who speaks: it needs a \"role\""));
            return None;
        };
        let Some(role) = role(speaker) else {
            gathered.problem(format!(
                "message {number} is of {speaker:?}, which is none of system, user and assistant: \
                 rename the role, or leave the message out"
            ));
            return None;
        };
        let turn = value.as_object().expect("a speaker was found in it");
        let Some(said) = find(turn, &SAID).and_then(|(_, value)| text(value)) else {
            gathered.problem(format!("message {number} has no text"));
            return None;
        };
        let counts = find(turn, &["weight"]).is_none_or(|(_, weight)| weight.as_f64() != Some(0.0));
        match turns.last_mut() {
            Some(before) if before.role == role && before.counts == counts => {
                before.said = format!("{}\n\n{said}", before.said).trim().to_string();
            }
            _ => turns.push(Turn { role, said, counts }),
        }
    }
    Some(turns)
}

/// What was said before: messages, or lists of two, a question and its answer. `None`: it is neither.
pub fn history(value: &Value) -> Option<Vec<(Role, String)>> {
    let list = value.as_array()?;
    let mut before = Vec::new();
    for turn in list {
        match turn {
            Value::Object(turn) => {
                let role = role(find(turn, &SPEAKER)?.1.as_str()?).filter(|role| *role != Role::System)?;
                before.push((role, text(find(turn, &SAID)?.1)?));
            }
            Value::Array(two) => {
                let [asked, answered] = &two[..] else { return None };
                before.extend([(Role::User, text(asked)?), (Role::Assistant, text(answered)?)]);
            }
            _ => return None,
        }
    }
    Some(before)
}
