//! Marks in, words out.

use proptest::prelude::*;

use super::*;
use crate::journal::testing::Collected;

fn clean(text: &str) -> String {
    let mut markup = Markup::new(text);
    let mut sink = Collected::default();
    markup.comments(&mut sink);
    markup.links(&mut sink);
    markup.finish().text
}

#[test]
fn links_leave_their_labels() {
    for (text, left) in [
        ("see [the *fog*](https://a.b/c_(d) \"x\") now", "see the *fog* now"),
        ("[a](<b c>) [d]() [e](  /f  )", "a d e"),
        ("[a `]` b](/c)", "a `]` b"),
        ("[one [two](/b) three](/c)", "[one two three](/c)"),
        ("[one][r], [r][], [R] and [none]\n\n[r]: https://x.y 'z'\n", "one, r, R and [none]\n\n"),
        ("[r]: hello there\n[^1]: http://a.b\n[^1]", "[r]: hello there\n[^1]: http://a.b\n[^1]"),
        ("[laughs](quietly) [ ] [x](see you.) [x]", "[laughs](quietly) [ ] [x](see you.) [x]"),
        ("<https://a.b/[c](/d)> https://e.f", "<https://a.b/[c](/d)> https://e.f"),
        ("\\[a](/b) ¯\\_(ツ)_/¯ <3 &amp;", "\\[a](/b) ¯\\_(ツ)_/¯ <3 &amp;"),
        ("[Mood]: 7/10\n[tags]: #rain\n[mood]", "[Mood]: 7/10\n[tags]: #rain\n[mood]"),
        ("[a][r] [s][]\n\n[R]: b/c\n[s]: #d\n[t]: e/f", "a s\n\n[t]: e/f"),
        ("[me](he/him) [fat](50%) [out](3.5) [at](9:15)", "[me](he/him) [fat](50%) [out](3.5) [at](9:15)"),
        (
            "[a](1.5/b.md) [c](b%20d) [e](x:f) [g](#h) [i](../j) [k](:/0a1b) [l](tel:1) [m](n.org)",
            "a c [e](x:f) g i k l m",
        ),
        ("[a\n\nb](/c)", "[a\n\nb](/c)"),
        ("[a](/b", "[a](/b"),
        ("[[page]] [[a b|c]] [[a#b]] [[#b]] [[a#^id]] #[[two words]]", "page c a > b b a #two words"),
        ("[[ -f x ]] [[]] [[a", "[[ -f x ]] [[]] [[a"),
        ("[x]([[page]]) [y](((0a1b)))", "x y"),
    ] {
        assert_eq!(clean(text), left, "{text}");
    }
}

#[test]
fn pictures_leave_captions() {
    for (text, left) in [
        ("a ![](x.jpg) b", "a b"),
        ("a\n\n![IMG_2034.jpg](x.jpg)\n\nb", "a\n\nb"),
        ("a\n![](x.jpg)\nb", "a\nb"),
        ("- ![](x.jpg)\n- b", "- b"),
        ("![A heron|300](x.jpg){:height 3, :width 4}", "A heron"),
        ("![Untitled](a/Untitled%201.png)![heron](a/heron.png)end", "end"),
        ("![](my photo (2).jpg) ![](my photo.jpg)", "![](my photo (2).jpg)"),
        ("[![alt](a.png)](https://a.b)", ""),
        ("![The heron](a.png)\n\nThe heron\n", "The heron\n"),
        ("![[a.png]] ![[b.png|200]] ![[note#x]] ![[c.png|My cat]]", "My cat"),
        ("![a [b](/c) d](e.png)", "a [b](/c) d"),
        ("![a.png][r]\n\n[r]: a.png", ""),
        ("wow![not this]", "wow![not this]"),
    ] {
        assert_eq!(clean(text).trim_end(), left.trim_end(), "{text}");
    }
}

