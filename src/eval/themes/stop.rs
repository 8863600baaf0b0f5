//! The words that say nothing of what a text is about, of five languages; and which of the languages a text is in.

/// A language whose words these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Italian.
    Italian,
}

/// All of them.
pub const LANGUAGES: [Language; 5] =
    [Language::English, Language::German, Language::French, Language::Spanish, Language::Italian];

impl Language {
    /// Its words of grammar, and those of every day's telling, which stand in any entry.
    pub fn stop_words(self) -> impl Iterator<Item = &'static str> {
        let list = match self {
            Language::English => ENGLISH,
            Language::German => GERMAN,
            Language::French => FRENCH,
            Language::Spanish => SPANISH,
            Language::Italian => ITALIAN,
        };
        list.split_ascii_whitespace()
    }
}

const ENGLISH: &str = "
    a about above after again against all almost alone along already also although always am among an and another any anybody
    anyone anything are around as at away back be became because become been before began begin behind being below
    beside besides between both but by came can cannot come coming could did do does doing done down during each
    either else enough even ever every everybody everyone everything far few find first for found from full gave get
    gets getting give given go goes going gone good got great had has hath have having he her here hers herself him himself his how
    however i if in indeed instead into is it its itself just keep kept knew know known last least leave left less
    let like little long look looked lot made make makes making man many may maybe me men might mine more most much must my
    myself near need never new next no nobody none nor not nothing now of off often old on once one only onto or
    other others otherwise our ours out over own people perhaps put quite rather really said same saw say saying says see seem
    seemed seems seen sent set several shall she should since so some somebody someone something sometimes soon
    still such take taken tell than that the thee their theirs them themselves then there therefore these they thing
    things think this those thou though thought three through thus thy till time to today together told tomorrow
    too took toward towards two under until up upon us use used very want wanted was way we well went were what
    whatever when where whether which while who whole whom whose why will with within without would year years yes
    yesterday yet you your yours yourself day days morning afternoon evening night week month hour hours o'clock
    i'm i've i'd i'll it's he's she's that's there's what's don't doesn't didn't won't wouldn't can't couldn't shouldn't
    isn't aren't wasn't weren't haven't hasn't hadn't ain't let's you're they're we're";

const GERMAN: &str = "
    ab aber alle allem allen aller alles als also am an andere anderen anderer anderes auch auf aus bei beide beiden beim bin bis
    bist bleiben bleibt da dabei dadurch dafür dagegen daher damit danach dann daran darauf darin darum darüber das dass daß davon
    dazu dein deine dem den denn der des dessen deren dich die dies diese diesem diesen dieser dieses dir doch dort du durch
    dürfen eben ein eine einem einen einer eines einfach einmal er es etwas euch euer ganz gar geben gegen gehen geht gekommen gemacht
    genug gerade gern gestern gewesen gibt ging gut gute guten habe haben hat hatte hatten heute hier hin hinter ich
    ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in ins ist ja jede jedem jeden jeder jedes jetzt kam kann
    kein keine keinen keiner kommen kommt konnte können lange lassen leider machen macht machte man mehr mein meine
    meinem meinen meiner mich mir mit mittag morgen morgens muss muß musste müssen nach nachher nachmittag nacht nachts nein nicht
    nichts nie noch nun nur ob oder ohne recht sagen sagt sagte schon sehr sei sein seine seinem seinen seiner seit selbst sich
    sie sieht sind so sogar solche soll sollte sondern sonst später tag tage tagen tages über um und uns unser unsere unter
    viel viele vielleicht vom von vor vorher war waren warum was weg wegen weil weiter wenig wenn wer werde werden
    wie wieder will wir wird wirklich wo wohl wollen wollte worden wurde wurden würde während zu zum zur zwar zwei
    zwischen abend abends uhr jahr jahre";

