//! Which languages there are, how one is chosen, and where its sentences lie.

use unic_langid::LanguageIdentifier;

/// A language we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Russian.
    Ru,
    /// Ukrainian.
    Uk,
    /// English; also what everybody gets whose language we do not speak.
    En,
}

macro_rules! sources {
    ($code:literal) => {
        &[
            include_str!(concat!("../", $code, "/delivery.ftl")),
            include_str!(concat!("../", $code, "/ticket.ftl")),
            include_str!(concat!("../", $code, "/rejections.ftl")),
            include_str!(concat!("../", $code, "/times.ftl")),
            include_str!(concat!("../", $code, "/mail.ftl")),
            include_str!(concat!("../", $code, "/accounts.ftl")),
            include_str!(concat!("../", $code, "/troubles.ftl")),
            include_str!(concat!("../", $code, "/terminal.ftl")),
            include_str!(concat!("../", $code, "/voice.ftl")),
        ]
    };
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ru, Self::Uk, Self::En];

    /// The language of a locale as systems name it (`ru_RU.UTF-8`, `uk`, `en-GB`, `C`); English when it is none of ours.
    pub fn choose(locale: &str) -> Self {
        let code = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code)).unwrap_or(Self::En)
    }

    /// `ru`, `uk` or `en`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::Uk => "uk",
            Self::En => "en",
        }
    }

    pub(crate) fn id(self) -> LanguageIdentifier {
        self.code().parse().expect("the three codes are language identifiers")
    }

    /// The Fluent files of the language, by area.
    pub const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Ru => sources!("ru"),
            Self::Uk => sources!("uk"),
            Self::En => sources!("en"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_gets_their_own_language_however_the_system_spells_it() {
        for (locale, language) in [
            ("ru_RU.UTF-8", Language::Ru),
            ("uk", Language::Uk),
            ("uk-UA", Language::Uk),
            ("UK_ua@cyrillic", Language::Uk),
            ("en_GB.UTF-8", Language::En),
            ("C", Language::En),
            ("POSIX", Language::En),
            ("", Language::En),
            ("de_DE.UTF-8", Language::En),
        ] {
            assert_eq!(Language::choose(locale), language, "{locale:?}");
        }
    }
}
