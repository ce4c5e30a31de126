//! The floor: the least a whole stack could cost. reqwest, zstd, serde and plain rusqlite, straight through on one thread, for
//! the same rows from the same endpoints into the same tables, with the same stems in the same search index. It has
//! no engine, no feeds, no overlay, survives nothing, and is sealed only to show what sealing costs.

mod net;
mod row;
mod tables;

use std::time::Instant;

use pocketdesk_protocol::{
    ids::{CommentId, OpId, TicketId},
    op::{CommentAddBody, WireOp, digest, kind},
};
use serde_json::{Value, json};

use crate::{
    Result,
    child::{Task, hear_go, new_id, reads_json, say_ready},
    data::QUERIES,
    meter::{Meter, median, peak_mb, quantile},
};
use net::Net;
use tables::{Cache, Own};

/// Does one task and says what it cost.
pub async fn run(task: &Task, sealed: bool, meter: Meter) -> Result<Value> {
    match task.name.as_str() {
        "sync" => sync(task, sealed, meter).await,
        "first" => first(task, sealed, meter).await,
        "idle" => {
            Cache::open(&task.dir, sealed)?.merge()?;
            Ok(json!({ "cpu_ms": meter.cpu_ms() }))
        }
        "write" => write(task, sealed),
        "push" => push(task, sealed).await,
        "delta" => delta(task, sealed).await,
        "reads" => reads(task, sealed),
        "cold" => {
            let cache = Cache::open(&task.dir, sealed)?;
            let tickets = cache.list(50)?.len();
            Ok(json!({ "cpu_ms": meter.cpu_ms(), "wall_ms": meter.wall_ms(), "tickets": tickets }))
        }
        other => Err(format!("no such task: {other}").into()),
    }
}

async fn sync(task: &Task, sealed: bool, meter: Meter) -> Result<Value> {
    let mut net = Net::new(task)?;
    let mut cache = Cache::create(&task.dir, sealed, task.me)?;
    net.snapshot(&mut cache, |_, _| ()).await?;
    net.pull(&mut cache).await?;
    cache.checkpoint()?;
    let (cpu, wall, peak) = (meter.cpu_ms(), meter.wall_ms(), peak_mb());
    Ok(json!({ "cpu_ms": cpu, "wall_ms": wall, "peak_mb": peak, "tickets": cache.count()? }))
}

async fn first(task: &Task, sealed: bool, meter: Meter) -> Result<Value> {
    let mut net = Net::new(task)?;
    let mut cache = Cache::create(&task.dir, sealed, task.me)?;
    let mut first = None;
    let mut seen = |cache: &Cache, received: u64| {
        if first.is_none() && cache.list(50).is_ok_and(|lines| lines.len() >= 50) {
            first = Some((meter.wall_ms(), received as f64 / 1024.0));
        }
    };
    net.snapshot(&mut cache, &mut seen).await?;
    net.pull(&mut cache).await?;
    let (ms, kb) = first.ok_or("there never was a list of 50")?;
    Ok(json!({ "first_ms": ms, "first_kb": kb, "wall_ms": meter.wall_ms() }))
}

/// Ops as a phone would make them, written one by one.
fn replies(task: &Task, own: &Own) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for (ticket, text) in &task.replies {
        let began = Instant::now();
        own.write(&op(*ticket, text)?, *ticket)?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn op(ticket: TicketId, text: &str) -> Result<WireOp> {
    let (entity, made_at) = new_id()?;
    let entity = CommentId(entity).into();
    let body = CommentAddBody { ticket, text: text.to_owned(), attachments: Vec::new(), made_at };
    let body = serde_json::to_string(&body)?;
    Ok(WireOp {
        op: OpId(new_id()?.0),
        entity,
        prev: None,
        kind: kind::COMMENT_ADD.into(),
        v: 1,
        sha256: digest(kind::COMMENT_ADD, 1, entity, &body),
        body,
        receipt: None,
        age_ms: None,
    })
}

fn write(task: &Task, sealed: bool) -> Result<Value> {
    let own = Own::open(&task.dir, sealed)?;
    let meter = Meter::start();
    let times = replies(task, &own)?;
    let each = meter.cpu_ms() / times.len() as f64;
    Ok(json!({ "median_ms": median(&times), "p99_ms": quantile(&times, 0.99), "cpu_ms": each }))
}

async fn push(task: &Task, sealed: bool) -> Result<Value> {
    let mut own = Own::open(&task.dir, sealed)?;
    let mut cache = Cache::open(&task.dir, sealed)?;
    // What the others' pushes left at the desk comes first, or it would be counted here.
    Net::new(task)?.pull(&mut cache).await?;
    replies(task, &own)?;
    let mut net = Net::new(task)?;
    let meter = Meter::start();
    let pushes = net.push(&mut own, &mut cache).await?;
    let (cpu, wall) = (meter.cpu_ms(), meter.wall_ms());
    Ok(json!({
        "cpu_ms": cpu, "wall_ms": wall, "pushes": pushes, "requests": net.requests, "rows": net.rows,
        "kb": net.received as f64 / 1024.0,
    }))
}

async fn delta(task: &Task, sealed: bool) -> Result<Value> {
    let mut cache = Cache::open(&task.dir, sealed)?;
    let mut net = Net::new(task)?;
    net.pull(&mut cache).await?;
    let before = net.requests;
    say_ready();
    hear_go()?;
    let meter = Meter::start();
    net.pull(&mut cache).await?;
    let lines = cache.ticket(task.ticket()?)?;
    if lines == 0 {
        return Err("the ticket is not there".into());
    }
    Ok(json!({ "cpu_ms": meter.cpu_ms(), "wall_ms": meter.wall_ms(), "requests": net.requests - before }))
}

fn reads(task: &Task, sealed: bool) -> Result<Value> {
    let cache = Cache::open(&task.dir, sealed)?;
    let list = timed(task.rounds, |_| Ok(cache.list(50)?.len()))?;
    let ticket = timed(task.rounds, |at| cache.ticket(task.tickets[at % task.tickets.len()]))?;
    let newest = timed(task.rounds, |at| Ok(cache.search(QUERIES[at % QUERIES.len()], false, 20)?.len()))?;
    let ranked = timed(task.rounds, |at| Ok(cache.search(QUERIES[at % QUERIES.len()], true, 20)?.len()))?;
    Ok(reads_json(list, ticket, newest, ranked))
}

fn timed(rounds: usize, mut call: impl FnMut(usize) -> Result<usize>) -> Result<(f64, f64)> {
    for at in 0..rounds.div_ceil(10) {
        call(at)?;
    }
    let (meter, mut sum) = (Meter::start(), 0);
    for at in 1..=rounds {
        sum += call(at)?;
    }
    Ok((meter.cpu_ms() / rounds as f64, sum as f64 / rounds as f64))
}
