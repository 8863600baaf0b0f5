//! An answer that is sent when all of it is there.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::serve::answered::course::{Course, Step};
use crate::serve::answered::shape::Head;
use crate::serve::http::refused::Refused;
use crate::serve::http::sent::json_response;
use crate::serve::job::{Finish, Likely};
use crate::serve::log::Record;

/// A text as it grows.
#[derive(Default)]
struct Text {
    so_far: String,
    tokens: Vec<Likely>,
    finish: Option<Finish>,
}

/// The texts while they grow. What there is of them is written to the log where the client goes, or the work fails.
struct Growing<'a> {
    course: Course,
    texts: Vec<Text>,
    record: &'a mut Record,
}

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        let usage = self.course.usage;
        let texts = self.texts.iter_mut().map(|text| std::mem::take(&mut text.so_far)).collect();
        self.record.found(self.course.entries());
        self.record.texts(texts, usage.prompt, usage.completion);
    }
}

/// Waits for all texts and answers with them.
///
/// # Errors
/// The work failed.
pub async fn whole(head: &Head, course: Course, record: &mut Record) -> Result<Response, Refused> {
    let texts = std::iter::repeat_with(Text::default).take(course.choices()).collect();
    let mut growing = Growing { course, texts, record };
    while let Some((choice, step)) = growing.course.next().await? {
        let grown = &mut growing.texts[choice];
        match step {
            Step::Piece(text, tokens) => {
                grown.so_far.push_str(&text);
                grown.tokens.extend(tokens);
            }
            Step::Ended(finish) => grown.finish = Some(finish),
        }
    }
    let several = growing.texts.len() > 1;
    let mut first = None;
    let mut choices = Vec::with_capacity(growing.texts.len());
    for (i, text) in growing.texts.iter().enumerate() {
        // Every text has ended, or the course had failed.
        let mut choice = head.choice(i, &text.so_far, &text.tokens, text.finish.unwrap_or(Finish::Stop));
        if let Some(own) = growing.course.own(i, &text.so_far).await {
            if several {
                choice["diarist"] = own.clone();
            }
            first.get_or_insert(own);
        }
        choices.push(choice);
    }
    let mut whole: Value = head.whole(&choices, growing.course.usage);
    if let Some(own) = first {
        whole["diarist"] = own;
    }
    growing.record.done();
    Ok(json_response(StatusCode::OK, &whole))
}
