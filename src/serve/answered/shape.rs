//! `OpenAI`'s objects around the texts.

use serde_json::{Value, json};

use crate::serve::answered::course::Usage;
use crate::serve::answered::logprobs;
use crate::serve::asked::common::Form;
use crate::serve::job::{Finish, Likely};

/// What every object of one answer says.
#[derive(Debug, Clone)]
pub struct Head {
    /// In whose words.
    pub form: Form,
    /// The answer's own name.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model's name.
    pub model: String,
    /// How many of the likeliest tokens were asked for; nothing where no log-probabilities were.
    pub logprobs: Option<usize>,
}

impl Head {
    /// The object of a whole answer.
    pub fn whole(&self, choices: &[Value], usage: Usage) -> Value {
        let object = match self.form {
            Form::Completion => "text_completion",
            Form::Chat => "chat.completion",
        };
        let mut whole = self.object(object, choices);
        whole["usage"] = counted(usage);
        whole
    }

    /// The object of one piece.
    pub fn chunk(&self, choices: &[Value]) -> Value {
        let object = match self.form {
            Form::Completion => "text_completion",
            Form::Chat => "chat.completion.chunk",
        };
        self.object(object, choices)
    }

    fn object(&self, object: &str, choices: &[Value]) -> Value {
        json!({
            "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices,
        })
    }

    /// A text that has ended.
    pub fn choice(&self, index: usize, text: &str, tokens: &[Likely], finish: Finish) -> Value {
        let logprobs = self.logprobs(tokens, &mut 0);
        let finish = reason(finish);
        match self.form {
            Form::Completion => {
                json!({ "text": text, "index": index, "logprobs": logprobs, "finish_reason": finish })
            }
            Form::Chat => json!({
                "index": index,
                "message": { "role": "assistant", "content": text, "refusal": null, "annotations": [] },
                "logprobs": logprobs,
                "finish_reason": finish,
            }),
        }
    }

    /// What goes before the first piece of each text, where something does.
    pub fn opening(&self, index: usize) -> Option<Value> {
        let delta = json!({ "role": "assistant", "content": "", "refusal": null });
        match self.form {
            Form::Completion => None,
            Form::Chat => {
                Some(json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": null }))
            }
        }
    }

    /// A piece of a text; `chars` as in [`logprobs::completion`].
    pub fn piece(&self, index: usize, text: &str, tokens: &[Likely], chars: &mut usize) -> Value {
        // A piece may have been cut from a token that comes later: it has none then.
        let logprobs = if tokens.is_empty() { Value::Null } else { self.logprobs(tokens, chars) };
        self.part(index, text, &logprobs)
    }

    fn part(&self, index: usize, text: &str, logprobs: &Value) -> Value {
        match self.form {
            Form::Completion => {
                json!({ "text": text, "index": index, "logprobs": logprobs, "finish_reason": null })
            }
            Form::Chat => json!({
                "index": index, "delta": { "content": text }, "logprobs": logprobs, "finish_reason": null,
            }),
        }
    }

    /// The end of a text.
    pub fn ending(&self, index: usize, finish: Finish) -> Value {
        let finish = reason(finish);
        match self.form {
            Form::Completion => {
                json!({ "text": "", "index": index, "logprobs": null, "finish_reason": finish })
            }
            Form::Chat => json!({ "index": index, "delta": {}, "logprobs": null, "finish_reason": finish }),
        }
    }

    fn logprobs(&self, tokens: &[Likely], chars: &mut usize) -> Value {
        match (self.logprobs, self.form) {
            (None, _) => Value::Null,
            (Some(top), Form::Completion) => logprobs::completion(tokens, top > 0, chars),
            (Some(_), Form::Chat) => logprobs::chat(tokens),
        }
    }
}

/// How many tokens there were.
pub fn counted(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    })
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}
