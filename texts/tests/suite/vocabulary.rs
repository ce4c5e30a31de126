//! The words of the screens' design, and the ones it forbids.

use pocketdesk_texts::{Device, Language, Texts};

use crate::parity::sentences;

#[test]
fn no_sentence_speaks_of_our_machinery_instead_of_the_persons_matter() {
    let forbidden: [(Language, &[&str]); 3] = [
        (Language::En, &["error", "synchroni", "server", "queue", "incident"]),
        (Language::Ru, &["ошибк", "синхрониз", "сервер", "очеред", "инцидент"]),
        (Language::Uk, &["помилк", "синхроніз", "сервер", "черг", "інцидент"]),
    ];
    for (language, words) in forbidden {
        for (key, text) in sentences(language, Device::Phone) {
            for word in words {
                assert!(!text.to_lowercase().contains(word), "{key} says {word:?}: {text:?}");
            }
        }
    }
}

#[test]
fn the_states_of_a_persons_words_are_called_as_they_were_drawn() {
    let rows = [
        (
            "delivery-registered-number",
            ["Зарегистрировано: №1234", "Зареєстровано: №1234", "Registered as №1234"],
        ),
        ("delivery-registered", ["В заявке", "У заявці", "In the ticket"]),
        ("delivery-saved", ["Сохранено на телефоне", "Збережено на телефоні", "Saved on this phone"]),
        ("status-new", ["Принята", "Прийнято", "Accepted"]),
        ("status-open", ["В работе", "У роботі", "In progress"]),
        ("status-waits-for-requester", ["Ждёт вас", "Чекає на вас", "Needs you"]),
        (
            "status-solved",
            [
                "Решена. Проверьте, всё ли работает",
                "Вирішено. Перевірте, чи все працює",
                "Solved. Please check that it works",
            ],
        ),
        ("status-closed", ["Закрыта", "Закрито", "Closed"]),
        (
            "account-signed-out",
            [
                "Войдите снова, неотправленное цело",
                "Увійдіть знову, неподане ціле",
                "Sign in again, what is unsent is safe",
            ],
        ),
    ];
    for (key, expected) in rows {
        let said = Language::ALL.map(|language| {
            let texts = Texts::new(language, Device::Phone);
            match key {
                "delivery-registered-number" => texts.get(key, &[("number", "1234".into())]),
                _ => texts.get(key, &[]),
            }
        });
        assert_eq!(said, expected, "{key}");
    }
}

#[test]
fn a_whole_line_reads_as_it_was_drawn() {
    let line = |language, key: &str, clock: &str, phrase: &str, name: &str| {
        let texts = Texts::new(language, Device::Phone);
        let when =
            texts.get(phrase, &[("day", "today".into()), ("clock", clock.into()), ("date", "".into())]);
        texts.get(key, &[(name, when.into())]).replace('\u{a0}', " ")
    };
    for (language, expected) in Language::ALL.into_iter().zip([
        ["Доставлено в 14:02", "Ждёт связи с 13:58", "Ответим до 14:30"],
        ["Доставлено о 14:02", "Чекає на зв'язок з 13:58", "Відповімо до 14:30"],
        ["Delivered at 14:02", "Waits for a connection since 13:58", "We answer by 14:30"],
    ]) {
        assert_eq!(line(language, "delivery-delivered", "14:02", "time-at", "at"), expected[0]);
        assert_eq!(line(language, "waits-network", "13:58", "time-since", "since"), expected[1]);
        assert_eq!(line(language, "promise", "14:30", "time-by", "by"), expected[2]);
    }
}

#[test]
fn a_terminal_does_not_call_itself_a_phone() {
    for language in Language::ALL {
        for (key, text) in sentences(language, Device::Computer) {
            for word in ["phone", "телефон"] {
                let mut words = text.split(|at: char| !at.is_alphabetic());
                assert!(!words.any(|said| said.starts_with(word)), "{key} in {}: {text:?}", language.code());
            }
        }
    }
}

#[test]
fn a_clock_never_breaks_from_its_little_word() {
    for language in Language::ALL {
        let texts = Texts::new(language, Device::Phone);
        for key in ["time-at", "time-since", "time-by", "time-from", "time-to"] {
            let text =
                texts.get(key, &[("day", "today".into()), ("clock", "14:30".into()), ("date", "".into())]);
            assert!(text.ends_with("\u{a0}14:30"), "{key} in {}: {text:?}", language.code());
        }
    }
}

#[test]
fn counts_take_the_form_a_native_speaker_would_use() {
    let minutes = |language, count: u32| {
        let body = Texts::new(language, Device::Phone).get(
            "mail-code-body",
            &[("code", "1".into()), ("desk", "Ромашка".into()), ("minutes", count.into())],
        );
        body.lines()
            .find(|line| line.contains(&count.to_string()) && !line.contains("Ромашка:"))
            .map(str::to_owned)
    };
    for (language, count, form) in [
        (Language::Ru, 1, " 1 минуту "),
        (Language::Ru, 3, " 3 минуты "),
        (Language::Ru, 10, " 10 минут "),
        (Language::Ru, 21, " 21 минуту "),
        (Language::Uk, 1, " 1 хвилину "),
        (Language::Uk, 4, " 4 хвилини "),
        (Language::Uk, 12, " 12 хвилин "),
        (Language::En, 1, " 1 minute "),
        (Language::En, 10, " 10 minutes "),
    ] {
        let line = minutes(language, count).unwrap_or_default();
        assert!(format!("{line} ").contains(form), "{}: {line:?}", language.code());
    }
}

#[test]
fn decimals_are_written_as_the_language_writes_them() {
    for (language, expected) in Language::ALL.into_iter().zip(["1,2\u{a0}МБ", "1,2\u{a0}МБ", "1.2\u{a0}MB"])
    {
        let texts = Texts::new(language, Device::Phone);
        assert_eq!(texts.get("size-mb", &[("number", 1.2.into())]), expected);
    }
}
