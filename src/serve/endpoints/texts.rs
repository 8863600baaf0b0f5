//! `POST /v1/completions` and `POST /v1/chat/completions`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};

use crate::serve::answered::answers::Answers;
use crate::serve::answered::course::{Course, Sources};
use crate::serve::answered::shape::Head;
use crate::serve::answered::streamed::Streamed;
use crate::serve::answered::whole::whole;
use crate::serve::asked::chat::chat;
use crate::serve::asked::common::{Asked, Form};
use crate::serve::asked::completion::completion;
use crate::serve::asked::fields::{Fields, unsupported};
use crate::serve::http::refused::Refused;
use crate::serve::http::sent::events;
use crate::serve::job::{Listed, Passage, Prompt, Role};
use crate::serve::log::Record;
use crate::serve::recall::{Found, aside};
use crate::serve::state::{Server, now};

/// How many passages an answer is offered to stand on.
const PASSAGES: usize = 5;
/// How many bytes at the end of what is said are taken for the question.
const QUESTION: usize = 2000;

/// `POST /v1/completions`.
pub async fn completions(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut record = server.record("/v1/completions");
    answer(&server, request, completion, &mut record).await
}

/// `POST /v1/chat/completions`.
pub async fn chats(State(server): State<Arc<Server>>, request: Request) -> Response {
    let mut record = server.record("/v1/chat/completions");
    answer(&server, request, chat, &mut record).await
}

type Understand = fn(Fields, &[Listed]) -> Result<Asked, Refused>;

async fn answer(server: &Server, request: Request, understand: Understand, record: &mut Record) -> Response {
    match begin(server, request, understand, record).await {
        Ok(response) => response,
        Err(refused) => {
            record.refused(&refused);
            refused.into_response()
        }
    }
}

async fn begin(
    server: &Server,
    request: Request,
    understand: Understand,
    record: &mut Record,
) -> Result<Response, Refused> {
    let listed = server.models.last();
    let mut asked = server.understood(request, move |fields| understand(fields, &listed)).await?;
    record.wishes(&asked);
    let sources = sources(server, &mut asked).await?;
    // Where the context is full, half of it is forgotten and the text goes on: it would never end by itself.
    for write in &mut asked.writes {
        write.max_tokens = write.max_tokens.map(|tokens| tokens.min(server.limits.tokens));
    }
    let Asked { form, model, writes, stream, .. } = asked;
    let (jobs, n) = (writes.len(), writes.first().map_or(0, |write| write.n));
    let logprobs = writes.first().and_then(|write| write.logprobs);
    let answers = Answers::new(server.queue.write(writes)?, n);
    let mut course = Course::new(answers, jobs, n, sources);
    let kind = if form == Form::Chat { "chatcmpl" } else { "cmpl" };
    let head = Head { form, id: server.id(kind), created: now(), model, logprobs };
    if !stream.on {
        return whole(&head, course, record).await;
    }
    // What is refused before it begins has a status of its own; afterwards only the stream can say it.
    course.begun().await?;
    Ok(events(Streamed::new(head, course, stream.usage, std::mem::take(record))))
}

/// What the answers may stand on, put into the jobs.
async fn sources(server: &Server, asked: &mut Asked) -> Result<Option<Sources>, Refused> {
    if !asked.recall {
        return Ok(None);
    }
    let Some(recall) = &server.recall else {
        let message = "'recall' needs an index of entries: start the server with --recall.";
        return Err(unsupported("recall", message));
    };
    let questions: Vec<String> =
        asked.writes.iter().map(|write| question(&write.prompt).to_string()).collect();
    let find =
        move |question: &String, recall: &dyn crate::serve::recall::Recall| recall.find(question, PASSAGES);
    let found: Vec<Vec<Found>> =
        aside(recall, move |recall| questions.iter().map(|question| find(question, recall)).collect())
            .await?;
    for (write, found) in asked.writes.iter_mut().zip(&found) {
        let passage = |found: &Found| Passage { name: found.name.clone(), text: found.text.clone() };
        write.passages = found.iter().map(passage).collect();
    }
    Ok(Some(Sources { recall: Arc::clone(recall), found }))
}

/// What a conversation asks: the last thing that the person says.
fn question(prompt: &Prompt) -> &str {
    let messages = if let Prompt::Messages(messages) = prompt { &messages[..] } else { &[] };
    let last = messages.iter().rfind(|message| message.role == Role::User);
    let text = last.map_or("", |message| message.content.as_str());
    let start = text.ceil_char_boundary(text.len().saturating_sub(QUESTION));
    &text[start..]
}
