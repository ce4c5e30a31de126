use super::*;
use crate::dictation::{SpokenSegment, SpokenWord};

fn heard(text: &str) -> Transcript {
    let words = text.split_whitespace().zip(0..).map(|(word, at)| SpokenWord {
        text: word.to_owned(),
        start_ms: at * 500,
        end_ms: at * 500 + 400,
        confidence: 0.9,
    });
    let words: Vec<_> = words.collect();
    let segment = SpokenSegment {
        start_ms: 0,
        end_ms: words.len() as u64 * 500,
        text: text.to_owned(),
        confidence: 0.9,
        words,
    };
    Transcript { language: "ru".to_owned(), segments: vec![segment] }
}

/// A desk whose words are Russian, with what its clients say in three languages.
fn catalogue() -> Vec<CatalogueEntry> {
    use CatalogueKind::{RequestType, Service, Site, Urgency};
    let rows: [(CatalogueKind, &str, &[&str]); 11] = [
        (
            RequestType,
            "Неисправность",
            &["не работает", "сломался", "не печатает", "не друкує", "зламався", "broken", "is not printing"],
        ),
        (RequestType, "Доступ", &["нужен доступ", "потрібен доступ", "пароль", "access", "password"]),
        (RequestType, "Установка программ", &["установить программу", "встановити програму", "install"]),
        (Service, "Принтер", &["печать", "МФУ", "printer"]),
        (Service, "Почта", &["почтовый ящик", "пошта", "mailbox"]),
        (Service, "Интернет", &["сеть", "мережа", "Wi-Fi", "network"]),
        (Site, "Бухгалтерия", &["бухгалтерія", "accounting office"]),
        (Site, "Склад №4", &["четвёртый склад", "warehouse 4"]),
        (Site, "Третий этаж", &["третій поверх", "третьому поверсі", "third floor"]),
        (
            Urgency,
            "Срочно",
            &["срочная помощь", "термінова допомога", "терміново", "urgent", "как можно скорее"],
        ),
        (Urgency, "Не срочно", &["не горит", "не терміново", "not urgent"]),
    ];
    rows.iter()
        .zip(0..)
        .map(|((kind, name, synonyms), id)| CatalogueEntry {
            id: format!("{id}"),
            kind: *kind,
            name: (*name).to_owned(),
            synonyms: synonyms.iter().map(|word| (*word).to_owned()).collect(),
        })
        .collect()
}

/// Type, service, site, urgency.
fn guesses(text: &str) -> [String; 4] {
    let draft = draft(&heard(text), &catalogue());
    [draft.request_type, draft.service, draft.site, draft.urgency]
        .map(|guess| guess.map(|guess| guess.name).unwrap_or_default())
}

#[test]
fn what_the_words_speak_of_is_suggested_in_any_of_three_languages_and_any_form() {
    assert_eq!(
        guesses("Здравствуйте, у нас на третьем этаже не печатает принтер. Пришлите кого-нибудь."),
        ["Неисправность", "Принтер", "Третий этаж", ""]
    );
    assert_eq!(
        guesses("Добрий день, у нас на третьому поверсі не друкує принтер."),
        ["Неисправность", "Принтер", "Третий этаж", ""]
    );
    assert_eq!(
        guesses("The printer on the third floor is not printing, so we need urgent help."),
        ["Неисправность", "Принтер", "Третий этаж", "Срочно"]
    );
    assert_eq!(
        guesses("Возле бухгалтерии нет сети, нужна срочная помощь."),
        ["", "Интернет", "Бухгалтерия", "Срочно"]
    );
    assert_eq!(guesses("Потрібна термінова допомога в бухгалтерії"), ["", "", "Бухгалтерия", "Срочно"]);
    assert_eq!(
        guesses("Прошу установить на новый ноутбук программу для бухгалтерии"),
        ["", "", "Бухгалтерия", ""]
    );
}

#[test]
fn a_word_of_the_desk_is_found_whatever_the_recogniser_made_of_its_letters() {
    assert_eq!(guesses("На СКЛАДЕ №4 сломался wi‑fi")[1..3], ["Интернет", "Склад №4"]);
    assert_eq!(guesses("Возле четвертого склада темно")[2], "Склад №4", "ё and е are one letter");
}

