//! A ticket with its conversation, for people.

use pocketdesk_domain::model::{AttachmentView, CommentView, Delivery, EventView, TicketStatus, TicketView};

use super::{
    Output, Tone,
    parts::{clean, one_line},
    times::Phrase,
    words::{sign, tone},
};
use crate::failure::Stop;

impl Output {
    /// The card, the words in order, and what can be done now.
    pub fn ticket(&self, ticket: &TicketView, history: bool) -> Result<(), Stop> {
        self.card(ticket)?;
        self.said(&self.ticket_author(ticket), ticket.created_at)?;
        self.body(&ticket.description, &ticket.attachments)?;
        if let Some(delivery) = &ticket.summary.delivery {
            self.own_state(delivery)?;
        }
        let mut events = ticket.events.iter().filter(|_| history).peekable();
        for comment in &ticket.comments {
            let earlier = |event: &&EventView| comment.position.is_none_or(|at| event.position < at);
            while let Some(event) = events.next_if(|event| earlier(event)) {
                self.happened(event)?;
            }
            self.comment(comment)?;
        }
        events.try_for_each(|event| self.happened(event))?;
        for request in &ticket.requests {
            self.line("")?;
            let line = format!(
                "{} {}: {}",
                sign(&request.delivery),
                self.kind(&request.kind),
                self.delivery(&request.delivery)
            );
            self.line(&self.tone(tone(&request.delivery), &line))?;
            self.remedies(&request.delivery)?;
        }
        self.next_steps(ticket)
    }

    fn card(&self, ticket: &TicketView) -> Result<(), Stop> {
        let summary = &ticket.summary;
        let subject = one_line(&summary.subject);
        let title = match &summary.number {
            Some(number) => format!("№{} {subject}", one_line(number)),
            None => subject,
        };
        self.line(&self.tone(Tone::Bold, &title))?;
        let mut facts = vec![self.status(summary.status)];
        if let Some(name) = &ticket.assignee {
            facts.push(self.say("event-assignee", &[("name", one_line(name).into())]));
        }
        facts.extend(ticket.company.iter().chain(&ticket.site).map(|name| one_line(name)));
        self.line(&facts.join(" · "))?;
        if let Some(deadline) = &ticket.deadline
            && matches!(
                summary.status,
                TicketStatus::New | TicketStatus::Open | TicketStatus::WaitsForRequester
            )
        {
            let (tone, promise) = self.promise(deadline.at);
            self.line(&self.tone(tone, &promise))?;
            if let Some(from) = deadline.moved_from {
                let from = ("from", self.when(Phrase::From, from).into());
                let to = ("to", self.when(Phrase::To, deadline.at).into());
                let moved = match &deadline.reason {
                    Some(reason) => {
                        self.say("promise-moved-reason", &[from, to, ("reason", one_line(reason).into())])
                    }
                    None => self.say("promise-moved", &[from, to]),
                };
                self.line(&self.tone(Tone::Wait, &moved))?;
            }
        }
        if !ticket.participants.is_empty() {
            let names = ticket.participants.iter().map(|name| one_line(name)).collect::<Vec<_>>().join(", ");
            self.line(
                &self.tone(Tone::Quiet, &self.say("terminal-followed-by", &[("names", names.into())])),
            )?;
        }
        Ok(())
    }

    fn ticket_author(&self, ticket: &TicketView) -> String {
        match &ticket.summary.author {
            Some(name) => one_line(name),
            None => self.say("me", &[]),
        }
    }

    /// One comment with the state of one's own words.
    pub fn comment(&self, comment: &CommentView) -> Result<(), Stop> {
        self.said(&self.author(&comment.author), comment.at)?;
        self.body(&comment.text, &comment.attachments)?;
        match &comment.delivery {
            Some(delivery) => self.own_state(delivery),
            None => Ok(()),
        }
    }

    /// Something that happened, in one line.
    pub fn happened(&self, event: &EventView) -> Result<(), Stop> {
        self.line("")?;
        let line = format!("— {} ({})", self.event(event), self.time(event.at));
        self.line(&self.tone(Tone::Quiet, &line))
    }

    fn said(&self, who: &str, at: i64) -> Result<(), Stop> {
        self.line("")?;
        self.line(&format!("{} {}", self.tone(Tone::Bold, who), self.tone(Tone::Quiet, &self.time(at))))
    }

    fn body(&self, text: &str, files: &[AttachmentView]) -> Result<(), Stop> {
        for line in clean(text).lines() {
            self.line(format!("  {line}").trim_end())?;
        }
        files.iter().try_for_each(|file| self.file(file))
    }

    fn file(&self, file: &AttachmentView) -> Result<(), Stop> {
        let state = match &file.delivery {
            // Nothing comes after this for a file: it is where its ticket is.
            Some(Delivery::Delivered { .. } | Delivery::Registered { .. }) => {
                self.tone(Tone::Quiet, &format!("✓✓ {}", self.say("delivery-registered", &[])))
            }
            Some(delivery) => {
                self.tone(tone(delivery), &format!("{} {}", sign(delivery), self.delivery(delivery)))
            }
            None => self.tone(Tone::Quiet, &self.file_state(file.state)),
        };
        self.line(&format!("  + {}  {}  {state}", one_line(&file.name), self.size(file.size)))
    }

    /// Loud while it is not final, silent when it is; what needs the person says what ends it.
    fn own_state(&self, delivery: &Delivery) -> Result<(), Stop> {
        if matches!(delivery, Delivery::Registered { .. }) {
            return Ok(());
        }
        let line = format!("{} {}", sign(delivery), self.delivery(delivery));
        self.line(&format!("  {}", self.tone(tone(delivery), &line)))?;
        self.remedies(delivery)
    }

    fn remedies(&self, delivery: &Delivery) -> Result<(), Stop> {
        let Delivery::Attention { remedies, .. } = delivery else { return Ok(()) };
        let labels = remedies.iter().map(|remedy| self.remedy(*remedy)).collect::<Vec<_>>().join(" · ");
        self.line(&format!("    {labels}:  pocketdesk outbox"))
    }

    fn next_steps(&self, ticket: &TicketView) -> Result<(), Stop> {
        let id = ticket.summary.number.as_deref().map_or_else(|| ticket.summary.key.id.clone(), one_line);
        let mut steps = Vec::new();
        if ticket.can_confirm {
            steps.push(format!("{}  pocketdesk confirm {id}", self.say("is-it-fixed", &[])));
            steps.push(format!("  pocketdesk reopen {id} --text …"));
        } else if ticket.can_reopen
            && let Some(until) = ticket.reopen_until
        {
            let until = self.say("reopen-until", &[("by", self.when(Phrase::By, until).into())]);
            steps.push(format!("{until}:  pocketdesk reopen {id} --text …"));
        }
        if let Some(rating) = &ticket.rating {
            let mark =
                self.say("rating-mine", &[("value", rating.value.into()), ("max", ticket.rating_max.into())]);
            steps.push(match &rating.delivery {
                Delivery::Registered { .. } | Delivery::Delivered { .. } => mark,
                delivery => {
                    let state = format!("{} {}", sign(delivery), self.delivery(delivery));
                    format!("{mark}  {}", self.tone(tone(delivery), &state))
                }
            });
        } else if ticket.rating_asked {
            let ask = self.say("rating-asked", &[("max", ticket.rating_max.into())]);
            steps.push(format!("{ask}:  pocketdesk rate {id} …"));
        }
        if !steps.is_empty() {
            self.line("")?;
        }
        steps.iter().try_for_each(|step| self.line(step))
    }
}
