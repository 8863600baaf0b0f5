//! Pairs written: as OpenAI's `messages`, and as our own JSONL. The same pairs give the same bytes.

use serde_json::{Map, Value, json};

use crate::dataset::pairs::pair::{Pair, Role};

/// A pair as a conversation: `{"messages": [{"role": "system", …}, …]}`. A system prompt that is given stands instead of the pair's
/// own; without either there is none. Earlier answers have `"weight": 0`: they are pairs of their own, and are not to be learnt twice.
///
/// What OpenAI's form has no place for (context, kind, theme) is not written: `own_jsonl` keeps it.
pub fn to_messages(pair: &Pair, system: Option<&str>) -> Value {
    let mut messages = Vec::new();
    if let Some(system) = system.or(pair.system.as_deref()) {
        messages.push(json!({"role": Role::System.name(), "content": system}));
    }
    for (role, said) in &pair.turns {
        let mut message = json!({"role": role.name(), "content": said});
        if let (Role::Assistant, Value::Object(message)) = (role, &mut message) {
            message.insert("weight".to_string(), json!(0));
        }
        messages.push(message);
    }
    messages.push(json!({"role": Role::User.name(), "content": pair.instruction}));
    messages.push(json!({"role": Role::Assistant.name(), "content": pair.response}));
    json!({"messages": messages})
}

/// A pair as our own form has it; what it lacks is left out. Turns are `[{"role", "content"}]`.
pub fn to_own(pair: &Pair) -> Value {
    let mut object = Map::new();
    object.insert("instruction".to_string(), json!(pair.instruction));
    object.insert("response".to_string(), json!(pair.response));
    if !pair.context.is_empty() {
        object.insert("context".to_string(), json!(pair.context));
    }
    for (name, value) in [("kind", &pair.kind), ("theme", &pair.theme), ("system", &pair.system)] {
        if let Some(value) = value {
            object.insert(name.to_string(), json!(value));
        }
    }
    if !pair.turns.is_empty() {
        let turn = |(role, said): &(Role, String)| json!({"role": role.name(), "content": said});
        object.insert("history".to_string(), pair.turns.iter().map(turn).collect());
    }
    Value::Object(object)
}

/// Pairs as JSONL of OpenAI's `messages`: see [`to_messages`].
pub fn messages_jsonl(pairs: &[Pair], system: Option<&str>) -> String {
    lines(pairs.iter().map(|pair| to_messages(pair, system)))
}

/// Pairs as JSONL of our own: see [`to_own`].
pub fn own_jsonl(pairs: &[Pair]) -> String {
    lines(pairs.iter().map(to_own))
}

fn lines(values: impl Iterator<Item = Value>) -> String {
    values.fold(String::new(), |text, value| text + &value.to_string() + "\n")
}
