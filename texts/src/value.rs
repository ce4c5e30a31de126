//! What a caller may put into a sentence. Ours and not Fluent's, so that only this crate depends on Fluent.

use std::borrow::Cow;

use fluent_bundle::FluentValue;

/// A value of a sentence's argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Shown as it is.
    Text(Cow<'a, str>),
    /// Chooses the plural and is written with the language's decimal sign.
    Number(f64),
}

impl Value<'_> {
    pub(crate) fn fluent(&self) -> FluentValue<'_> {
        match self {
            Self::Text(text) => FluentValue::String(Cow::Borrowed(text)),
            Self::Number(number) => FluentValue::from(*number),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

macro_rules! number {
    ($($name:ty),+) => {$(
        impl From<$name> for Value<'_> {
            fn from(number: $name) -> Self {
                // Counts and sizes shown to a person stay far below 2^53.
                Self::Number(number as f64)
            }
        }
    )+};
}
number!(u8, u16, u32, u64, usize, i8, i16, i32, i64, f64);
