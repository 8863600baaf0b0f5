//! Chats of other apps, as text: LINE, KakaoTalk, Discord, Viber, Signal, Telegram, iMessage, IRC, Zoom… They are refused by
//! name: nobody here reads out of them who wrote what, and taken whole they would be other people's words.
//!
//! The pages of HTML that messengers export are refused likewise: see `pages`.
//!
//! A chat whose lines are `stamp - name: words` is read, whatever its app: see `whatsapp`.

mod pages;
mod turns;

use scraper::Html;

use super::text::is_typed;
use crate::base::shell;
use crate::journal::format::{Format, Input, Options, Sink};
use crate::journal::syntax::exported;
use turns::Lines;

/// A chat of another app.
pub struct Chats;

impl Format for Chats {
    fn name(&self) -> &'static str {
        "a chat"
    }

    fn is(&self, input: &Input) -> bool {
        is_typed(input) && !input.is_all_mine() && !exported::is(input.head()) && app(input.head()).is_some()
    }

    fn read(&self, input: &Input, _: &Options, _: &mut dyn Sink) -> Result<(), String> {
        Err(refusal(app(input.head()).unwrap_or("a chat"), input))
    }
}

/// Why a chat is not read, and what to do.
fn refusal(app: &str, input: &Input) -> String {
    format!(
        "{app}, with other people's words: save what you wrote in it as a file of its own; \
         if all of it is your own: --mine {}",
        shell::path(input.path())
    )
}

/// Why a page is not read that is a chat's, or holds nothing of the writer's.
pub fn refused_page(document: &Html, input: &Input) -> Option<String> {
    if input.is_all_mine() {
        return None;
    }
    match pages::of(document, input)? {
        pages::Page::Chat(app) if pages::has_json(app) => Some(format!(
            "{app}, with other people's words: export it there as JSON, of which --me NAME takes what you wrote; \
             if all of it is your own: --mine {}",
            shell::path(input.path())
        )),
        pages::Page::Chat(app) => Some(refusal(app, input)),
        pages::Page::Other(reason) => Some(reason.to_string()),
    }
}

/// What wrote a file, if it is a chat.
fn app(head: &str) -> Option<&'static str> {
    let lines = Lines::of(head);
    let by_mark = APPS.iter().find(|(_, is)| is(&lines)).map(|(app, _)| *app);
    // What follows is said in diaries too: a name in brackets, a train from here to there, a day with a chatbot.
    let by_turns = || {
        let found = LOOKS.iter().find(|(_, is)| is(&lines)).map(|(app, _)| *app);
        found.filter(|_| !lines.have_days())
    };
    by_mark.or_else(by_turns)
}

/// The marks that an app's export has and nothing else.
type Mark = fn(&Lines) -> bool;

const APPS: [(&str, Mark); 10] = [
    ("a chat exported from Discord", |lines| {
        lines.opening().any(|line| line.starts_with("Guild: "))
            && lines.opening().any(|line| line.starts_with("Channel: "))
            && lines.opening().any(|line| line.starts_with("=========="))
    }),
    ("a chat exported from Signal", |lines| {
        lines.opening().any(|line| line.starts_with("Conversation: "))
            && lines.all().any(|line| matches!(line, "Type: incoming" | "Type: outgoing"))
    }),
    ("a chat exported from LINE", |lines| {
        lines.opening().next().is_some_and(|line| line.starts_with("[LINE]")) || lines.most(turns::tabbed)
    }),
    ("a chat exported from KakaoTalk", |lines| {
        let named = |line: &str| line.contains("KakaoTalk") || line.contains("카카오톡");
        let speaks =
            |line: &str| turns::in_two_brackets(line).is_some() || turns::behind_comma(line).is_some();
        (lines.opening().take(2).any(named) && lines.all().any(speaks)) || lines.most(turns::in_two_brackets)
    }),
    ("a chat of IRC", |lines| {
        let log =
            |line: &str| line.starts_with("--- Log opened") || line.starts_with("**** BEGIN LOGGING AT");
        lines.opening().any(log)
    }),
    ("a chat exported from QQ", |lines| {
        lines.opening().any(|line| line.contains("消息记录"))
            && lines.all().any(|line| line.starts_with("消息对象"))
    }),
    ("a chat exported from Messages", |lines| {
        let turns: Vec<_> =
            lines.pairs().filter_map(|(stamp, name)| turns::below_stamp(stamp, name)).collect();
        let others = turns.iter().any(|(name, _)| *name != "Me");
        turns.iter().any(|(_, read)| *read) || (others && turns.iter().any(|(name, _)| *name == "Me"))
    }),
    ("a chat exported from Viber", |lines| lines.most(turns::clock_in_brackets)),
    ("a chat of Pidgin", |lines| {
        lines.opening().next().is_some_and(|line| line.starts_with("Conversation with "))
            && lines.all().any(|line| turns::clock_in_parentheses(line).is_some())
    }),
    ("what was marked on a Kindle", |lines| {
        let marked = |(line, below): (&str, &str)| {
            line.ends_with(')') && below.starts_with("- ") && below.contains(" | ")
        };
        lines.pairs().next().is_some_and(marked) && lines.all().any(|line| line == "==========")
    }),
];

