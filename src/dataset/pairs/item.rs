//! From JSON to pairs: lists and what wraps them, and the objects that are a pair or a conversation.

use serde_json::Value;

use crate::dataset::pairs::conversation::{self, history, is_conversation};
use crate::dataset::pairs::fields::{
    BEFORE, CONTEXT, INPUT, INSTRUCTION, Object, RESPONSE, SYSTEM, TURNS, context, find, folded,
    kind_and_theme, known_kind, said, text,
};
use crate::dataset::pairs::gathered::Gathered;
use crate::dataset::pairs::pair::Pair;

/// Adds all pairs of a value. `like` says what holds for all of them, because it stands around them.
pub fn walk(value: &Value, like: &Pair, gathered: &mut Gathered) {
    match value {
        Value::Array(list) if is_conversation(list) => {
            gathered.next_item();
            conversation::read(list, like, gathered);
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, like, gathered)),
        Value::Object(object) if is_wrapper(object) => {
            let like = around(object, like);
            for (name, value) in
                object.iter().filter(|(name, value)| holds_objects(value) && !is_context(name))
            {
                let mut like = like.clone();
                if let Some(kind) = known_kind(name) {
                    like.kind = Some(kind.to_string());
                }
                walk(value, &like, gathered);
            }
        }
        Value::Object(object) => {
            gathered.next_item();
            read(object, like, gathered);
        }
        _ => {
            gathered.next_item();
            gathered.problem("neither a pair nor a conversation, but a text or a number by itself");
        }
    }
}

/// The conversation that an object holds.
fn conversation_of(object: &Object) -> Option<&[Value]> {
    let lists = object.iter().filter(|(name, _)| TURNS.contains(&folded(name).as_str()));
    lists.filter_map(|(_, value)| value.as_array()).map(Vec::as_slice).find(|list| is_conversation(list))
}

/// Whether an object is no pair but holds lists of them.
fn is_wrapper(object: &Object) -> bool {
    let asked = find(object, &INSTRUCTION).is_some();
    let answered = find(object, &RESPONSE).is_some();
    let whole = asked && answered || conversation_of(object).is_some();
    // What an incomplete pair rests on may be a list of objects, too.
    let other = |name: &str| !asked && !answered || known_kind(name).is_some() || is_list_name(name);
    !whole && object.iter().any(|(name, value)| holds_objects(value) && !is_context(name) && other(name))
}

/// Whether lists of pairs are called so.
fn is_list_name(name: &str) -> bool {
    matches!(
        folded(name).as_str(),
        "pairs" | "data" | "examples" | "items" | "records" | "rows" | "train" | "dataset"
    )
}

fn is_context(name: &str) -> bool {
    CONTEXT.contains(&folded(name).as_str())
}

fn holds_objects(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(|value| value.is_object() || value.is_array()),
        Value::Object(object) => {
            find(object, &INSTRUCTION).is_some()
                || conversation_of(object).is_some()
                || object.values().any(holds_objects)
        }
        _ => false,
    }
}

/// What an object says of all pairs in it.
fn around(object: &Object, like: &Pair) -> Pair {
    let (kind, theme) = kind_and_theme(object);
    let own = context(object);
    Pair {
        kind: kind.or_else(|| like.kind.clone()),
        theme: theme.or_else(|| like.theme.clone()),
        system: said(object, &SYSTEM).or_else(|| like.system.clone()),
        context: if own.is_empty() { like.context.clone() } else { own },
        ..Pair::default()
    }
}

/// Adds the pair, or the pairs of the conversation, that an object is.
pub fn read(object: &Object, like: &Pair, gathered: &mut Gathered) {
    let mut like = around(object, like);
    if let Some(list) = conversation_of(object) {
        return conversation::read(list, &like, gathered);
    }
    let (Some((asked_as, asked)), Some((answered_as, answered))) =
        (find(object, &INSTRUCTION), find(object, &RESPONSE))
    else {
        return gathered.problem(incomplete(object));
    };
    if let Some(list) = asked.as_array().filter(|list| is_conversation(list)) {
        let mut list = list.clone();
        match answered {
            Value::Array(answers) if is_conversation(answers) => list.extend(answers.iter().cloned()),
            answer => list.push(serde_json::json!({"role": "assistant", "content": answer})),
        }
        return conversation::read(&list, &like, gathered);
    }
    let (Some(mut instruction), Some(response)) = (text(asked), text(answered)) else {
        let name = if text(asked).is_none() { asked_as } else { answered_as };
        return gathered.problem(format!("its {name:?} is no text"));
    };
    if folded(asked_as) != INPUT
        && let Some(input) = said(object, &[INPUT]).filter(|input| input != "<noinput>")
    {
        instruction = format!("{instruction}\n\n{input}").trim().to_string();
    }
    if let Some((name, value)) = find(object, &BEFORE) {
        match history(value) {
            Some(turns) => like.turns = turns,
            None => return gathered.problem(format!("its {name:?} is no list of what was said before")),
        }
    }
    gathered.pair(Pair { instruction, response, ..like });
}

/// Why an object is no pair.
fn incomplete(object: &Object) -> String {
    let names: Vec<String> = object.keys().take(8).map(|name| format!("{name:?}")).collect();
    let lacks = match (find(object, &INSTRUCTION).is_some(), find(object, &RESPONSE).is_some()) {
        (true, _) => "no response",
        (_, true) => "no instruction",
        _ => "neither an instruction nor a response",
    };
    let has = if names.is_empty() { "it is empty".into() } else { format!("it has {}", names.join(", ")) };
    format!("{lacks}: {has}; name the fields \"instruction\" and \"response\"")
}
