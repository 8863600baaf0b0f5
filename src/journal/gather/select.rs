//! What is taken: files by `--glob`, entries by day and by tag.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;

use crate::base::{Error, Result};
use crate::journal::entry::Draft;
use crate::journal::options::Options;
use crate::journal::source::place::whole_path;

/// What a person asked for, ready to be asked of files and entries.
#[derive(Debug)]
pub struct Select {
    /// In the order given, with whether a fit takes or leaves.
    globs: Vec<(GlobMatcher, bool)>,
    since: Option<Date>,
    until: Option<Date>,
    tags: Vec<String>,
    exclude_tags: Vec<String>,
    /// What is the writer's whole, as canonical paths.
    mine: Vec<PathBuf>,
}

impl Select {
    /// Reads the patterns.
    ///
    /// # Errors
    /// One that is no pattern; a span that ends before it begins; a `--mine` that does not exist.
    pub fn new(options: &Options) -> Result<Select> {
        let mut globs = Vec::new();
        for pattern in &options.globs {
            let (takes, bare) = match pattern.strip_prefix('!') {
                Some(rest) => (false, rest),
                None => (true, pattern.as_str()),
            };
            let bare = bare.trim_end_matches('/');
            // As in ripgrep: a name fits at any depth, a path from the top; a folder fits with all that it holds.
            let anchored = match bare.strip_prefix('/') {
                Some(rest) => rest.to_string(),
                None if bare.contains('/') => bare.to_string(),
                None => format!("**/{bare}"),
            };
            for glob in [anchored.clone(), anchored + "/**"] {
                let built = GlobBuilder::new(&glob).literal_separator(true).build().map_err(|e| {
                    Error::usage(
                        format!("--glob {pattern}: {}", e.kind()),
                        "use a pattern such as '*.md' or '!drafts/**'",
                    )
                })?;
                globs.push((built.compile_matcher(), takes));
            }
        }
        if let (Some(since), Some(until)) = (options.since, options.until)
            && since > until
        {
            return Err(Error::usage(
                format!("--since {since} is later than --until {until}: no day lies between them"),
                "exchange them",
            ));
        }
        let folded = |tags: &[String]| tags.iter().map(|tag| fold(tag)).collect();
        let mine =
            options.mine.iter().map(|path| whole_path(path).map_err(Error::io("find the --mine", path)));
        Ok(Select {
            mine: mine.collect::<Result<_>>()?,
            globs,
            since: options.since,
            until: options.until,
            tags: folded(&options.tags),
            exclude_tags: folded(&options.exclude_tags),
        })
    }

    /// Whether a file is taken; `relative` is its path below the PATH that was given.
    pub fn takes_file(&self, relative: &Path) -> bool {
        let decided = self.globs.iter().rev().find(|(glob, _)| glob.is_match(relative));
        // Where only exclusions are given, everything else is taken.
        decided.map_or_else(|| self.globs.iter().all(|(_, takes)| !takes), |(_, takes)| *takes)
    }

    /// Whether a file, by its whole path, is the writer's whole because they say so.
    pub fn is_mine(&self, path: &Path) -> bool {
        !self.mine.is_empty()
            && whole_path(path).is_ok_and(|path| self.mine.iter().any(|mine| path.starts_with(mine)))
    }

    /// Whether a folder, a zip or a link is left out itself, with all that it holds: by a `!`, and not for want of a fit.
    pub fn refuses(&self, relative: &Path) -> bool {
        let decided = self.globs.iter().rev().find(|(glob, _)| glob.is_match(relative));
        decided.is_some_and(|(_, takes)| !takes)
    }

