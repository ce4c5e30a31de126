//! SMTP through lettre.

use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};

use super::{CodeMail, Post, PostError, compose};
use crate::config::{ConfigError, Mail};

/// A pool of connections to one relay.
pub struct Smtp {
    relay: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    desk: String,
}

impl Smtp {
    /// Reads the configuration; connects at the first mail.
    pub fn new(mail: &Mail, desk_name: &str) -> Result<Self, ConfigError> {
        let wrong = |place: &str, reason: String| ConfigError::Wrong { place: place.into(), reason };
        let relay = AsyncSmtpTransport::<Tokio1Executor>::from_url(&mail.smtp)
            // Not lettre's words: they may repeat the address with its password.
            .map_err(|_| wrong("mail.smtp", "must be like smtps://user:password@mail.firm.example".into()))?
            .build();
        let from = mail
            .from
            .parse()
            .map_err(|_| wrong("mail.from", "must be like Help desk <desk@firm.example>".into()))?;
        Ok(Self { relay, from, desk: desk_name.to_owned() })
    }

    async fn send(&self, mail: CodeMail) -> Result<(), PostError> {
        let (subject, body) = compose(&mail, &self.desk);
        let to = mail.email.parse().map_err(|_| PostError("the address cannot be written to".into()))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body)
            .map_err(|_| PostError("the mail could not be composed".into()))?;
        self.relay.send(message).await.map(drop).map_err(|why| {
            // A relay's answer may name the recipient: only its kind is said.
            PostError(match why.status() {
                Some(code) => format!("the relay answered {code}"),
                None if why.is_timeout() => "the relay did not answer in time".into(),
                None => "the relay could not be reached".into(),
            })
        })
    }
}

impl Post for Smtp {
    fn code(&self, mail: CodeMail) -> BoxFuture<'_, Result<(), PostError>> {
        Box::pin(self.send(mail))
    }
}