const FRENCH: &str = "
    à ai ainsi alors après assez au aucun aucune aujourd'hui aura aurait aussi autre autres aux avait avant avec avez avoir
    avons beaucoup bien bon bonne c'est car ce ceci cela celle celles celui cependant ces cet cette ceux chaque chez chose
    choses comme comment contre d'un d'une dans de déjà demain depuis dernier des deux devant dire dit doit donc dont
    du elle elles en encore enfin entre est et étaient étais était été être eu eux faire fait fallait faut fois
    font grand grande hier homme il ils j'ai j'avais j'étais jamais je jour journée jours jusque l'on la là laisser le les leur leurs
    lorsque lui ma mais mal matin me même mêmes mes mieux moi moins mon n'a n'ai n'est ne ni non nos notre nous nuit on
    ont ou où par parce parfois pas passer pendant peu peut peux plus plusieurs plutôt pour pourquoi pourtant pouvait
    presque puis puisque qu'elle qu'il qu'on quand que quel quelle quelque quelques qui quoi rien sa sais sans se
    sera serait ses seul seulement si soir son sont sous souvent suis sur ta tant te tel tellement tes toi ton
    toujours tous tout toute toutes très trop tu un une va vais vers veut veux vient voilà voir vois vos votre vous vraiment vu y heure
    heures an ans année";

const SPANISH: &str = "
    a al algo alguien algún alguna algunas alguno algunos allí ahora ahí ante antes aquel aquella aquello aquí así aún aunque
    ayer bastante bien buen buena bueno cada casi como cómo con contra cosa cosas creo cual cuál cualquier cuando cuándo
    cuanto da dar de decir del demás dentro desde después día días dice dijo donde dónde dos durante e el él ella ellas ellos
    en entonces entre era eran eres es esa esas ese eso esos esta está estaba estado están estar estas este esto estos
    estoy estuve fue fueron fui gran grande ha había habían haber hace hacer hacia han hasta hay he hecho hemos hizo
    hombre hora horas hoy iba igual ir jamás la las le les lo los luego mal mañana más me mejor menos mi mí mía mientras mío
    mis misma mismo mucha muchas mucho muchos muy nada nadie ni ningún ninguna no noche nos nosotros nuestra nuestro nunca o
    os otra otras otro otros para parece pero poco pocos poder podía por porque pude pues puede puedo que qué quien
    quién quiero quizá quizás sabe se sé sea según ser será si sí siempre sin sino sobre sólo solo somos son soy su
    sus también tampoco tan tanto tarde te tener tenía tengo ti tiempo tiene toda todas todavía todo todos tu tú tus un
    una unas uno unos va vamos ver vez veces vi ya yo año años";

const ITALIAN: &str = "
    a abbiamo abbastanza ad adesso ai al alcune alcuni alla alle allo allora altra altre altri altro anche ancora andare
    anni anno appena aveva avevo avere avevano bene c'è c'era che chi ci ciò cioè col come con contro cosa così cose
    da dai dal dalla dalle dallo degli dei del dell' della delle dello dentro deve devo di dice dire disse dopo dove due
    dunque durante e è ecco ed era erano ero essere fa faccio fare fatto fino forse fra fu fuori già gli giorni giorno grande
    ha hai hanno ho i ieri il in infatti insieme invece io l' la là le lei li lì lo loro lui ma mai male mattina me
    meglio meno mentre mi mia mie miei mio molta molte molti molto ne né negli nei nel nella nelle nello nessuna
    nessuno niente no noi non nostra nostro notte nulla o oggi ogni ora ore ormai per perché perciò però più piuttosto
    poco poi possa posso prima proprio può pure qualche qualcosa qualcuno quale quando quanto quasi quegli quei
    quel quella quelle quelli quello quest' questa queste questi questo qui quindi sarà se sei sempre senza sera si sì sia siamo
    siano solo sono sopra sotto sta stata stato stesso sto su sua subito sue sugli sui sul sulla suo suoi tanto te
    ti tra troppo tu tua tuo tutta tutte tutti tutto un un' una uno va vado verso vi via voi volta volte vuole";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_list_has_each_word_once_and_in_lower_case() {
        for language in LANGUAGES {
            let all: Vec<&str> = language.stop_words().collect();
            let once: BTreeSet<&&str> = all.iter().collect();
            assert_eq!(all.len(), once.len(), "{language:?}");
            assert!(all.iter().all(|word| word.to_lowercase() == **word), "{language:?}");
        }
    }
}
