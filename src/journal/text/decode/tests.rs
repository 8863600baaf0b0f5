//! Files in many encodings, whole and damaged, in pieces of any size.

use std::io::BufReader;

use proptest::prelude::*;

use super::*;

fn name(bytes: &[u8]) -> String {
    detect(bytes).map_or_else(|e| e, |encoding| encoding.name().to_string())
}

fn text(bytes: &[u8]) -> String {
    read_in(bytes, 1 << 16, 1 << 16)
}

/// The text, read in small pieces.
fn read_in(bytes: &[u8], from: usize, to: usize) -> String {
    let encoding = detect(bytes).unwrap();
    let mut decoder = Decoder::new(BufReader::with_capacity(from, bytes), encoding);
    let (mut out, mut buffer) = (Vec::new(), vec![0; to]);
    loop {
        match decoder.read(&mut buffer).unwrap() {
            0 => return String::from_utf8(out).unwrap(),
            count => out.extend(&buffer[..count]),
        }
    }
}

fn encoded(label: &str, text: &str) -> Vec<u8> {
    let (bytes, _, lost) = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(text);
    assert!(!lost, "{label}: {text}");
    bytes.into_owned()
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

const ENGLISH: &str =
    "We went down to the café, and she said “no” — I don’t know why. It cost £5.\r\nThen home.\r\n";
const GERMAN: &str = "Schöne Grüße aus Köln. Über die Straße ging das Mädchen, müde und fröhlich.\n";
const FRENCH: &str = "Noël à Paris : l’été n’est jamais loin, déjà vu. Où est-il allé ? À la fenêtre.\n";
const RUSSIAN: &str = "Сегодня я ходил в лес и видел лису. Она была рыжая.\n";
const GREEK: &str = "Σήμερα πήγα στο δάσος και είδα μια αλεπού.\n";
const CHINESE: &str = "今天我去了森林，看见一只狐狸。它站在那里，一动不动。\n第二天又下雨了。\n";
const JAPANESE: &str = "今日は森へ行って、きつねを見ました。とてもきれいでした。\n";

#[test]
fn unicode_with_and_without_a_mark() {
    for sample in
        [ENGLISH, GERMAN, FRENCH, RUSSIAN, GREEK, CHINESE, JAPANESE, "a", "hello there\n", "😀 ok\n"]
    {
        let lines = sample.replace("\r\n", "\n");
        let marked = format!("\u{feff}{sample}");
        let utf32 = |big: bool| -> Vec<u8> {
            let bytes = |c: char| if big { u32::from(c).to_be_bytes() } else { u32::from(c).to_le_bytes() };
            marked.chars().flat_map(bytes).collect()
        };
        for (expected, bytes) in [
            ("UTF-8", sample.as_bytes().to_vec()),
            ("UTF-8", marked.as_bytes().to_vec()),
            ("UTF-16LE", utf16(&marked, false)),
            ("UTF-16BE", utf16(&marked, true)),
            ("UTF-16LE", utf16(&format!("{sample}\n"), false)),
            ("UTF-16BE", utf16(&format!("{sample}\n"), true)),
            ("UTF-32LE", utf32(false)),
            ("UTF-32BE", utf32(true)),
        ] {
            assert_eq!(name(&bytes), expected, "{sample}");
            assert_eq!(text(&bytes).trim_end(), lines.trim_end());
            assert_eq!(read_in(&bytes, 1, 1).trim_end(), lines.trim_end());
            assert_eq!(read_in(&bytes, 7, 3).trim_end(), lines.trim_end());
        }
    }
}

#[test]
fn old_encodings() {
    for (label, expected, sample) in [
        ("windows-1252", "windows-1252", ENGLISH),
        ("windows-1252", "windows-1252", GERMAN),
        ("windows-1252", "windows-1252", FRENCH),
        ("windows-1252", "windows-1252", "I don’t know.\n"),
        ("windows-1252", "windows-1252", "Only a café.\n"),
        (
            "windows-1252",
            "windows-1252",
            "I measured 5 µm of it, ±5 or so, see † and ¶ 3 · after a long day in the lab with Tom and all the others. Wie geht´s? So long, and so to bed; the 1ª vez at nº 3 was the worst of all the days so far, and the next was better by a little only.\n",
        ),
        ("windows-1252", "windows-1252", "Lunch with Tom £7\n"),
        ("windows-1252", "windows-1252", "It was 20 ±5 of them ¶ 3.\n"),
        ("windows-1252", "windows-1252", "20±5 µ3 ¶2 ·4"),
        ("windows-1252", "windows-1252", "naïve of me to go.\n"),
        ("windows-1252", "windows-1252", "The château was closed.\n"),
        ("windows-1252", "windows-1252", "Tromsø it is"),
        ("windows-1257", "windows-1257", "Labrīt, mīļā.\n"),
        ("windows-1252", "windows-1252", "El niño comió mañana en Málaga. ¿Qué más?\n"),
        ("windows-1252", "windows-1252", "São Paulo não é longe; coração, amanhã.\n"),
        ("windows-1251", "windows-1251", RUSSIAN),
        ("koi8-r", "KOI8-U", RUSSIAN),
        ("windows-1253", "windows-1253", GREEK),
        ("windows-1250", "windows-1250", "Dziś poszedłem do lasu i widziałem lisa, był rudy. Żółw też.\n"),
        (
            "windows-1250",
            "windows-1250",
            "Dnes jsem šel do lesa a viděl lišku. Byla žlutá a řvala, že ji někdo ruší.\n",
        ),
        ("gbk", "GBK", CHINESE),
        ("big5", "Big5", "今天我去了森林，看見一隻狐狸。\n"),
        ("shift_jis", "Shift_JIS", JAPANESE),
        ("euc-jp", "EUC-JP", JAPANESE),
        ("iso-2022-jp", "ISO-2022-JP", JAPANESE),
        ("euc-kr", "EUC-KR", "오늘은 숲에 가서 여우를 보았다. 아주 예뻤다.\n"),
        ("macintosh", "Mac Roman", ENGLISH),
        ("macintosh", "Mac Roman", GERMAN),
        ("macintosh", "Mac Roman", FRENCH),
        ("macintosh", "Mac Roman", "I don’t know.\r"),
        ("macintosh", "Mac Roman", "Only a café.\r"),
    ] {
        let bytes = match label {
            "macintosh" => in_mac(sample),
            _ => encoded(label, sample),
        };
        assert_eq!(name(&bytes), expected, "{label}: {sample}");
        assert_eq!(text(&bytes), sample.replace("\r\n", "\n").replace('\r', "\n"));
    }
}

fn in_mac(text: &str) -> Vec<u8> {
    let upper = &crate::journal::text::mac_roman::MAC;
    text.chars().map(|c| upper.iter().position(|&m| m == c).map_or(c as u8, |at| at as u8 + 0x80)).collect()
}

#[test]
fn one_letter_far_into_a_long_file() {
    let mut bytes = b"Nothing much today. ".repeat(50_000);
    bytes.extend(b"caf\xE9\n");
    assert_eq!(name(&bytes), "windows-1252");
    assert!(text(&bytes).ends_with("café\n"));
    let mut bytes = "Nichts für heute. ".repeat(50_000).into_bytes();
    bytes.extend(b"\xC3 und \xFF\n");
    assert_eq!(name(&bytes), "UTF-8");
    assert!(text(&bytes).ends_with("\u{fffd} und \u{fffd}\n"));
}

#[test]
fn damaged_utf8_stays_utf8() {
    for bytes in [
        &b"caf\xC3\xA9, na\xC3\xAFve, \xC3\xA9t\xC3\xA9, d\xC3\xA9j\xC3 vu"[..],
        b"don\xE2\x80\x99t, can\xE2\x80t",
    ] {
        assert_eq!(name(bytes), "UTF-8");
        assert_eq!(text(bytes).matches('\u{fffd}').count(), 1);
    }
    let encoding = detect(&b"caf\xC3\xA9 \xC3\xA9t\xC3\xA9 \xC3\xA0 la \xC3"[..]).unwrap();
    assert!(encoding.is_utf8());
}

#[test]
fn files_of_two_encodings() {
    let mut bytes = FRENCH.repeat(20).into_bytes();
    bytes.extend(encoded("windows-1252", &FRENCH.repeat(5)));
    assert_eq!(name(&bytes), "UTF-8 and windows-1252, mixed");
    assert_eq!(text(&bytes), FRENCH.repeat(25));
    assert_eq!(read_in(&bytes, 1, 1), FRENCH.repeat(25));
}

#[test]
fn one_byte_of_another_encoding() {
    for (bytes, read) in [
        (
            &b"Caf\xC3\xA9 \xE2\x80\x94 fine.\nThen the caf\xE9 closed.\n"[..],
            "Café — fine.\nThen the café closed.\n",
        ),
        (b"D\xC3\xA9j\xC3\xA0 \xC3\xA9t\xC3\xA9. Il va \xE0 Paris.", "Déjà été. Il va à Paris."),
        (b"Caf\xC3\xA9 \xE2\x80\x94 \xE2\x80\x94 s\xED, n\xBA 3.", "Café — — sí, nº 3."),
        (b"Caf\xC3\xA9 \xE2\x80\x94 \xE2\x80\x94 30\xB0C, 5 \xB5m.", "Café — — 30°C, 5 µm."),
        (b"Caf\xC3\xA9 \xE2\x80\x94 \xE2\x80\x94 \xABSi\xBB.", "Café — — «Si»."),
        (b"It\xE2\x80\x99s \xA35, isn\x92t it\xE2\x80\xA6", "It’s £5, isn’t it…"),
    ] {
        assert_eq!(text(bytes), read);
        assert_eq!(read_in(bytes, 1, 1), read);
    }
    // What may have lost its other half is damage.
    assert_eq!(text(b"Caf\xC3\xA9, \xC3\xA9t\xC3\xA9, n\xC3\xA9, voil\xA0."), "Café, été, né, voil\u{fffd}.");
    for (bytes, read) in [
        (
            &b"Caf\xC3\xA9 \xE2\x80\x94 \xE2\x80\x94 then \xA9t\xA9 came."[..],
            "Café — — then \u{fffd}t\u{fffd} came.",
        ),
        (b"Caf\xC3\xA9 \xE2\x80\x94 \x89t\xC3\xA9.", "Café — \u{fffd}té."),
    ] {
        assert_eq!(text(bytes), read);
    }
}

#[test]
fn declarations_are_honoured_where_the_bytes_are_not_utf8() {
    let meta = b"<html><head><META HTTP-EQUIV=\"Content-Type\" content=\"text/html; charset=windows-1251\"></head>\xCB\xE5\xF1";
    assert_eq!(name(meta), "windows-1251");
    assert!(text(meta).ends_with("Лес"));
    assert_eq!(name(b"<meta charset=iso-8859-2><p>\xB1"), "ISO-8859-2");
    assert_eq!(name(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>"), "windows-1252");
    assert_eq!(name(b"<?xml version='1.0' encoding='koi8-r'?><a>plain</a>"), "UTF-8");
    assert_eq!(name("<?xml version='1.0' encoding='koi8-r'?><a>é</a>".as_bytes()), "UTF-8");
    assert_eq!(name(b"<?xml version='1.0' encoding='UTF-16'?><a>caf\xE9</a>"), "windows-1252");
    assert_eq!(name(b"my notes on charset=koi8-r caf\xE9"), "windows-1252");
}

#[test]
fn what_is_not_text() {
    assert!(name(b"").contains("empty (0 bytes)"));
    for bytes in [
        &b"hello\0world."[..],
        b"ab\0c",
        b"\0\0\0\0",
        b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0",
        b"\x01\x02\x03\x04\x05\x06",
        "привет\0 мир".as_bytes(),
        b"\xFF\xFE\x00\x01\x03\x00\x01\x00\x02\x00",
    ] {
        assert!(name(bytes).contains("not text"), "{bytes:?}: {}", name(bytes));
    }
    // A NUL here and there, and those that a crash leaves at the end, are damage.
    let long = "Fifteen years of words, ".repeat(9);
    assert_eq!(name(format!("{long}\0{long}").as_bytes()), "UTF-8");
    assert_eq!(name(format!("{long}\n{}", "\0".repeat(200_000)).as_bytes()), "UTF-8");
    assert!(name(format!("{long}{}{long}", "\0".repeat(40)).as_bytes()).contains("tr -d"));
    assert_eq!(name(b"a form\x0Cfeed, an end \x1A"), "UTF-8");
    assert_eq!(name("\u{feff}".as_bytes()), "UTF-8");
    assert_eq!(text("\u{feff}".as_bytes()), "");
}

#[test]
fn line_ends_and_halves() {
    assert_eq!(read_in(b"a\r\nb\rc\n\r\n\rd\r", 1, 1), "a\nb\nc\n\n\nd\n");
    let mut bytes = utf16("\u{feff}a b\r\nc", false);
    bytes.extend([0x00, 0xD8, b'd', 0, b'e']);
    let decoded = std::io::read_to_string(Decoder::new(&bytes[..], Encoding::UTF_16LE)).unwrap();
    assert_eq!(decoded, "a b\nc\u{fffd}d\u{fffd}");
}

#[test]
fn heads() {
    assert_eq!(head(&"é".repeat(9).as_bytes()[..17]), format!("{}\u{fffd}", "é".repeat(8)));
    assert_eq!(head(&utf16("\u{feff}date: 1\r\n", true)), "date: 1\n");
    assert_eq!(head(b"caf\xE9\r"), "café\n");
    assert_eq!(head(b"PK\x03\x04\0\xFF"), "PK\u{3}\u{4}\0\u{fffd}");
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(0xC3), Just(0xA9), Just(b'a'), any::<u8>()], 0..80),
        from in 1..9_usize,
        to in 1..9_usize,
    ) {
        let _ = head(&bytes);
        for kind in [Kind::Listed(encoding_rs::UTF_8), Kind::Listed(encoding_rs::UTF_16BE),
            Kind::Listed(encoding_rs::GB18030), Kind::Mixed, Kind::Utf32Le] {
            let whole = std::io::read_to_string(Decoder::new(&bytes[..], Encoding(kind))).unwrap();
            let mut decoder = Decoder::new(BufReader::with_capacity(from, &bytes[..]), Encoding(kind));
            let (mut out, mut buffer) = (Vec::<u8>::new(), vec![0; to]);
            while let count @ 1.. = decoder.read(&mut buffer).unwrap() {
                out.extend(&buffer[..count]);
            }
            prop_assert_eq!(whole.as_bytes(), &out[..]);
            prop_assert!(!whole.contains('\r'));
        }
    }

    #[test]
    fn utf8_is_itself(text in "\\PC{0,60}") {
        prop_assume!(!text.is_empty() && !text.starts_with('\u{feff}'));
        prop_assert_eq!(name(text.as_bytes()), "UTF-8");
        prop_assert_eq!(read_in(text.as_bytes(), 5, 5), text);
    }
}
