//! Every sentence a person reads, in Russian, Ukrainian and English, as Fluent files compiled in.
//!
//! A caller names a key and hands in values; which language, which plural, which decimal sign and which word for
//! the device it is on is decided here. The words are those of the vocabulary in the screens' design: ours are
//! active ("we answer by 14:30"), name what is waited for and since when, and never speak of machinery.

#![warn(missing_docs)]

mod language;
mod value;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};

pub use language::Language;
pub use value::Value;

/// The device whose name a sentence may say ("saved on this phone").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Device {
    /// Android and iOS.
    #[default]
    Phone,
    /// A terminal.
    Computer,
}

/// The sentences of one language.
pub struct Texts {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").field("language", &self.language).finish_non_exhaustive()
    }
}

impl Texts {
    /// The sentences for a locale as systems name them: `uk`, `ru_RU.UTF-8`, `en-GB`. English when it is none of ours.
    pub fn for_locale(locale: &str) -> Self {
        Self::new(Language::choose(locale), Device::Phone)
    }

    /// The sentences of a language, for a device.
    pub fn new(language: Language, device: Device) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![language.id()]);
        // The marks guard a right-to-left name inside a left-to-right sentence; in a terminal, a mail's subject and
        // a JSON text they are rubbish.
        bundle.set_use_isolating(false);
        if language != Language::En {
            bundle.set_formatter(Some(|value, _| match value {
                FluentValue::Number(number) => Some(number.as_string().replace('.', ",")),
                _ => None,
            }));
        }
        let name = match device {
            Device::Phone => "phone",
            Device::Computer => "computer",
        };
        bundle
            .add_function("DEVICE", move |_, _| FluentValue::from(name))
            .expect("a new bundle has no function of that name");
        for source in language.sources() {
            let resource = FluentResource::try_new((*source).to_owned())
                .unwrap_or_else(|(_, why)| panic!("the {} texts do not parse: {why:?}", language.code()));
            bundle.add_resource(resource).expect("a key stands once in a language; a test keeps it so");
        }
        Self { language, bundle }
    }

    /// Which language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The sentence of `key`. A key that does not exist is a defect of the caller and comes back as itself, so that
    /// a person still sees something to quote.
    pub fn get(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        let found = self.find(key, values);
        debug_assert!(found.is_some(), "no text {key:?} takes {values:?}");
        found.unwrap_or_else(|| key.to_owned())
    }

    /// The sentence of a key that came from outside (a newer desk may name one this build lacks); none when there is
    /// no such key, or it asks for other values.
    pub fn find(&self, key: &str, values: &[(&str, Value<'_>)]) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.fluent())).collect();
        let mut problems = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut problems).into_owned();
        problems.is_empty().then_some(text)
    }
}
