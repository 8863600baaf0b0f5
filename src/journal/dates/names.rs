//! The names of months and weekdays in the languages that date lines are read in.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

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

/// The longest word worth looking up, in letters; the longest names below have twelve.
pub const LONGEST_NAME: usize = 16;

/// Full names, January first, as they stand in a date: English, German, French, Spanish, Italian, Dutch, Portuguese,
/// Swedish; then spellings without umlauts and regional ones; then Danish, Norwegian, Indonesian, Romanian, Polish,
/// Czech, Slovak, Hungarian, Finnish, Turkish, Russian, Ukrainian, Greek, Bulgarian, Serbian and Afrikaans. Croatian is
/// not among them: its names mean other months than the same names in Polish and Czech.
const MONTHS: [&str; 12] = [
    "january januar janvier enero gennaio januari janeiro jänner ianuarie stycznia ledna leden januára január \
     tammikuuta tammikuu ocak января январь січня ιανουαρίου януари јануар januarie",
    "february februar février febrero febbraio februari fevereiro februarie lutego února únor februára \
     február helmikuuta helmikuu şubat февраля февраль лютого φεβρουαρίου февруари фебруар",
    "march märz mars marzo maart março marco maerz marts maret martie marca března březen március maaliskuuta \
     maaliskuu mart марта март березня μαρτίου",
    "april avril abril aprile aprilie kwietnia dubna duben apríla április huhtikuuta huhtikuu nisan апреля апрель \
     квітня απριλίου април",
    "may mai mayo maggio mei maio maj maja května květen mája május toukokuuta toukokuu mayıs мая май травня \
     μαΐου мај",
    "june juni juin junio giugno junho iunie czerwca června červen júna június kesäkuuta kesäkuu haziran июня \
     июнь червня ιουνίου юни јун junie",
    "july juli juillet julio luglio julho iulie lipca července červenec júla július heinäkuuta heinäkuu temmuz \
     июля июль липня ιουλίου юли јул julie",
    "august août agosto augustus augusti agustus sierpnia srpna srpen augusta augusztus elokuuta elokuu \
     ağustos августа август серпня αυγούστου",
    "september septembre septiembre settembre setembro setiembre septembrie września září septembra szeptember \
     syyskuuta syyskuu eylül сентября сентябрь вересня σεπτεμβρίου септември септембар",
    "october oktober octobre octubre ottobre outubro octombrie października října říjen októbra október \
     lokakuuta lokakuu ekim октября октябрь жовтня οκτωβρίου октомври октобар",
    "november novembre noviembre novembro noiembrie listopada listopadu novembra marraskuuta marraskuu kasım \
     ноября ноябрь листопада νοεμβρίου ноември новембар",
    "december dezember décembre diciembre dicembre dezembro decembre desember decembrie grudnia prosince prosinec \
     decembra joulukuuta joulukuu aralık декабря декабрь грудня δεκεμβρίου декември децембар",
];

/// Short names, January first.
const SHORT_MONTHS: [&str; 12] = [
    "jan janv ene gen янв",
    "feb févr fév febr fev фев",
    "mar mär mrz mrt",
    "apr avr abr апр",
    "mag",
    "jun giu",
    "jul juil lug",
    "aug ago авг",
    "sep sept set szept сен",
    "oct okt ott out окт",
    "nov ноя",
    "dec dez déc dic des дек",
];

/// Full names, Monday first: the same languages, then Japanese, Chinese and Korean. In Finnish
/// and Swedish a day that heads an entry may be inflected ("on the Tuesday").
const WEEKDAYS: [&str; 7] = [
    "monday montag lundi lunes lunedì maandag segunda måndag mandag senin luni poniedziałek pondělí pondelok hétfő \
     maanantai pazartesi понедельник понеділок δευτέρα понедељак понеделник maanantaina måndagen 月曜日 月曜 星期一 周一 週一 월요일",
    "tuesday dienstag mardi martes martedì dinsdag terça tisdag tirsdag selasa marți wtorek úterý utorok kedd \
     tiistai salı вторник вівторок τρίτη уторак tysdag tiistaina tisdagen 火曜日 火曜 星期二 周二 週二 화요일",
    "wednesday mittwoch mercredi miércoles mercoledì woensdag quarta onsdag rabu miercuri środa středa streda \
     szerda keskiviikko çarşamba среда середа τετάρτη сряда keskiviikkona onsdagen 水曜日 水曜 星期三 周三 週三 수요일",
    "thursday donnerstag jeudi jueves giovedì donderdag quinta torsdag kamis joi czwartek čtvrtek štvrtok \
     csütörtök torstai perşembe четверг четвер πέμπτη четвъртък четвртак torstaina torsdagen 木曜日 木曜 星期四 周四 週四 목요일",
    "friday freitag vendredi viernes venerdì vrijdag sexta fredag jumat vineri piątek pátek piatok péntek \
     perjantai cuma пятница пʼятниця παρασκευή петък петак vrydag perjantaina fredagen 金曜日 金曜 星期五 周五 週五 금요일",
    "saturday samstag sonnabend samedi sábado sabato zaterdag lördag lørdag sabtu sâmbătă sobota szombat \
     lauantai cumartesi суббота субота σάββατο събота saterdag laurdag lauantaina lördagen 土曜日 土曜 星期六 周六 週六 토요일",
    "sunday sonntag dimanche domingo domenica zondag söndag søndag minggu duminică niedziela neděle nedeľa \
     vasárnap sunnuntai pazar воскресенье неділя κυριακή неделя недеља sundag sunnuntaina söndagen 日曜日 日曜 星期日 星期天 周日 週日 일요일",
];

