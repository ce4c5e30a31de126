//! The day itself.

use std::{path::PathBuf, process::Stdio, time::Instant};

use pocketdesk_domain::model::{Delivery, NewReply, TicketFilter, TicketStatus, TicketView};
use pocketdesk_ffi::Unbound;
use pocketdesk_tests::{program::ServerProgram, staff::Staff};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{phone, spoken, story::Story};

const EMAIL: &str = "olena@shop.example";

/// Lives it; the folders stay behind in `keep` when there is one.
pub async fn live(keep: Option<PathBuf>) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|why| format!("no temporary folder: {why}"))?;
    let dir = keep.clone().unwrap_or_else(|| scratch.path().to_owned());
    std::fs::create_dir_all(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    let began = Instant::now();
    let mut story = Story::new();

    let mut server = ServerProgram::start(&dir.join("desk"), "127.0.0.1:0").await?;
    let staff = Staff::new(&server.base, server.staff_token().await?);
    println!(
        "A requester's day. The desk runs at {}; Olena is in a basement with no connection.",
        server.base
    );

    let phone_dir = dir.join("phone").display().to_string();
    let said = said(&phone_dir, &mut story).await?;

    story.scene("No connection: Olena files a ticket with a photo, and the phone dies in her hand");
    let id = filed_then_killed(&phone_dir).await?;
    story.tell(&format!("filed as {}…, and then kill -9", &id[..8]));

    story.scene("The phone is started again, still with no connection: all of it is there");
    let app = phone::open(&phone_dir, true).await?;
    let found = app.tickets(TicketFilter::default(), 0, 10).await.map_err(|why| why.to_string())?;
    let filed = 1 + u64::from(said.is_some());
    told(found.total == filed, format!("{filed} should be there, not {}", found.total))?;
    let key = found.tickets.iter().map(|ticket| ticket.key.clone()).find(|key| key.id == id);
    let key = key.ok_or("the one that was acknowledged should be there")?;
    let view = app.ticket(key).await.map_err(|why| why.to_string())?;
    story.show(&view);
    told(
        view.summary.subject == phone::SUBJECT && view.description == phone::DESCRIPTION,
        "her words changed",
    )?;
    told(is_saved(view.summary.delivery.as_ref()), "it should be saved, nothing more")?;
    told(view.attachments.len() == 1 && view.attachments[0].on_phone, "the photo should be on the phone")?;

    story.scene("Connection, and Olena signs in with a code: what she filed before goes out by itself");
    app.set_offline(false);
    app.start_sign_in(server.base.clone(), EMAIL.into()).await.map_err(|why| why.to_string())?;
    let code = server.code_for(EMAIL).await?;
    let account = app
        .finish_sign_in(server.base.clone(), EMAIL.into(), code, Unbound::Ask)
        .await
        .map_err(|why| why.to_string())?;
    let key =
        app.find_ticket(Some(account.account.clone()), id.clone()).await.map_err(|why| why.to_string())?;
    let number = filed.to_string();
    let view = phone::shows(&app, &key, &format!("№{number}"), |view| {
        view.summary.number.as_deref() == Some(&number) && registered(view.summary.delivery.as_ref())
    })
    .await?;
    story.show(&view);
    if let Some((spoken, recording)) = said {
        let spoken = app.find_ticket(None, spoken).await.map_err(|why| why.to_string())?;
        let view = phone::shows(&app, &spoken, "№1 with its recording", |view| {
            view.summary.number.as_deref() == Some("1")
                && view.attachments.iter().any(|file| registered(file.delivery.as_ref()))
        })
        .await?;
        story.show(&view);
        told(staff.file(&recording).await?.starts_with(b"fLaC"), "the desk should be able to hear it")?;
        story.tell("what she said is №1; staff can hear it too");
    }
    let view = phone::shows(&app, &key, "the photo at the desk", |view| {
        view.attachments.first().is_some_and(|file| registered(file.delivery.as_ref()))
    })
    .await?;
    let sent = std::fs::read(crate::photo()).map_err(|why| format!("the photo: {why}"))?;
    told(
        staff.file(&view.attachments[0].id).await? == sent,
        "the desk should open the same photo, byte for byte",
    )?;
    story.tell("staff open the photo: the same bytes");

    story.scene("Staff take it, answer with a file and move the promise: it appears on the phone by itself");
    let now = view.summary.updated_at;
    staff.assignee(&id, "Taras").await?;
    staff.status(&id, "open").await?;
    staff.deadline(&id, now + 2 * 3_600_000, None).await?;
    staff.note(&id, "Check the fuse box before driving there").await?;
    staff.deadline(&id, now + 4 * 3_600_000, Some("the spare part comes at noon")).await?;
    let committed = Instant::now();
    staff
        .reply_with_file(
            &id,
            "Please unplug it for a minute, see the sheet.",
            "reset.txt",
            b"1. Unplug. 2. Wait. 3. Plug in.",
        )
        .await?;
    let view = phone::shows(&app, &key, "the reply and the moved promise", |view| {
        view.comments.iter().any(|comment| comment.author.staff && !comment.attachments.is_empty())
            && view.deadline.as_ref().is_some_and(|deadline| deadline.moved_from.is_some())
    })
    .await?;
    story.tell(&format!("on the screen {} ms after staff pressed Send", committed.elapsed().as_millis()));
    story.show(&view);
    told(view.summary.unread > 0, "what staff said should count as unread")?;
    told(!format!("{view:?}").contains("fuse box"), "an internal note reached the phone")?;
    let sheet =
        view.comments.iter().flat_map(|comment| &comment.attachments).next().ok_or("no file in the reply")?;
    let copy = dir.join("reset.txt");
    app.open_attachment(Some(key.account.clone()), sheet.id.clone(), copy.display().to_string())
        .await
        .map_err(|why| format!("the sheet could not be opened: {why}"))?;
    told(
        std::fs::read(&copy).is_ok_and(|bytes| bytes.starts_with(b"1. Unplug.")),
        "the sheet should open whole",
    )?;
    app.mark_read(key.clone()).await.map_err(|why| why.to_string())?;
    phone::shows(&app, &key, "nothing unread", |view| view.summary.unread == 0).await?;
    story.tell("the sheet opens; nothing is unread any more");

    story.scene("The train enters a tunnel: Olena answers with no connection, then once more with one");
    app.set_offline(true);
    reply(&app, &key, "Unplugged it. Still red.").await?;
    let view = phone::shows(&app, &key, "her words", |view| mine(view) == 1).await?;
    story.show(&view);
    told(
        view.comments
            .iter()
            .filter(|comment| comment.author.me)
            .all(|comment| is_saved(comment.delivery.as_ref())),
        "it should be saved, nothing more",
    )?;
    app.set_offline(false);
    reply(&app, &key, "And now the screen is dark, too.").await?;
    let view = phone::shows(&app, &key, "both in the ticket", |view| {
        view.comments
            .iter()
            .filter(|comment| comment.author.me && registered(comment.delivery.as_ref()))
            .count()
            == 2
    })
    .await?;
    story.show(&view);

    story.scene("Staff say it is solved; it is not, and Olena says so in one tap");
    staff.status(&id, "solved").await?;
    phone::shows(&app, &key, "the question whether it is fixed", |view| {
        view.summary.status == TicketStatus::Solved && view.can_confirm && view.can_reopen
    })
    .await?;
    app.reopen(key.clone(), "It went dark again.".into()).await.map_err(|why| why.to_string())?;
    let view = phone::shows(&app, &key, "the ticket open again", |view| {
        view.summary.status == TicketStatus::Open && view.requests.is_empty()
    })
    .await?;
    story.show(&view);

    story.scene("Solved again, this time for good: Olena confirms and rates");
    staff.status(&id, "solved").await?;
    staff.ask_rating(&id).await?;
    phone::shows(&app, &key, "the question for a mark", |view| view.can_confirm && view.rating_asked).await?;
    app.confirm(key.clone()).await.map_err(|why| why.to_string())?;
    app.rate(key.clone(), 5, Some("Quick and kind".into())).await.map_err(|why| why.to_string())?;
    let view = phone::shows(&app, &key, "her mark at the desk", |view| {
        view.requests.is_empty()
            && view
                .rating
                .as_ref()
                .is_some_and(|rating| registered(Some(&rating.delivery)) || delivered(&rating.delivery))
    })
    .await?;
    story.show(&view);
    let seen = staff.ticket(&id).await?.to_string();
    told(seen.contains("Quick and kind"), "the desk should see the mark and its words")?;

    let left = app.unsent(key.account.clone()).await.map_err(|why| why.to_string())?;
    told(left.is_empty(), format!("nothing should be left unsent: {left:?}"))?;
    app.shut_down().await;
    println!("\nNothing lost, nothing twice, nothing left unsent. {:.1} s.", began.elapsed().as_secs_f32());
    if let Some(kept) = keep {
        println!("The folders are in {}", kept.display());
    }
    Ok(())
}

