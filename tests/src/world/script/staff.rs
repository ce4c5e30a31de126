//! What staff do at the desk.

use std::collections::BTreeSet;

use pocketdesk_protocol::{ids::CommentId, rows::Status};
use pocketdesk_server::{
    context::{Context, ServiceError},
    people::{self, NewCompany, PutScopes, Sees},
    staff,
    store::Mode,
};

use crate::world::{
    OLENA, TARAS, World,
    trace::note,
    truth::{STAFF, What, Word},
};

impl World {
    pub(super) async fn staff_reply(&mut self, phone: usize) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let mark = self.truth.mark(STAFF);
        let text = format!("{mark} switch it off and on");
        let done =
            self.desk.call(|ctx| async move { staff::reply(&ctx, "Max", ticket, &text, &[]).await }).await;
        note!(self.trace, "staff reply {mark}: {:?}", done.as_ref().map(Result::is_ok));
        if let Some(Ok(_)) = done {
            self.truth.staff.push(mark);
        }
    }

    pub(super) async fn staff_status(&mut self, phone: usize, which: u8) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let status =
            [Status::Solved, Status::Open, Status::WaitsForRequester, Status::Solved][usize::from(which)];
        let done =
            self.desk.call(|ctx| async move { staff::set_status(&ctx, "Max", ticket, status).await }).await;
        note!(self.trace, "staff set {status:?}: {:?}", done.map(|done| done.is_ok()));
    }

    pub(super) async fn staff_remove(&mut self, phone: usize, erase: bool) {
        let email = self.phones[phone].email;
        // Of what they see: what is still on its way nobody can remove.
        let Some(Ok(seen)) = self.desk.call(comments).await else { return };
        let comments: Vec<Word> = self
            .truth
            .words
            .iter()
            .filter(|word| word.what == What::Comment && word.email == email)
            .filter(|word| seen.contains(&word.entity.to_string()))
            .cloned()
            .collect();
        if comments.is_empty() {
            return;
        }
        let word = comments[self.chance.usize(..comments.len())].clone();
        let comment = CommentId(word.entity.0);
        let done = self
            .desk
            .call(|ctx| async move {
                match erase {
                    true => staff::erase_comment(&ctx, comment).await,
                    false => staff::delete_comment(&ctx, comment).await,
                }
            })
            .await;
        note!(
            self.trace,
            "staff {} {}: {:?}",
            if erase { "erase" } else { "delete" },
            word.mark,
            done.as_ref().map(Result::is_ok)
        );
        match done {
            Some(Ok(_)) => {
                self.truth.excuse(word.entity);
                self.truth.removed.insert(word.entity);
            }
            // It may have been done; nobody knows.
            None => self.truth.excuse(word.entity),
            Some(Err(_)) => {}
        }
    }

    pub(super) async fn staff_follow(&mut self, phone: usize, on: bool) {
        let Some(ticket) = self.some_ticket(phone) else { return };
        let email = if self.phones[phone].email == OLENA { TARAS } else { OLENA };
        let done = self
            .desk
            .call(|ctx| async move {
                let who = {
                    let mut tx = ctx.store.begin(Mode::Read).await.ok()?;
                    [people::find_by_email(tx.as_mut(), email).await.ok()??]
                };
                let (add, remove): (&[_], &[_]) = if on { (&who, &[]) } else { (&[], &who) };
                staff::participants(&ctx, "Max", ticket, add, remove).await.ok()
            })
            .await;
        // Also when the server died under it: it may have been done. What is over is not judged before the rest, where
        // each row of the phone must be one the server shows this person.
        if on && done != Some(None) {
            self.truth.follows.insert((ticket, email));
        }
        note!(self.trace, "staff have {email} follow, {on}: {done:?}");
    }

    /// Taras sees what his company files, or only what is his own.
    pub(super) async fn staff_scopes(&mut self, all: bool) {
        if all {
            self.truth.taras_sees_all = true;
        }
        let done = self.desk.call(move |ctx| async move { sees_company(&ctx, TARAS, all).await.ok() }).await;
        note!(self.trace, "staff let {TARAS} see all, {all}: {done:?}");
    }
}

/// Ids of the comments that the desk holds.
async fn comments(ctx: Context) -> Result<BTreeSet<String>, ServiceError> {
    let mut tx = ctx.store.begin(Mode::Read).await?;
    let rows = tx.query("SELECT id FROM comment", &[]).await?;
    rows.iter().map(|row| Ok(row[0].text()?.to_owned())).collect()
}

/// Puts the person into the desk's one company, which is made if there is none.
pub(in crate::world) async fn sees_company(
    ctx: &Context,
    email: &str,
    all: bool,
) -> Result<(), ServiceError> {
    let company = match people::companies(ctx).await?.first() {
        Some(company) => company.id,
        None => {
            people::create_company(ctx, &NewCompany { name: "The shop".into(), sites: Vec::new() }).await?.id
        }
    };
    let who = {
        let mut tx = ctx.store.begin(Mode::Read).await?;
        people::find_by_email(tx.as_mut(), email).await?.ok_or(ServiceError::NotFound("person"))?
    };
    let sees = if all { Sees::Company } else { Sees::Own };
    let scopes = PutScopes { company: Some(company), sites: Vec::new(), sees };
    people::put_scopes(ctx, who, &scopes).await.map(drop)
}