/// Short names, Monday first.
const SHORT_WEEKDAYS: [&str; 7] = [
    "mon mo lun ma seg mån man pon пн 月 一 월",
    "tue tues di mar ter tis tir вт 火 二 화",
    "wed weds mi mer mié wo qua ons śr ср 水 三 수",
    "thu thur thurs do jeu jue gio qui tor tors czw чт 木 四 목",
    "fri fr ven vie vr sex fre пт 金 五 금",
    "sat sa sam sáb sab za lör lør sob сб 土 六 토",
    "sun so dim dom zo sön søn вс нд 日 일",
];

/// A table's names as they are compared, each with its number from 1.
type Names = HashMap<String, i8>;

static MONTH_NAMES: LazyLock<[Names; 2]> = LazyLock::new(|| [numbered(&MONTHS), numbered(&SHORT_MONTHS)]);
static WEEKDAY_NAMES: LazyLock<[Names; 2]> =
    LazyLock::new(|| [numbered(&WEEKDAYS), numbered(&SHORT_WEEKDAYS)]);

fn numbered(table: &[&'static str]) -> Names {
    (1..).zip(table).flat_map(|(n, names)| names.split(' ').map(move |name| (compared(name), n))).collect()
}

/// A name as names are compared: without case, accents and apostrophes, which many keyboards and people leave out and
/// which are written in more than one way.
fn compared(name: &str) -> String {
    let letters = name.chars().flat_map(char::to_lowercase).nfd();
    let letters = letters.filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '’' | 'ʼ'));
    let plain = |c| match c {
        'ł' => 'l',
        'ø' => 'o',
        'ı' => 'i',
        'ς' => 'σ',
        c => c,
    };
    letters.map(plain).collect()
}

/// The month (1–12) that a word names, and how.
pub fn month(word: &str) -> Option<(i8, MonthForm)> {
    let word = compared(word);
    let [full, short] = &*MONTH_NAMES;
    if let Some(month) = full.get(word.as_str()) {
        let either = word.chars().count() <= EITHER_LETTERS;
        return Some((*month, if either { MonthForm::Either } else { MonthForm::Long }));
    }
    short.get(word.as_str()).map(|month| (*month, MonthForm::Short))
}

/// The weekday (Monday is 1) that a word names, and whether by its full name.
pub fn weekday(word: &str) -> Option<(i8, bool)> {
    let word = compared(word);
    let [full, short] = &*WEEKDAY_NAMES;
    let named = |names: &Names, is_full| names.get(word.as_str()).map(|day| (*day, is_full));
    named(full, true).or_else(|| named(short, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_month() {
        for table in [&MONTHS[..], &SHORT_MONTHS, &WEEKDAYS, &SHORT_WEEKDAYS] {
            let mut meant = Names::new();
            for (n, name) in (1..).zip(table).flat_map(|(n, row)| row.split(' ').map(move |name| (n, name))) {
                assert!(name.nfd().count() <= LONGEST_NAME && name.to_lowercase() == name, "{name:?}");
                assert_eq!(*meant.entry(compared(name)).or_insert(n), n, "{name}");
            }
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
        assert_eq!(month("Października"), Some((10, MonthForm::Long)));
        assert_eq!(month("ΜΑΐΟΥ"), Some((5, MonthForm::Either)));
        assert_eq!((weekday("ВТОРНИК"), weekday("금")), (Some((2, true)), Some((5, false))));
        for (word, day) in
            [("martedi", 2), ("terca", 2), ("marţi", 2), ("П'ЯТНИЦЯ", 5), ("п’ятниця", 5), ("ΤΡΙΤΗ", 2)]
        {
            assert_eq!(weekday(word), Some((day, true)), "{word}");
        }
        assert_eq!(month("Ma\u{308}rz"), Some((3, MonthForm::Either)));
        assert_eq!((month("NİSAN"), month("KASIM").map(|m| m.0)), (Some((4, MonthForm::Either)), Some(11)));
        assert_eq!(month("ma"), None);
        assert!(MonthForm::Either.fits(MonthForm::Short) && MonthForm::Long.fits(MonthForm::Either));
        assert!(!MonthForm::Either.fits(MonthForm::Number) && !MonthForm::Short.fits(MonthForm::Long));
    }
}