/// Starts the phone in a process of its own, lets it file, and kills it the moment it has said so.
async fn filed_then_killed(dir: &str) -> Result<String, String> {
    let me = std::env::current_exe().map_err(|why| format!("the demo does not know where it is: {why}"))?;
    let mut child = tokio::process::Command::new(me)
        .args(["phone", dir])
        .arg(crate::photo())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|why| format!("the phone did not start: {why}"))?;
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let id = lines.next_line().await.ok().flatten().ok_or("the phone did not say what it filed")?;
    child.kill().await.map_err(|why| format!("the phone could not be killed: {why}"))?;
    Ok(id)
}

/// The spoken ticket's id and its recording's; none where no speech model is to be had.
async fn said(phone_dir: &str, story: &mut Story) -> Result<Option<(String, String)>, String> {
    story.scene("No connection: Olena has no hand free, and says it");
    if spoken::models().is_none() {
        story.tell("no speech model is to be had here (`cargo x model base`): the day goes on with text");
        return Ok(None);
    }
    let app = phone::open(phone_dir, true).await?;
    let draft = spoken::ticket(&app, story).await?;
    let heard = draft.spoken.clone().ok_or("a dictation should become a spoken draft")?;
    story.tell(&format!("heard ({}): {}", heard.language, draft.text));
    story.tell(&format!("the draft's title: {}", draft.subject));
    told(
        heard.language == "ru" && draft.text.to_lowercase().contains("принтер"),
        "the words should be hers",
    )?;
    let unsent = app.outbox(None).await.map_err(|why| why.to_string())?;
    told(unsent.is_empty(), "nothing should be sent before she has looked")?;
    let recording = heard.recording.ok_or("the recording should be with the draft")?;
    let op = app.send_draft(None, draft.id).await.map_err(|why| format!("send: {why}"))?;
    let key = app.find_ticket(None, op.entity.clone()).await.map_err(|why| why.to_string())?;
    let view = app.ticket(key).await.map_err(|why| why.to_string())?;
    story.tell("she looks, and presses Send");
    story.show(&view);
    told(is_saved(view.summary.delivery.as_ref()), "it should be saved, nothing more")?;
    app.shut_down().await;
    Ok(Some((op.entity, recording)))
}

async fn reply(
    app: &pocketdesk_ffi::Pocketdesk,
    key: &pocketdesk_domain::model::TicketKey,
    text: &str,
) -> Result<(), String> {
    let words = NewReply { text: text.into(), ..NewReply::default() };
    app.reply(key.clone(), words).await.map(drop).map_err(|why| format!("reply: {why}"))
}

fn told(so: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if so { Ok(()) } else { Err(otherwise.into()) }
}

fn mine(view: &TicketView) -> usize {
    view.comments.iter().filter(|comment| comment.author.me).count()
}

fn is_saved(delivery: Option<&Delivery>) -> bool {
    matches!(delivery, Some(Delivery::Saved { .. }))
}

fn delivered(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Delivered { .. })
}

fn registered(delivery: Option<&Delivery>) -> bool {
    matches!(delivery, Some(Delivery::Registered { .. }))
}