#[test]
fn what_was_said_not_to_be_urgent_is_not_urgent() {
    assert_eq!(guesses("Это не срочно, посмотрите на неделе")[3], "Не срочно");
    assert_eq!(guesses("It is not urgent")[3], "Не срочно");
    let only_urgent = &catalogue()[9..10];
    assert_eq!(draft(&heard("Это совсем не срочно"), only_urgent).urgency, None);
    assert_eq!(draft(&heard("Це не терміново"), only_urgent).urgency, None);
    assert!(draft(&heard("Не горит, но срочно"), only_urgent).urgency.is_some());
}

#[test]
fn the_longer_name_wins_then_the_one_said_first() {
    let entry = |id: &str, name: &str| CatalogueEntry {
        id: id.to_owned(),
        kind: CatalogueKind::Service,
        name: name.to_owned(),
        synonyms: Vec::new(),
    };
    let services = [entry("1", "принтер"), entry("2", "принтер чеков"), entry("3", "сканер")];
    let of = |text: &str| draft(&heard(text), &services).service.map(|guess| guess.id);
    assert_eq!(of("Сломался сканер, а ещё принтер чеков").as_deref(), Some("2"));
    assert_eq!(of("Сканер и принтер").as_deref(), Some("3"));
    assert_eq!(of("Ничего из этого"), None);
    let nothing = [entry("1", ""), entry("2", " …")];
    assert_eq!(
        draft(&heard("Сломался сканер"), &nothing).service,
        None,
        "a name without words is never said"
    );
}

#[test]
fn the_title_is_the_first_sentence_that_says_something() {
    assert_eq!(title("Не печатает принтер. Горит лампочка."), "Не печатает принтер");
    assert_eq!(
        title("Добрый день. Не могу войти в почту, пишет, что пароль неверный. Вчера всё работало."),
        "Не могу войти в почту, пишет, что пароль неверный"
    );
    assert_eq!(
        title("Здравствуйте, у нас на третьем этаже не печатает принтер. Спасибо."),
        "У нас на третьем этаже не печатает принтер"
    );
    assert_eq!(title("Добрий день, колеги! Не друкує принтер."), "Не друкує принтер");
    assert_eq!(title("Hello, the printer is not printing."), "The printer is not printing");
    assert_eq!(title("Почему 192.168.1.1 не отвечает? Вчера отвечал."), "Почему 192.168.1.1 не отвечает?");
    assert_eq!(title("Добрый день."), "Добрый день");
    assert_eq!(title("  Нет   света\nв зале. "), "Нет света");
    assert_eq!(title(""), "");
    assert_eq!(title("…"), "…");
}

#[test]
fn a_long_title_is_cut_between_words_and_fits_a_line() {
    let text = "Монитор моргает каждые несколько минут и потом становится чёрным хотя я пробовал другой кабель и розетку";
    let cut = title(text);
    assert_eq!(cut, "Монитор моргает каждые несколько минут и потом становится чёрным хотя я…");
    assert!(cut.chars().count() <= TITLE_CHARS);
    let endless = title(&"ш".repeat(500));
    assert_eq!(endless.chars().count(), TITLE_CHARS);
    assert_eq!(draft(&heard(text), &[]).description, text, "the description keeps every word");
}

#[test]
fn words_not_heard_well_are_marked_where_they_stand_and_can_be_heard_again() {
    let mut heard = heard("Сбросьте пароль, пароль от почты");
    heard.segments[0].words[2].confidence = 0.2;
    heard.segments[0].words[4].confidence = f32::NAN;
    let draft = draft(&heard, &[]);
    let letters: Vec<char> = draft.description.chars().collect();
    let marked: Vec<String> = draft
        .uncertain
        .iter()
        .map(|word| {
            let at = word.at as usize;
            letters[at..at + word.text.chars().count()].iter().collect()
        })
        .collect();
    assert_eq!(marked, ["пароль", "почты"]);
    assert_eq!(draft.uncertain[0].at, 17, "the second one, not the first");
    assert_eq!((draft.uncertain[0].start_ms, draft.uncertain[0].end_ms), (1000, 1400));
    assert_eq!(draft.uncertain[1].confidence, 0.0);
}

#[test]
fn silence_becomes_an_empty_draft() {
    assert_eq!(draft(&Transcript::default(), &catalogue()), SpokenDraft::default());
}
