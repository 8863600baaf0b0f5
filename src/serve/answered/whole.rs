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

/// Waits for all texts and answers with them.
///
/// # Errors
/// The work failed.
pub async fn whole(head: &Head, mut course: Course, record: &mut Record) -> Result<Response, Refused> {
    let mut texts: Vec<Text> = std::iter::repeat_with(Text::default).take(course.choices()).collect();
    while let Some((choice, step)) = course.next().await? {
        match step {
            Step::Piece(text, tokens) => {
                texts[choice].so_far.push_str(&text);
                texts[choice].tokens.extend(tokens);
            }
            Step::Ended(finish) => texts[choice].finish = Some(finish),
        }
    }
    let several = texts.len() > 1;
    let mut first = None;
    let mut choices = Vec::with_capacity(texts.len());
    for (i, text) in texts.iter().enumerate() {
        // Every text has ended, or the course had failed.
        let mut choice = head.choice(i, &text.so_far, &text.tokens, text.finish.unwrap_or(Finish::Stop));
        if let Some(grounds) = course.grounds(i, &text.so_far).await {
            if several {
                choice["diarist"] = grounds.clone();
            }
            first.get_or_insert(grounds);
        }
        choices.push(choice);
    }
    let mut whole: Value = head.whole(&choices, course.usage);
    if let Some(grounds) = first {
        whole["diarist"] = grounds;
    }
    let texts = texts.into_iter().map(|text| text.so_far).collect();
    record.texts(texts, course.usage.prompt, course.usage.completion);
    record.done();
    Ok(json_response(StatusCode::OK, &whole))
}