    /// Why an entry is not taken, as a phrase; none where it is.
    pub fn leaves(&self, draft: &Draft) -> Option<&'static str> {
        if self.since.is_some() || self.until.is_some() {
            let Some(when) = draft.when else { return Some("undated entries, outside --since and --until") };
            if self.since.is_some_and(|since| when.day < since)
                || self.until.is_some_and(|until| when.day > until)
            {
                return Some("entries outside --since and --until");
            }
        }
        let has = |wanted: &[String]| wanted.iter().any(|tag| has_tag(draft, tag));
        if !self.tags.is_empty() && !has(&self.tags) {
            return Some("entries without a --tag");
        }
        has(&self.exclude_tags).then_some("entries with an --exclude-tag")
    }
}

fn fold(tag: &str) -> String {
    tag.trim().trim_start_matches(['#', '@']).to_lowercase()
}

/// Whether an entry has a tag: one that its app keeps, or `#tag` (in jrnl `@tag`) in its text. `work` fits `#work/late`
/// too, as nested tags are written.
fn has_tag(draft: &Draft, wanted: &str) -> bool {
    let fits = |tag: &str| {
        let tag = fold(tag);
        tag == wanted || tag.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
    };
    let inline = |text: &str| {
        let marked = text.split_whitespace().filter(|word| word.starts_with('#') && word.len() > 1);
        marked.map(|word| word.trim_end_matches(|c: char| !c.is_alphanumeric())).any(fits)
    };
    draft.tags.iter().any(|tag| fits(tag)) || inline(&draft.text) || inline(&draft.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::entry::When;
    use jiff::civil::date;

    fn takes(globs: &[&str], path: &str) -> bool {
        let options = Options { globs: globs.iter().map(|g| g.to_string()).collect(), ..Options::default() };
        Select::new(&options).unwrap().takes_file(Path::new(path))
    }

    #[test]
    fn globs_as_in_ripgrep() {
        assert!(takes(&[], "a/b.txt"));
        assert!(takes(&["*.md"], "a/b.md"));
        assert!(!takes(&["*.md"], "a/b.txt"));
        assert!(!takes(&["!private"], "a/private/b.md"));
        let options = Options { globs: vec!["*.md".into(), "!old.zip".into()], ..Options::default() };
        let select = Select::new(&options).unwrap();
        assert!(select.refuses(Path::new("a/old.zip")) && !select.refuses(Path::new("a/new.zip")));
        assert!(!takes(&["!private/"], "private/b.md"));
        assert!(takes(&["!private"], "a/b.md"));
        assert!(takes(&["notes/*.md"], "notes/b.md") && !takes(&["notes/*.md"], "x/notes/b.md"));
        assert!(takes(&["notes"], "notes/deep/b.md"));
        assert!(takes(&["!*.md", "keep.md"], "a/keep.md") && !takes(&["keep.md", "!*.md"], "a/keep.md"));
        let bad = Options { globs: vec!["a[".into()], ..Options::default() };
        assert!(Select::new(&bad).unwrap_err().to_string().contains("--glob a["));
    }

    #[test]
    fn days_and_tags() {
        let leaves = |options: Options, draft: &Draft| Select::new(&options).unwrap().leaves(draft).is_some();
        let tags = |tags: &[&str]| tags.iter().map(|t| t.to_string()).collect::<Vec<_>>();
        let draft = Draft {
            when: Some(When::day(date(2020, 5, 5))),
            text: "A walk, #Wet/very.".into(),
            tags: tags(&["Garden"]),
            ..Draft::default()
        };
        let since = |y| Options { since: Some(date(y, 5, 5)), ..Options::default() };
        assert!(!leaves(since(2020), &draft) && leaves(since(2021), &draft));
        assert!(leaves(since(2020), &Draft::default()));
        let with = |list: &[&str]| Options { tags: tags(list), ..Options::default() };
        assert!(!leaves(with(&["garden"]), &draft) && !leaves(with(&["#wet"]), &draft));
        assert!(leaves(with(&["we"]), &draft) && leaves(with(&["walk"]), &draft));
        let without = Options { exclude_tags: tags(&["wet/very"]), ..Options::default() };
        assert!(leaves(without, &draft));
    }
}
