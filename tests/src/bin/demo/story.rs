//! How the day is told: numbered scenes, what happens, what the phone shows.

use pocketdesk_domain::model::{Delivery, EventWhat, TicketView};
use pocketdesk_texts::Texts;

/// The teller.
pub struct Story {
    scene: u32,
    texts: Texts,
}

impl Story {
    pub fn new() -> Self {
        Self { scene: 0, texts: Texts::for_locale("en") }
    }

    /// Begins a scene.
    pub fn scene(&mut self, title: &str) {
        self.scene += 1;
        println!("\n{}. {title}", self.scene);
    }

    /// Says what happens outside the phone.
    pub fn tell(&self, what: &str) {
        println!("   {what}");
    }

    /// Shows a ticket as its screen does.
    pub fn show(&self, ticket: &TicketView) {
        let summary = &ticket.summary;
        let number = summary.number.as_ref().map(|number| format!("№{number} ")).unwrap_or_default();
        let status = self.texts.get(&format!("status-{}", summary.status.name().replace('_', "-")), &[]);
        self.line(&format!(
            "{number}{} · {status}{}",
            summary.subject,
            self.state(summary.delivery.as_ref())
        ));
        for file in &ticket.attachments {
            let kept = if file.on_phone { "on the phone" } else { "at the desk" };
            self.line(&format!(
                "  ▤ {} {} kB, {kept}{}",
                file.name,
                file.size.div_ceil(1000),
                self.state(file.delivery.as_ref())
            ));
        }
        if let Some(assignee) = &ticket.assignee {
            self.line(&format!("  has it: {assignee}"));
        }
        if let Some(deadline) = &ticket.deadline {
            let moved = deadline.reason.as_ref().filter(|_| deadline.moved_from.is_some());
            let moved = moved.map(|reason| format!(" (moved: {reason})")).unwrap_or_default();
            self.line(&format!("  promised by {}{moved}", clock(deadline.at)));
        }
        for comment in &ticket.comments {
            let who = if comment.author.me { "you" } else { &comment.author.name };
            self.line(&format!("  {who}: {}{}", comment.text, self.state(comment.delivery.as_ref())));
        }
        for request in &ticket.requests {
            self.line(&format!("  you asked: {}{}", request.kind, self.state(Some(&request.delivery))));
        }
        if let Some(rating) = &ticket.rating {
            self.line(&format!(
                "  your mark: {} of {}{}",
                rating.value,
                ticket.rating_max,
                self.state(Some(&rating.delivery))
            ));
        }
        for event in &ticket.events {
            if let EventWhat::Rated { value, .. } = &event.what {
                self.line(&format!("  history: rated {value}"));
            }
        }
    }

    /// The vocabulary's words for where something is; times are left out, the story has its own.
    fn state(&self, delivery: Option<&Delivery>) -> String {
        let Some(delivery) = delivery else { return String::new() };
        let words = match delivery {
            Delivery::Saved { .. } => self.texts.get("delivery-saved", &[]),
            Delivery::Sending { .. } => self.texts.get("delivery-sending", &[]),
            Delivery::Registered { number: Some(number) } => {
                self.texts.get("delivery-registered-number", &[("number", number.as_str().into())])
            }
            Delivery::Registered { number: None } => self.texts.get("delivery-registered", &[]),
            Delivery::Delivered { .. } => self.texts.get("delivery-delivered", &[("at", "".into())]),
            other => other.name().to_owned(),
        };
        format!("  [{}]", words.trim())
    }

    fn line(&self, text: &str) {
        println!("   │ {text}");
    }
}

/// Hours and minutes, UTC: the story is the same in every time zone.
fn clock(ms: i64) -> String {
    let minutes = ms.div_euclid(60_000).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
