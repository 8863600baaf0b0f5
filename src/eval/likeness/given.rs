//! What a model is given before a text that it is to expect, or to write.

use crate::dataset::pairs::form::Form;
use crate::tokens::Tokenizer;

/// What stands before a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A header as the run's entries have it, or nothing.
    Header(String),
    /// All up to an answer in a form of questions and answers, the form's tokens by their names.
    Question(Form, String),
    /// What stands before it in the same text.
    Before(String),
}

impl Given {
    /// Nothing.
    pub const NOTHING: Given = Given::Header(String::new());

    /// It and a text behind it as a model is trained on the two, and how many of the tokens are given: one that is of both is.
    pub fn ids(&self, text: &str, tokenizer: &Tokenizer) -> (Vec<u32>, usize) {
        let (mut given, text) = match self {
            Given::Header(header) => (tokenizer.encode_prompt(header), tokenizer.encode(text)),
            Given::Question(_, question) => (tokenizer.encode_prompt_on(question), tokenizer.encode_on(text)),
            Given::Before(before) => {
                let ids = tokenizer.encode(&format!("{before}{text}"));
                let given = head(&ids, before.len(), tokenizer);
                return (ids, given);
            }
        };
        let n = given.len();
        given.extend(text);
        (given, n)
    }

    /// It as a person reads it: a question without its form.
    pub fn shown(&self) -> &str {
        match self {
            Given::Header(text) | Given::Before(text) => text,
            Given::Question(form, question) => form.asked(question),
        }
    }
}

/// How many of a text's first tokens reach to its byte `at`.
fn head(ids: &[u32], at: usize, tokenizer: &Tokenizer) -> usize {
    let mut bytes = 0;
    ids.iter()
        .take_while(|id| {
            let before = bytes;
            bytes += tokenizer.shown(**id).len();
            before < at
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::pairs::pair::Pair;
    use crate::dataset::pairs::testing::chatml;

    #[test]
    fn a_header_has_tokens_of_its_own_and_words_before_have_not() {
        let gpt2 = Tokenizer::gpt2();
        let (ids, given) = Given::Header("May".into()).ids(" Rain", &gpt2);
        assert_eq!((ids, given), ([gpt2.encode("May"), gpt2.encode(" Rain")].concat(), 1));
        // A token that is of both is given.
        let ids = gpt2.encode("It was");
        assert_eq!(ids.len(), 2);
        assert_eq!([0, 1, 2, 3, 6].map(|at| head(&ids, at, &gpt2)), [0, 1, 1, 2, 2]);
        assert_eq!(Given::Before("It ".into()).ids("was", &gpt2), (ids, 2));
        assert_eq!(Given::NOTHING.ids("", &gpt2), (Vec::new(), 0));
    }

    #[test]
    fn a_question_is_what_the_pair_was_trained_on() {
        let pair = Pair { instruction: "Why?".into(), response: "Rain.".into(), ..Pair::default() };
        for tokenizer in [Tokenizer::gpt2(), Tokenizer::bytes(), chatml()] {
            let form = Form::of(&tokenizer);
            let mut written = form.write(&pair, &tokenizer);
            let given = Given::Question(form, tokenizer.decode(&written.question));
            if form.end(&tokenizer).is_some() {
                written.answer.pop();
            }
            let (ids, n) = given.ids(&tokenizer.decode(&written.answer), &tokenizer);
            assert_eq!(ids.split_at(n), (&written.question[..], &written.answer[..]));
            assert_eq!(given.shown(), "Why?");
        }
    }
}
