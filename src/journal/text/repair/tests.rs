//! Damage of every kind, and sound text that looks like it.

use proptest::prelude::*;

use super::sequence::{Sequence, Verdict};
use super::*;
use crate::journal::text::mac_roman::{MAC, WESTERN, character};

fn fixed(text: &str) -> String {
    repair(text).text.into_owned()
}

fn stays(text: &str) {
    assert!(matches!(repair(text).text, Cow::Borrowed(_)), "{text} -> {}", fixed(text));
}

/// Text as it looks when its UTF-8 is read in another encoding.
fn as_western(text: &str) -> String {
    text.bytes().map(|byte| character(byte, &WESTERN)).collect()
}

fn as_latin1(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

fn as_mac(text: &str) -> String {
    text.bytes().map(|byte| character(byte, &MAC)).collect()
}

const GOOD: [&str; 25] = [
    "Astăzi am mers în pădure și am văzut o vulpe; ț, Ș, țară. Îmi place.",
    "I don’t know — she said “no”… It cost £5, and it was 30° outside. We had café au lait.",
    "Über die Straße ging das Mädchen, müde und fröhlich: „schöne Grüße“. Ärger gab’s keinen. Öl, Äpfel.",
    "Noël à Paris, où l’été n’est jamais loin. « Ça va ? » École fermée ; œuvre, cœur. À bientôt !",
    "El niño comió mañana en Málaga. ¿Qué más? ¡Sí! Ángel y Óscar fueron a Ávila. Él no sabía.",
    "São Paulo não é longe; coração, amanhã. Às vezes, à noite, o avô e a avó. NÃO SEI. É só isso.",
    "Però la città è più bella così; perché no? È vero. L’università.",
    "Smørrebrød på Ærø, også i Århus. Åse går hjem. Ørnen flyver.",
    "Dziś poszedłem do lasu i widziałem lisa, był rudy. Żółw też. Łódź, świat, ćma. „Źle”.",
    "Dnes jsem šel do lesa a viděl lišku. Byla žlutá a řvala, že ji někdo ruší. Čeština, Šárka.",
    "Tegnap az erdőbe mentem, és láttam egy rókát. Gyönyörű volt, hűvös idő. Őz és űr.",
    "Dün ormana gittim ve bir tilki gördüm. Çok güzeldi, şimdi ağlıyorum. İstanbul, ığdır.",
    "Hôm qua tôi đi vào rừng và thấy một con cáo. Nó rất đẹp, tiếng Việt khó lắm. Người ở đâu?",
    "Сегодня я ходил в лес и видел лису. «Она была рыжая», — сказал я. Ёжик и щука; не в нём.",
    "Сьогодні я ходив у ліс і бачив лисицю. Її ґудзик, їжак, є.",
    "Σήμερα πήγα στο δάσος και είδα μια αλεπού. Ήταν όμορφη· ο ήλιος.",
    "היום הלכתי ליער וראיתי שועל. הוא היה יפה מאוד.",
    "ذهبت اليوم إلى الغابة ورأيت ثعلباً. كان جميلاً جداً، والشمس مشرقة.",
    "आज मैं जंगल गया और एक लोमड़ी देखी। वह बहुत सुंदर थी।",
    "วันนี้ฉันไปป่าและเห็นสุนัขจิ้งจอก มันสวยมาก",
    "今天我去了森林，看见一只狐狸。它站在那里，“一动不动”。",
    "今日は森へ行って、きつねを見ました。とてもきれいでした！「はい」",
    "오늘은 숲에 가서 여우를 보았다. 아주 예뻤다. 그래서 기뻤다.",
    "Happy 😀 days 👩‍👩‍👧 and ❤️ — 🇩🇪 ✓ → ½ © 2020™ 5 €",
    "Cafe\u{301} en e\u{301}te\u{301}, un re\u{302}ve de Noe\u{308}l.",
];

#[test]
fn sound_text_stays() {
    GOOD.iter().for_each(|text| stays(text));
    for text in [
        "“CAFÉ”",
        "„BÖ“",
        "SÃO",
        "“IRMÔ",
        "“IRMÃ”, disse.",
        "IRMû",
        "«IRMû",
        "naïve—",
        "Ã",
        "Ã… não, Ã” e NÃO… SÃ‰",
        "„Å“ und „Å“, Å’s",
        "Â",
        "CHÂTEAU",
        "PÂTÉ…",
        "«liberté»…mais",
        "«\u{a0}liberté\u{a0}» et «\u{a0}été\u{a0}»",
        "« là\u{a0}»",
        "«está»…",
        "ESTÁ…",
        "Ä…",
        "Å”",
        "l’été d’été “Émile” ‘à’",
        "5 Å² and 3 m²",
        "√π and √2, x√π",
        "¬p",
        "‚Ägypten‘ und ‚Öl‘",
        "«École»",
        "–é—ü",
        "Đà Nẵng “ồ”…",
        "É‘",
        "â€ and Ã alone",
        "¿Qué? ¿Sí?",
        "no¿verdad?",
        "qué¿sabes",
        "a\u{2028}b\u{a0}c\td",
        "می\u{200c}خواهم",
        "\u{200e}a\u{202a}b\u{202c}\u{2066}c\u{2069}",
        "e\u{301}é",
        "“É un …”",
    ] {
        stays(text);
    }
}

#[test]
fn mojibake_is_put_right() {
    for (bad, good) in [
        ("donâ€™t", "don’t"),
        ("cafÃ©", "café"),
        ("Ã¢â‚¬â„¢", "’"),
        ("Â£5 Â\u{a0}x", "£5 \u{a0}x"),
        ("ðŸ˜€", "😀"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("don‚Äôt caf√©, √âcole", "don’t café, École"),
        ("â€œyes,â€\u{9d} â€œnoâ€ she", "“yes,” “no” she"),
        ("â€œnoâ€.", "“no”."),
        ("â€œnoÃ¢â‚¬Â she", "“no” she"),
        ("Ã¢Â€Â™", "’"),
        ("voilÃ\u{a0}", "voilà"),
        ("StraÃŸe", "Straße"),
        ("Ã‰cole fermÃ©e", "École fermée"),
        ("Ãœber, Ã–l, «Ã‡a», Ã„rger… Ã–sterreich’s", "Über, Öl, «Ça», Ärger… Österreich’s"),
        ("Ã‰ verdade. Ãˆ vero. Ã‰TÃ", "É verdade. È vero. ÉTÃ"),
        ("Å“uvre d’art", "œuvre d’art"),
        ("ï»¿First", "First"),
        ("\u{f8ff}üòÄ", "😀"),
        ("it was cafÃ© and “CAFÉ”", "it was café and “CAFÉ”"),
        ("LÃ³pez y Ã³", "López y ó"),
    ] {
        assert_eq!(fixed(bad), good, "{bad}");
    }
    assert_eq!(repair("cafÃ© donâ€™t").mojibake, 2);
    assert_eq!(repair("a\nï¿½ b\n\nc\u{fffd}").beyond_repair, [1, 3]);
    assert_eq!(repair(&"\u{fffd}\n".repeat(200)).beyond_repair.len(), 100);
}

#[test]
fn sentences_of_many_languages_come_back() {
    for good in GOOD {
        let [western, latin1] = [as_western(good), as_latin1(good)];
        for bad in [&western, &latin1, &as_western(&western), &as_latin1(&latin1), &as_western(&latin1)] {
            assert_eq!(fixed(bad), good, "{bad}");
        }
        assert_eq!(fixed(&as_western(&as_western(&western))), good, "three times");
        let beside = format!("{western} — “{}”", "Ça, c’est naïf");
        assert!(fixed(&beside).ends_with(" — “Ça, c’est naïf”"));
        // In Mac Roman a Romanian ș is `»ô`, as a quotation may close before a letter.
        if !good.contains('ș') {
            assert_eq!(fixed(&as_mac(good)), good);
        }
    }
}

#[test]
fn apostrophes() {
    for (bad, good) in [
        ("can¿t", "can’t"),
        ("I¿m sure it's", "I'm sure it's"),
        ("WE¿RE it's we’ll", "WE’RE it's we’ll"),
        ("they¿d, he¿ll. you¿ve", "they’d, he’ll. you’ve"),
    ] {
        assert_eq!(fixed(bad), good);
    }
    assert_eq!(repair("can¿t won¿t").apostrophes, 2);
}

#[test]
fn invisible_characters() {
    let repaired = repair("\u{feff}so\u{ad}me\u{200b}thing\u{2060}");
    assert_eq!((&*repaired.text, repaired.invisible), ("something", 4));
}

fn pieces() -> impl Strategy<Value = String> {
    let good = prop::sample::select(GOOD.to_vec());
    let piece = (good, 0..5_usize, 0..60_usize, 1..40_usize).prop_map(|(text, how, from, length)| {
        let text: String = text.chars().skip(from).take(length).collect();
        match how {
            0 => text,
            1 => as_western(&text),
            2 => as_latin1(&text),
            3 => as_mac(&text),
            _ => as_western(&as_latin1(&text)),
        }
    });
    let signs = "[ÃÂâ€™œ”\u{80}-\u{ff}‚Ä√¬¿st \u{200b}\u{fffd}é…–A-Ca-c\u{f8ff}≈ƒ]{0,12}";
    prop::collection::vec(prop_oneof![piece, signs.prop_map(String::from), any::<String>()], 0..6)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_repair_leaves_nothing_to_repair(text in pieces()) {
        let once = fixed(&text);
        prop_assert_eq!(fixed(&once), once);
    }

    #[test]
    fn the_quick_look_passes_over_no_damage(text in pieces()) {
        for (at, c) in text.char_indices() {
            let before = text[..at].chars().next_back();
            let certain = Sequence::at(&text, at).any(|sequence| sequence.verdict(before) == Verdict::Certain);
            if certain || "\u{200b}\u{2060}\u{feff}\u{ad}¿\u{fffd}".contains(c) {
                prop_assert_eq!(suspects::next(text.as_bytes(), at), Some(at), "{}", &text[at..]);
            }
        }
    }
}

#[test]
fn nuls_go_and_are_counted() {
    let repaired = repair("Rain\0 all day.\n\0\0\0");
    assert_eq!((repaired.text.as_ref(), repaired.controls), ("Rain all day.\n", 4));
}
