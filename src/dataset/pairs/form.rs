//! How a question and its answer are written for a model, and told to other programs: a chat template.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dataset::pairs::pair::{Pair, Role};
use crate::tokens::Tokenizer;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `Question: …`, then `Answer: …`: what any model can read.
    Plain,
    /// ChatML: `<|im_start|>user`, what was said, `<|im_end|>`; for models that have those tokens.
    Chatml,
}

/// ChatML's two tokens.
const START: &str = "<|im_start|>";
const END: &str = "<|im_end|>";

/// A question as tokens, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What is given: all up to the answer.
    pub question: Vec<u32>,
    /// What is learned, without the end of text.
    pub answer: Vec<u32>,
}

impl Form {
    /// The form that suits a tokenizer: ChatML where it has its tokens.
    pub fn of(tokenizer: &Tokenizer) -> Form {
        match [START, END].iter().all(|name| tokenizer.added_id(name).is_some()) {
            true => Form::Chatml,
            false => Form::Plain,
        }
    }

    /// A pair as tokens. What looks like one of the form's tokens in its text is letters.
    pub fn write(self, pair: &Pair, tokenizer: &Tokenizer) -> Written {
        let mut question = self.before(pair.system.as_deref(), &pair.turns, &pair.instruction, tokenizer);
        let mut answer = tokenizer.encode_on(&match self {
            Form::Plain => format!(" {}", pair.response),
            Form::Chatml => pair.response.clone(),
        });
        answer.extend(self.end(tokenizer));
        // A form whose question was nothing would mask nothing, and learn from the token before it.
        if question.is_empty() {
            question.push(tokenizer.start());
        }
        Written { question, answer }
    }

    /// What stands before an answer: who is to answer, what was said, the question.
    pub fn before(
        self,
        system: Option<&str>,
        turns: &[(Role, String)],
        instruction: &str,
        tokenizer: &Tokenizer,
    ) -> Vec<u32> {
        let said = turns.iter().map(|(role, text)| (*role, text.as_str()));
        let said = system.map(|text| (Role::System, text)).into_iter().chain(said);
        self.conversation(said.chain([(Role::User, instruction)]), tokenizer)
    }

    /// A conversation, and who is to speak next: the assistant.
    pub fn conversation<'a>(
        self,
        said: impl IntoIterator<Item = (Role, &'a str)>,
        tokenizer: &Tokenizer,
    ) -> Vec<u32> {
        let mut ids = Vec::new();
        for (role, text) in said {
            match self.marks(tokenizer) {
                Some([start, end]) => {
                    ids.push(start);
                    ids.extend(tokenizer.encode_on(&format!("{}\n{text}", role.name())));
                    ids.push(end);
                    ids.extend(tokenizer.encode_on("\n"));
                }
                None => ids.extend(tokenizer.encode_on(&match role {
                    Role::System => format!("{text}\n\n"),
                    Role::User => format!("Question: {text}\n"),
                    Role::Assistant => format!("Answer: {text}\n\n"),
                })),
            }
        }
        match self.marks(tokenizer) {
            Some([start, _]) => {
                ids.push(start);
                ids.extend(tokenizer.encode_on("assistant\n"));
            }
            None => ids.extend(tokenizer.encode_on("Answer:")),
        }
        ids
    }

    /// What is asked, of what stands before an answer: its last question, as a person wrote it.
    pub fn asked(self, before: &str) -> &str {
        let (begin, end) = match self {
            Form::Plain => ("Question: ", "\nAnswer:"),
            Form::Chatml => ("<|im_start|>user\n", END),
        };
        let last = before.rsplit_once(begin).map_or(before, |(_, asked)| asked);
        last.split_once(end).map_or(last, |(asked, _)| asked)
    }

    /// The token that ends an answer, besides the end of text.
    pub fn end(self, tokenizer: &Tokenizer) -> Option<u32> {
        self.marks(tokenizer).map(|[_, end]| end)
    }

    /// ChatML's tokens.
    fn marks(self, tokenizer: &Tokenizer) -> Option<[u32; 2]> {
        match self {
            Form::Plain => None,
            Form::Chatml => Some([tokenizer.added_id(START)?, tokenizer.added_id(END)?]),
        }
    }

    /// A single question as a template in Go, for Ollama's Modelfile.
    pub fn ollama(self) -> &'static str {
        match self {
            Form::Plain => "{{ if .System }}{{ .System }}\n\n{{ end }}Question: {{ .Prompt }}\nAnswer:",
            Form::Chatml => {
                "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n\
                 <|im_start|>assistant\n"
            }
        }
    }

    /// The same as a template in Jinja, for `chat_template.jinja` and GGUF.
    pub fn template(self) -> &'static str {
        match self {
            Form::Plain => {
                "{% for message in messages %}\
                 {% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}\
                 {% elif message['role'] == 'user' %}{{ 'Question: ' + message['content'] + '\\n' }}\
                 {% else %}{{ 'Answer: ' + message['content'] + '\\n\\n' }}{% endif %}\
                 {% endfor %}\
                 {% if add_generation_prompt %}{{ 'Answer:' }}{% endif %}"
            }
            Form::Chatml => {
                "{% for message in messages %}\
                 {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
                 {% endfor %}\
                 {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
            }
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Form::Plain => "Question: …, Answer: …",
            Form::Chatml => "ChatML",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::pairs::testing::chatml;

    fn pair() -> Pair {
        Pair {
            instruction: "Why <|im_end|>?".into(),
            response: "Rain.".into(),
            system: Some("You are Ada.".into()),
            turns: vec![(Role::User, "Hm".into()), (Role::Assistant, "Yes".into())],
            ..Pair::default()
        }
    }

    #[test]
    fn a_plain_pair_is_a_question_and_an_answer() {
        let tokenizer = Tokenizer::gpt2();
        assert_eq!(Form::of(&tokenizer), Form::Plain);
        let written = Form::Plain.write(&pair(), &tokenizer);
        assert_eq!(
            tokenizer.decode(&written.question),
            "You are Ada.\n\nQuestion: Hm\nAnswer: Yes\n\nQuestion: Why <|im_end|>?\nAnswer:"
        );
        assert_eq!(written.answer, tokenizer.encode(" Rain."));
        assert_eq!(Form::Plain.asked(&tokenizer.decode(&written.question)), "Why <|im_end|>?");
    }

    #[test]
    fn chatml_has_tokens_of_its_own() {
        let tokenizer = chatml();
        assert_eq!(Form::of(&tokenizer), Form::Chatml);
        let written = Form::Chatml.write(&pair(), &tokenizer);
        let tokens = |id| written.question.iter().filter(|of| **of == id).count();
        assert_eq!((tokens(50257), tokens(50258)), (5, 4), "what somebody wrote is no token");
        assert_eq!(written.answer.last(), Some(&50258));
        let shown = tokenizer.decode(&written.question);
        assert!(
            shown.ends_with("<|im_start|>user\nWhy <|im_end|>?<|im_end|>\n<|im_start|>assistant\n"),
            "{shown}"
        );
        assert_eq!(Form::Chatml.asked(&shown.replace("Why <|im_end|>?", "Why?")), "Why?");
    }
}
