//! What may be a password, and what is a word like any other.

use super::seen::{Pass, Seen};

/// Words that stand after "password:" or "the password is" and are none.
const ORDINARY: &str = "a about again all already also always an and another any anything asked at back bad been being below \
    blank bloody better but by called changed clear complete compromised correct dead different done easy empty encrypted \
    enough expired false fine for forgot forgotten from given gone good gotta great happy hard hashed hidden his her \
    hopeless how i if important impossible in incorrect indeed insecure invalid it its just known later like lost love \
    manager me mine missing my necessary needed never new no nobody none not nothing now obvious of off old on one only \
    optional or our out over pending private protected ready really rejected required reset right safe same saved secret \
    secure see set short should simple so some something still strong stupid such supposed taken that the their there \
    these they this those to too true truth unchanged under unique unknown unsafe up updated useless useful valid very wait was weak \
    what when where which who why will with without written wrong yes you your \
    abgelaufen alt aber anders auch auf bei das dass dem den der die doch ein eine einfach ewig falsch für futsch geheim \
    gespeichert gut hier ich im in ist jetzt kein kurz lang leer mein mit nein neu nicht nichts nie noch nötig richtig \
    sicher so unsicher unbekannt vergessen verloren viel weg wichtig wie wieder wo zu \
    au aussi bien bon correcte dans de des du elle en encore est et faux fausse ici il incorrect je la le les mal mais mon \
    ne non nouveau oublié ou où pas perdu plus pour que qui sur toujours tout trop très un une \
    al aquí bien como con correcta correcto de del donde el en es esta este fue incorrecta la las lo los mal muy más nada no \
    nueva olvidada para pero por que segura si siempre simple sin todo una vieja \
    alla che chi con corretta dei del della di dimenticata e ed errata giusta il la le ma molto nel nella non per più qui \
    quella questa sbagliata scaduta sempre sicura \
    aan als altijd bij dat de een en fout goed het hier hij ik is juist kwijt maar met naar niet nieuw nog nu om onbekend \
    ook op te tot van vergeten verkeerd verlopen voor wat weer \
    com como da do errada esquecida está foi mais mas muito nada na no não nova o ou para por que sempre";

/// A value after `password:`. Surely one where it is no bare word, or ends its line or clause.
pub fn after_colon(seen: &Seen) -> Option<Pass> {
    let seen = trimmed(seen)?;
    let value = seen.secret();
    if is_strong(value) {
        return seen.pass();
    }
    let bare = value.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’'));
    if bare && is_ordinary(value) {
        return None;
    }
    seen.sure_if(!bare || is_quoted(&seen) || ends_its_clause(seen.after()))
}

/// A value after `the password is`: surely one where it is no word; possibly one where it is a word in quotes or the clause's last.
pub fn said(seen: &Seen) -> Option<Pass> {
    let seen = trimmed(seen)?;
    let value = seen.secret();
    if is_strong(value) {
        return seen.pass();
    }
    if is_ordinary(value) {
        return None;
    }
    if is_quoted(&seen) {
        return seen.pass();
    }
    if ends_its_clause(seen.after()) { seen.doubt() } else { None }
}

/// A value that only a password looks like: letters with digits or with signs among them.
pub fn strong(seen: &Seen) -> Option<Pass> {
    let seen = trimmed(seen)?;
    seen.pass_if(is_strong(seen.secret()))
}

/// The digits of a PIN or of a door: not all of a longer number, nor a price.
pub fn code(seen: &Seen) -> Option<Pass> {
    let next = seen.after().trim_start_matches(' ');
    let priced = seen.before().ends_with(['$', '£', '€', '¥']) || next.starts_with(['$', '£', '€', '¥', '%']);
    let counts = ["times", "people", "euro", "pounds", "dollars", "Uhr", "mal"]
        .iter()
        .any(|word| next.starts_with(word));
    let dated = seen.after().starts_with(['.', '-', '/', ':', ',']) && {
        seen.after()[1..].starts_with(|c: char| c.is_ascii_digit())
    };
    seen.pass_if(!priced && !counts && !dated)
}

/// A value after `API key` or the like: long, of more than one kind of sign, and with little order in it. Shannon's entropy of its
/// signs has to be at least 3 bits a sign, which hex digits drawn at random reach and words do not.
pub fn random(seen: &Seen) -> Option<Pass> {
    let seen = trimmed(seen)?;
    let value = seen.secret();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let plain_path = value.contains("://") || value.matches('/').count() > 2;
    seen.pass_if(value.len() >= 16 && digits >= 2 && letters >= 2 && !plain_path && entropy(value) >= 3.0)
}

