//! What leaves the server for a mailbox: sign-in codes.

mod smtp;

use futures_util::future::BoxFuture;
use pocketdesk_texts::Texts;

pub use smtp::Smtp;

/// A code for an address. Neither is ever logged.
pub struct CodeMail {
    /// Where to.
    pub email: String,
    /// Six digits.
    pub code: String,
    /// The language the phone asked for; English when it is none of ours.
    pub locale: String,
}

/// Why a mail did not leave; holds no address and no code.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostError(pub String);

/// Carries codes.
pub trait Post: Send + Sync {
    /// Sends one; resolves when the next station took it.
    fn code(&self, mail: CodeMail) -> BoxFuture<'_, Result<(), PostError>>;
}

/// A mail's subject and body.
fn compose(mail: &CodeMail, desk: &str) -> (String, String) {
    let texts = Texts::for_locale(&mail.locale);
    let minutes = u32::try_from(crate::auth::CODE_MS / 60_000).unwrap_or_default();
    let subject =
        texts.get("mail-code-subject", &[("code", mail.code.as_str().into()), ("desk", desk.into())]);
    let body = texts.get(
        "mail-code-body",
        &[("code", mail.code.as_str().into()), ("desk", desk.into()), ("minutes", minutes.into())],
    );
    (subject, body)
}

/// Whoever is nearer: in development codes go to standard output, where a developer or a test reads them.
pub struct Development {
    print: Box<dyn Fn(&CodeMail) + Send + Sync>,
    after: Option<Smtp>,
}

impl Development {
    /// `print` gets every code; `after` sends it too when SMTP is configured.
    pub fn new(print: impl Fn(&CodeMail) + Send + Sync + 'static, after: Option<Smtp>) -> Self {
        Self { print: Box::new(print), after }
    }
}

impl Post for Development {
    fn code(&self, mail: CodeMail) -> BoxFuture<'_, Result<(), PostError>> {
        (self.print)(&mail);
        match &self.after {
            Some(smtp) => smtp.code(mail),
            None => Box::pin(async { Ok(()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mail_is_in_the_persons_language_and_holds_the_code() {
        let mail = |locale: &str| CodeMail {
            email: "a@b.example".into(),
            code: "012345".into(),
            locale: locale.into(),
        };
        let (_, uk) = compose(&mail("uk"), "Допомога");
        let (_, en) = compose(&mail("xx"), "Help");
        assert!(uk.contains("012345") && en.contains("012345") && uk.contains("Допомога"), "{uk} {en}");
        assert_ne!(uk, en);
    }
}
