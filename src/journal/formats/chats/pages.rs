//! Chats that an app exports as pages of HTML: each has classes, a title or a place that nothing else has.

use crate::journal::format::Input;

/// What of a page tells it: all of these stand near one of its ends.
const MARKS: [(&str, &[&str]); 8] = [
    ("a chat exported from Telegram", &["page_body chat_page"]),
    ("a chat exported from Telegram", &["class=\"from_name\"", "message default"]),
    ("a chat exported from Discord", &["chatlog__message"]),
    ("a chat exported from Messages", &["class=\"message\"", "class=\"message_part\"", "class=\"sender\""]),
    ("a chat of Google Voice", &["class=\"hChatLog"]),
    ("a chat of Pidgin", &["<title>Conversation with ", "</font>"]),
    ("a talk with a chatbot", &["<title>ChatGPT Data Export</title>"]),
    ("a chat exported from Signal", &["class=\"msg\"", "class=\"sender\"", "class=\"body\""]),
];

/// What wrote a page, if it is a chat.
pub fn app(input: &Input) -> Option<&'static str> {
    let found = MARKS.iter().find(|(_, marks)| marks.iter().all(|mark| input.holds_at_an_end(mark)));
    found
        .map(|(app, _)| *app)
        .or_else(|| is_metas(input).then_some("a chat exported from Facebook or Instagram"))
}

/// `messages/inbox/ben_123/message_1.html`.
fn is_metas(input: &Input) -> bool {
    let number = input.stem().strip_prefix("message_").unwrap_or("");
    let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let boxes = ["inbox", "archived_threads", "e2ee_cutover", "filtered_threads", "message_requests"];
    numbered && boxes.iter().any(|folder| input.lies_in(folder))
}