/// Bits a byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|p| -p * p.log2())
        .sum()
}

/// Without the marks of the sentence around it; none where too little is left, or it is an address of a page or a row of stars.
fn trimmed<'a>(seen: &Seen<'a>) -> Option<Seen<'a>> {
    let mut seen = seen.clone();
    let secret = seen.secret();
    let end = secret.trim_end_matches(['.', ',', ';', ':', '?', ')', ']', '}', '>', '\'', '’', '…']).len();
    let start = end - secret[..end].trim_start_matches(['(', '[', '{', '<', '\'', '‘', '*']).len();
    seen.range = seen.range.start + start..seen.range.start + end;
    let value = seen.secret();
    let first = value.chars().next()?;
    let hidden = value.chars().all(|c| c == first);
    let length = value.chars().count();
    let empty = !value.contains(char::is_alphanumeric);
    (!hidden && !empty && (3..=200).contains(&length) && !value.contains("://")).then_some(seen)
}

/// Whether no word looks so: a digit among letters or signs, a sign within, a capital after a small letter. Times, prices and
/// plain numbers are none.
fn is_strong(value: &str) -> bool {
    let inner = value.trim_end_matches(['!', '?', '.', ',', ';', ':']);
    let has = |what: fn(char) -> bool| inner.chars().any(what);
    let letters = has(char::is_alphabetic);
    let digits = inner.chars().filter(char::is_ascii_digit).count();
    let sign = has(|c| c.is_ascii_punctuation() && !matches!(c, '\'' | '-' | '/' | '.' | ',' | ':'));
    let camel = inner.chars().zip(inner.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let ordinal =
        ["1st", "2nd", "3rd"].contains(&inner) || (inner.ends_with("th") && digits + 2 == inner.len());
    let clock = ["am", "pm", "h", "min", "km", "kg", "x", "s"].iter().any(|unit| {
        inner.strip_suffix(unit).is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_alphabetic))
    });
    let price = inner.starts_with(['$', '£', '€']) || inner.ends_with(['$', '£', '€', '%']);
    let long = inner.chars().count() >= 4;
    long && !ordinal
        && !clock
        && !price
        && ((letters && (digits > 0 || sign)) || camel || (digits > 0 && sign) || digits >= 6)
}

fn is_ordinary(value: &str) -> bool {
    let lower = value.to_lowercase();
    let word = lower.trim_matches(|c: char| !c.is_alphanumeric());
    let joined = word.contains(['\'', '’']);
    joined || word.chars().count() < 3 || ORDINARY.split_whitespace().any(|ordinary| ordinary == word)
}

fn is_quoted(seen: &Seen) -> bool {
    seen.before().ends_with(['"', '“', '‘', '\'', '«', '`', '„'])
        && seen.after().starts_with(['"', '”', '’', '\'', '»', '`', '“', '.', ','])
}

fn ends_its_clause(after: &str) -> bool {
    let after = after.trim_start_matches([' ', '\t']);
    after.is_empty() || after.starts_with(['\n', '\r', '.', ',', ';', ')', '!', '"', '”', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(check: fn(&Seen) -> Option<Pass>, text: &str, word: &str) -> Option<bool> {
        let start = text.find(word).unwrap();
        let end = text[start..].find(' ').map_or(text.len(), |n| start + n);
        check(&Seen { text, range: start..end }).map(|pass| !pass.doubtful)
    }

    #[test]
    fn a_password_is_told_from_a_word() {
        assert_eq!(sure(after_colon, "password: hunter2 it is", "hunter2"), Some(true));
        assert_eq!(sure(after_colon, "password: swordfish", "swordfish"), Some(true));
        assert_eq!(sure(after_colon, "password: swordfish swims", "swordfish"), Some(false));
        assert_eq!(sure(after_colon, "password: forgotten", "forgotten"), None);
        assert_eq!(sure(after_colon, "password: ********", "*"), None);
        assert_eq!(sure(said, "the password is wrong.", "wrong"), None);
        assert_eq!(sure(said, "the password is swordfish.", "swordfish"), Some(false));
        assert_eq!(sure(said, "the password is swordfish for fools", "swordfish"), None);
        assert_eq!(sure(said, "the password is Tr0ub4dor&3", "Tr0"), Some(true));
        assert_eq!(sure(strong, "pw 10pm", "10pm"), None);
    }

    #[test]
    fn a_token_has_little_order() {
        assert!(sure(random, "9f86d081884c7d659a2feaa0c55ad015", "9f").is_some());
        assert!(sure(random, "aaaaaaaaaaaaaaaaaaaaaaaa11", "aa").is_none());
        assert!(sure(random, "internationalisation", "inter").is_none());
    }
}