#[test]
fn comments_go() {
    for (text, left) in [
        ("a %%b%% c", "a c"),
        ("a\n%%\nb\n\nc\n%%\nd", "a\nd"),
        ("100%% sure, 50%% not", "100%% sure, 50%% not"),
        ("open %% end", "open %% end"),
        ("I paid %% more.\n\nTwo.\n\nAgain %% there.", "I paid %% more.\n\nTwo.\n\nAgain %% there."),
        ("so %% it\nis %% so\n\n%%\nd\n\ne\n%%", "so %% it\nis %% so\n\n"),
        ("a %%b\nc%%\nd %% e\n\nf %%", "a\nd %% e\n\nf %%"),
        ("`%%a%%` %%[b](/c)%% [d](/e)", "`%%a%%` d"),
    ] {
        assert_eq!(clean(text), left, "{text}");
    }
}

#[test]
fn code_is_code() {
    for text in [
        "`[a](/b)` ``[a]`(/b)`` \\``[a](/b)`",
        "```\n[a](/b)\n%%c%%\n```",
        "> ~~~ x\n> ![](a)\n> ~~~",
        "```\n![](a)\n\n![](b)",
        "- ```\n  [[a]]\n  ```",
    ] {
        assert_eq!(clean(text), text);
    }
    assert_eq!(clean("` [a](/b)\n\n`"), "` a\n\n`");
}

#[test]
fn lines_are_remembered() {
    let mut markup = Markup::new("1\n%%\n3\n%%\n5\n\n![](x)\n\n9\n[a](/b\n) 11");
    markup.comments(&mut Collected::default());
    markup.links(&mut Collected::default());
    let cleaned = markup.finish();
    assert_eq!(cleaned.text, "1\n5\n\n9\na 11");
    let lines: Vec<usize> = (1..=5).map(|line| cleaned.original_line(line)).collect();
    assert_eq!(lines, [1, 5, 6, 9, 10]);
}

#[test]
fn what_goes_is_shown() {
    let mut sink = Collected::default();
    let mut markup = Markup::new("[a](/b) ![c d](e) [[f|g]]");
    markup.links(&mut sink);
    let shown: Vec<_> = sink.changed.iter().map(|(w, b, a)| (*w, b.as_str(), a.as_str())).collect();
    let want = [
        ("link addresses", "[a](/b)", "a"),
        ("photo links", "![c d](e)", "c d"),
        ("wiki link targets", "[[f|g]]", "g"),
    ];
    assert_eq!(shown, want);
}

#[test]
fn escapes_are_undone() {
    let mut sink = Collected::default();
    let text = "1\\. a\\-b \\(c\\) \\\\ d\\e &eacute;&#39;&#x2014; &notit; &; \\&lt; `\\.&lt;` AT&T\\";
    assert_eq!(unescape(text, &mut sink), "1. a-b (c) \\ d\\e é'— &notit; &; &lt; `\\.&lt;` AT&T\\");
    assert_eq!((sink.changed.len(), sink.left_out), (1, vec![("escape marks", 8)]));
}

#[test]
fn any_length_takes_its_time_and_no_more() {
    for part in [
        "[", "![", "[[", "[a](", "[a](b \"", "[a](<", "`", "``a`", "%%", "<a:", "![[a", "]", "[a][", "\\`",
        "&a", "> [", "[a]:",
    ] {
        let text = part.repeat(200_000 / part.len());
        clean(&text);
        unescape(&text, &mut Collected::default());
    }
    clean(&("![".repeat(50_000) + &"](a)".repeat(50_000)));
    let runs: String = (1..600).map(|n| "`".repeat(n) + " ").collect();
    clean(&runs);
}

proptest! {
    #[test]
    fn nothing_panics(text in "([\\[\\]!()`%|#^<>\\\\\"' \n:./~&;{}]|a|é|%%|\\[\\[|\\]\\]|\\]\\(|```\n){0,60}") {
        clean(&text);
        unescape(&text, &mut Collected::default());
    }

    #[test]
    fn words_without_marks_stay(text in "[a-zé .,*_\n#+-]{0,80}") {
        prop_assert_eq!(clean(&text), text);
    }
}
