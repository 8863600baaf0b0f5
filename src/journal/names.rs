//! The names of months and weekdays in the eight languages that date lines are read in.

/// How a month was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonthForm {
    /// `05`.
    Number,
    /// `Sept`, with or without its full stop.
    Short,
    /// `September`.
    Long,
    /// A full name that nobody shortens further with any regularity (`May`, `June`, `mars`): it stands among short
    /// names and among long ones.
    Either,
}

impl MonthForm {
    /// Whether two months may stand in dates of one style.
    pub fn fits(self, other: MonthForm) -> bool {
        use MonthForm::*;
        self == other || (self == Either && other != Number) || (other == Either && self != Number)
    }
}

/// The longest full name that counts as [`MonthForm::Either`], in letters: `March`, `April`.
const EITHER_LETTERS: usize = 5;

/// The longest word worth looking up, in letters; the longest names below have ten.
pub(super) const LONGEST_NAME: usize = 16;

/// Full names, January first: English, German, French, Spanish, Italian, Dutch, Portuguese, Swedish; then spellings
/// without accents and regional ones.
const MONTHS: [&str; 12] = [
    "january januar janvier enero gennaio januari janeiro jänner",
    "february februar février febrero febbraio februari fevereiro fevrier",
    "march märz mars marzo maart março marco maerz",
    "april avril abril aprile",
    "may mai mayo maggio mei maio maj",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août agosto augustus augusti aout",
    "september septembre septiembre settembre setembro setiembre",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre diciembre dicembre dezembro decembre",
];

/// Short names, January first.
const SHORT_MONTHS: [&str; 12] = [
    "jan janv ene gen",
    "feb févr fév febr fev",
    "mar mär mrz mrt",
    "apr avr abr",
    "mag",
    "jun giu",
    "jul juil lug",
    "aug ago",
    "sep sept set",
    "oct okt ott out",
    "nov",
    "dec dez déc dic",
];

/// Full names, Monday first.
const WEEKDAYS: [&str; 7] = [
    "monday montag lundi lunes lunedì maandag segunda måndag",
    "tuesday dienstag mardi martes martedì dinsdag terça tisdag",
    "wednesday mittwoch mercredi miércoles mercoledì woensdag quarta onsdag",
    "thursday donnerstag jeudi jueves giovedì donderdag quinta torsdag",
    "friday freitag vendredi viernes venerdì vrijdag sexta fredag",
    "saturday samstag sonnabend samedi sábado sabato zaterdag lördag",
    "sunday sonntag dimanche domingo domenica zondag söndag",
];

/// Short names, Monday first.
const SHORT_WEEKDAYS: [&str; 7] = [
    "mon mo lun ma seg mån",
    "tue tues di mar ter tis",
    "wed weds mi mer mié wo qua ons",
    "thu thur thurs do jeu jue gio qui tor tors",
    "fri fr ven vie vr sex fre",
    "sat sa sam sáb sab za lör",
    "sun so dim dom zo sön",
];

/// The month (1–12) that a word names, and how.
pub fn month(word: &str) -> Option<(i8, MonthForm)> {
    let word = word.to_lowercase();
    if let Some(i) = find(&MONTHS, &word) {
        let either = word.chars().count() <= EITHER_LETTERS;
        return Some((i, if either { MonthForm::Either } else { MonthForm::Long }));
    }
    find(&SHORT_MONTHS, &word).map(|i| (i, MonthForm::Short))
}

/// The weekday (Monday is 1) that a word names, and whether by its full name.
pub fn weekday(word: &str) -> Option<(i8, bool)> {
    let word = word.to_lowercase();
    match find(&WEEKDAYS, &word) {
        Some(i) => Some((i, true)),
        None => find(&SHORT_WEEKDAYS, &word).map(|i| (i, false)),
    }
}

fn find(table: &[&str], word: &str) -> Option<i8> {
    let row = table.iter().position(|names| names.split(' ').any(|name| name == word))?;
    Some(row as i8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_month() {
        let names = |table: &[&'static str]| -> Vec<&'static str> {
            table.iter().flat_map(|row| row.split(' ')).collect()
        };
        for table in [&MONTHS[..], &SHORT_MONTHS, &WEEKDAYS, &SHORT_WEEKDAYS] {
            let mut all = names(table);
            assert!(all.iter().all(|n| n.chars().count() <= LONGEST_NAME && n.to_lowercase() == *n));
            let before = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), before);
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(month("MÄRZ"), Some((3, MonthForm::Either)));
        assert_eq!(month("Sept"), Some((9, MonthForm::Short)));
        assert_eq!(month("septiembre"), Some((9, MonthForm::Long)));
        assert_eq!(month("mayor"), None);
        assert_eq!(month(""), None);
        assert_eq!(weekday("Söndag"), Some((7, true)));
        assert_eq!(weekday("thurs"), Some((4, false)));
        assert!(MonthForm::Either.fits(MonthForm::Short) && MonthForm::Long.fits(MonthForm::Either));
        assert!(!MonthForm::Either.fits(MonthForm::Number) && !MonthForm::Short.fits(MonthForm::Long));
    }
}