/// What only the shape of many lines tells.
const LOOKS: [(&str, Mark); 4] = [
    ("a chat of IRC", |lines| lines.most(turns::nick)),
    ("a chat saved by Zoom", |lines| lines.most(turns::from_to)),
    ("a talk with a chatbot", |lines| {
        let speakers: Vec<&str> = lines.all().filter_map(turns::alone).collect();
        let is = |names: &[&str]| speakers.iter().any(|name| names.contains(name));
        is(&["ChatGPT", "Assistant", "Claude", "Gemini", "Copilot"]) && is(&["You", "User", "Human", "Me"])
    }),
    ("what looks like a chat", turns::is_conversation),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::formats::of;
    use crate::journal::testing::{read, texts};

    fn format_of(name: &str, text: &str) -> &'static str {
        of(&Input::from_bytes(name, text.as_bytes().to_vec())).map_or("none", |format| format.name())
    }

    #[test]
    fn a_diary_of_days_speaks_of_chats_and_trains() {
        let days = |lines: &str| {
            (1..=4)
                .map(|day| format!("## 2024-03-0{day}\n\nRain, and tea.\n\n{lines}\n\n"))
                .collect::<String>()
        };
        for lines in [
            "**You:**\nWhat is a heron?\n\n**ChatGPT:**\nA bird.",
            "07:10 From Basel to Bern, standing\n08:20 From Bern to Thun, asleep",
            "Run  32:10\nslow\nRun  30:05\nfaster",
        ] {
            assert_eq!(format_of("diary.md", &days(lines)), "Markdown", "{lines}");
        }
    }

    #[test]
    fn chats_of_other_apps_are_refused_by_name() {
        for (app, text) in [
            (
                "Discord",
                "==============\nGuild: House\nChannel: general\n==============\n\n[3/15/2024 10:00 AM] ben\nmine\n",
            ),
            (
                "Signal",
                "Conversation: Ben (+4477)\n\nFrom: Ben (+4477)\nType: incoming\nSent: Tue, 05 Mar 2024 10:00:00\n\nhis\n",
            ),
            (
                "LINE",
                "[LINE] Chat history in Ben\nSaved on: 3/26/2024, 12:00\n\nFri, 3/15/2024\n10:00 AM\tBen\this\n",
            ),
            ("LINE", "2024/03/05(火)\n10:00\tベン\tおはよう\n10:01\t安\t私の\n"),
            (
                "KakaoTalk",
                "벤 님과 카카오톡 대화\n저장한 날짜 : 2024-03-06\n\n[벤] [오전 10:00] 그의 말\n[안] [오전 10:01] 내 말\n",
            ),
            (
                "KakaoTalk",
                "KakaoTalk Chats with Ben\nDate Saved : Mar 6, 2024 at 12:00\n\nMar 5, 2024 at 10:00, Ben : his\n",
            ),
            ("IRC", "--- Log opened Tue Mar 05 10:00:00 2024\n10:00 < ben> his\n"),
            ("IRC", "[10:00:00] *** Joins: ann\n[10:00:10] <ben> his\n[10:01:00] <@ann> mine\n"),
            ("IRC", "2024-03-05 10:00:10\tben\this\n2024-03-05 10:01:00\t@ann\tmine\n"),
            ("IRC", "<ben> his\n<ann> mine\n<ben> his again\n"),
            (
                "QQ",
                "消息记录（此消息记录为文本格式）\n\n======\n消息对象:本\n======\n\n2024-03-05 10:00:00 本\n他的话\n",
            ),
            (
                "Zoom",
                "10:00:00 From Ben Sample to Everyone:\n\this\n10:01:00 From Ann to Everyone:\n\tmine\n",
            ),
            (
                "Messages",
                "Mar 05, 2024 10:00:00 AM (Read by you after 1 minute)\nBen\nhis\n\nMar 05, 2024 10:01:00 AM\nMe\nmine\n",
            ),
            (
                "Pidgin",
                "Conversation with ben at Tue 05 Mar 2024 on ann (aim)\n(10:00:00) ben: his\n(10:01:00) ann: mine\n",
            ),
            ("chatbot", "# Beans\n\n**You:**\n\nwhich ones\n\n**ChatGPT:**\n\nAll of them.\n"),
            ("looks like", "Ben Sample  0:01\nhis\n\nAnn Example  0:05\nmine\n\nBen Sample  0:09\nhis\n"),
            (
                "Kindle",
                "The Rivers (Ben)\n- Your Highlight on page 5 | Location 70-71 | Added on Tuesday\n\nhis\n==========\n",
            ),
            ("Viber", "[ 15/03/2024 ]\n[10:00:00] Ben: his\n[10:01:00] Me: mine\n"),
            (
                "looks like",
                "[3/15/2024 10:00 AM] Ben Sample\nhis\n[3/15/2024 10:01 AM] Ann\nmine\n[3/15/2024 10:02 AM] Ben Sample\nhis\n",
            ),
            (
                "looks like",
                "Ben Sample, [05.03.2024 10:00]\nhis\n\nAnn, [05.03.2024 10:01]\nmine\n\nBen Sample, [05.03.2024 10:02]\nhis\n",
            ),
        ] {
            for name in ["a.txt", "a.log", "a.md", "a", "#house.weechatlog"] {
                assert_eq!(format_of(name, text), "a chat", "{text}");
            }
            let failed = read("my chat.txt", text.as_bytes(), &Options::default()).failed.unwrap();
            assert!(failed.contains(app) && failed.ends_with("--mine 'my chat.txt'"), "{app}: {failed}");
        }
    }

    #[test]
    fn diaries_are_none() {
        for text in [
            "5 March 2024\n10:00 Work: long\n11:00 Home: late\n10:00 Work: again\n",
            "[2024-03-05 09:00] Morning\nwords\n\n[2024-03-05 21:00] Evening\nwords\n\n[2024-03-06 09:00] Morning\nwords\n",
            "<3 all of you\n<sigh>\nRain. <sigh>\n",
            "[09:30] Work: emails\n[11:00] Home: soup\n[12:00] Work: more\n",
            "5 March 2024\n09:00\tup\n10:00\tout, in the rain\n",
            "Conversation: a fine art\n\nFrom: the book\n",
            "Guild: the word\nChannel: another\n",
            "5 March 2024 at 10:00:00 AM\nMe\nand nobody else here\n",
            "I asked it:\n\n**ChatGPT:**\n\nI would not know.\n",
            "Bread  0:45\nSoup  1:30\nTea  0:05\n",
            "Zoom calls all day. From nine to five: nothing.\n",
        ] {
            assert_ne!(format_of("a.txt", text), "a chat", "{text}");
        }
        let mine =
            Input::from_bytes("a.txt", b"<ben> his\n<ann> mine\n<ben> his again\n".to_vec()).all_mine(true);
        assert_eq!(of(&mine).unwrap().name(), "plain text");
        let kept = read("a.txt", b"<sigh>\n<sigh>\nrain\n", &Options::default());
        assert_eq!(texts(&kept), ["<sigh>\n<sigh>\nrain"]);
    }
}
