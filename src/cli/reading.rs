//! How journals are read: the arguments that `corpus` and `train` share.

use std::path::PathBuf;

use jiff::civil::Date;

use crate::base::{Error, Result};
use crate::journal::{self, DateOrder, SecretOptions, Secrets, StyleOptions};

/// The heading of the flags of secrets.
const SECRETS: &str = "What should not be learned";

/// Arguments of every command that reads journals.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "What to read")]
pub struct Reading {
    /// Your name or address in chats and mail, without which nothing is taken from them; repeatable
    #[arg(long, value_name = "NAME|ADDRESS")]
    me: Vec<String>,
    /// A file or a folder that is all your own, though its lines look like a chat's; repeatable
    #[arg(long, value_name = "PATH")]
    mine: Vec<PathBuf>,
    /// Take only files like this (`*.md`, `notes/**`), or with ! none of them; repeatable, the last that fits decides
    #[arg(short, long, value_name = "GLOB", allow_hyphen_values = true)]
    glob: Vec<String>,
    /// Take entries of this day and later, 2014-05-03 or 2014
    #[arg(long, value_name = "DATE", value_parser = first_day)]
    since: Option<Date>,
    /// Take entries of this day and earlier, 2014-05-03 or 2014
    #[arg(long, value_name = "DATE", value_parser = last_day)]
    until: Option<Date>,
    /// Take entries with this tag; repeatable
    #[arg(long)]
    tag: Vec<String>,
    /// Take no entries with this tag; repeatable
    #[arg(long)]
    exclude_tag: Vec<String>,
    /// Keep what stands twice, or nearly so
    #[arg(long)]
    keep_duplicates: bool,
    /// The order of dates like 03/04/05, where the text leaves it open
    #[arg(long, value_name = "ORDER", value_parser = ["dmy", "mdy", "ymd"])]
    date_order: Option<String>,
    /// The field that holds the text, in JSON, JSONL and CSV of no known app
    #[arg(long, value_name = "FIELD")]
    text_field: Option<String>,
    /// The field that holds the date
    #[arg(long, value_name = "FIELD")]
    date_field: Option<String>,
    /// Keep Obsidian's %%comments%%
    #[arg(long)]
    comments: bool,
    /// End with exit code 1 if anything could not be read, or is doubtful
    #[arg(long)]
    pub strict: bool,
    /// Neither look for tokens in this user's cache nor keep them there
    #[arg(long)]
    pub no_cache: bool,

    /// What becomes of passwords, keys, cards, accounts, phones, addresses and the like: they are counted, and stay; placeholders stand for
    /// them; the lines that they stand in go; or what FILE says of each, as `diarist corpus --review` wrote it and you edited it
    #[arg(long, value_name = "keep|replace|drop|FILE", default_value = "keep", help_heading = SECRETS)]
    secrets: String,
    /// Your own patterns for what else is secret: JSON, in the form that the book's chapter has
    #[arg(long, value_name = "FILE", help_heading = SECRETS)]
    secret_patterns: Option<PathBuf>,

    /// Make typographic quotation marks and apostrophes straight
    #[arg(long, help_heading = "What to change in style (nothing, unless asked)")]
    straight_quotes: bool,
    /// Leave out a list of references at an entry's end
    #[arg(long, help_heading = "What to change in style (nothing, unless asked)")]
    drop_references: bool,
    /// Make capitals small
    #[arg(long, help_heading = "What to change in style (nothing, unless asked)")]
    lowercase: bool,
    /// Join hard-wrapped lines to paragraphs
    #[arg(long, help_heading = "What to change in style (nothing, unless asked)")]
    unwrap: bool,
    /// Replace the names and words that FILE lists, a line each, by placeholders, the same for the same
    #[arg(long, value_name = "FILE", help_heading = "What to change in style (nothing, unless asked)")]
    redact: Option<PathBuf>,
    /// Leave out lines that match; repeatable
    #[arg(long, value_name = "REGEX", help_heading = "What to change in style (nothing, unless asked)")]
    drop_lines: Vec<String>,
    /// Leave out paragraphs that stand in a hundred entries and more; they are named
    #[arg(long, help_heading = "What to change in style (nothing, unless asked)")]
    drop_boilerplate: bool,
}

impl Reading {
    /// What was asked for.
    pub fn options(&self) -> journal::Options {
        journal::Options {
            me: self.me.clone(),
            mine: self.mine.clone(),
            date_order: self.date_order.as_deref().and_then(|order| order.parse::<DateOrder>().ok()),
            comments: self.comments,
            text_field: self.text_field.clone(),
            date_field: self.date_field.clone(),
            globs: self.glob.clone(),
            since: self.since,
            until: self.until,
            tags: self.tag.clone(),
            exclude_tags: self.exclude_tag.clone(),
            labels: Vec::new(),
            keep_duplicates: self.keep_duplicates,
            secrets: SecretOptions {
                what: Secrets::parse(&self.secrets),
                patterns: self.secret_patterns.clone(),
            },
            style: StyleOptions {
                straight_quotes: self.straight_quotes,
                drop_references: self.drop_references,
                lowercase: self.lowercase,
                unwrap: self.unwrap,
                redact: self.redact.clone(),
                drop_lines: self.drop_lines.clone(),
                drop_boilerplate: self.drop_boilerplate,
            },
        }
    }
}

/// `2014`, `2014-05` and `2014-05-03` as the day that they begin with.
fn first_day(typed: &str) -> Result<Date> {
    let mut parts = typed.split('-');
    let year = parts.next().filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
    let rest: Option<Vec<i8>> = parts.map(|part| part.parse().ok()).collect();
    let day = match (year, rest.as_deref()) {
        (Some(year), Some([])) => Date::new(year, 1, 1).ok(),
        (Some(year), Some([month])) => Date::new(year, *month, 1).ok(),
        (Some(year), Some([month, day])) => Date::new(year, *month, *day).ok(),
        _ => None,
    };
    day.ok_or_else(|| Error::usage(format!("{typed:?} is no day"), "write 2014-05-03, 2014-05 or 2014"))
}

/// The same, as the day that they end with.
fn last_day(typed: &str) -> Result<Date> {
    let first = first_day(typed)?;
    Ok(match typed.matches('-').count() {
        0 => first.last_of_year(),
        1 => first.last_of_month(),
        _ => first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn years_and_months_are_spans() {
        assert_eq!(
            (first_day("2014").unwrap(), last_day("2014").unwrap()),
            (date(2014, 1, 1), date(2014, 12, 31))
        );
        assert_eq!(last_day("2016-02").unwrap(), date(2016, 2, 29));
        assert_eq!(last_day("2016-02-03").unwrap(), date(2016, 2, 3));
        for typed in ["", "may", "14", "2014-13", "2014-262", "2014-02-30", "2014-1-1-1"] {
            assert!(first_day(typed).is_err(), "{typed}");
        }
    }
}
