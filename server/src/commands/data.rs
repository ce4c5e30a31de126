//! The verbs that work on the data directory and serve nobody.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use serde_json::json;

use super::{AddPerson, Backup, Places, Restore, configuration};
use crate::{
    auth::keys,
    backup,
    config::Flags,
    env::{Env, system},
    people::{self, NewPerson},
    server::Ground,
};

pub(super) fn staff_token(places: &Places, environment: BTreeMap<String, String>) -> Result<(), String> {
    let config = configuration(places, environment, Flags::default())?;
    let folder = config.keys_path();
    let token = system::private_folder(&config.data)
        .and_then(|()| keys::staff_token(&folder, Env::system().rng.as_ref()))
        .map_err(|why| format!("{}: {why}", folder.display()))?;
    println!("{token}");
    Ok(())
}

pub(super) async fn add_person(args: AddPerson, environment: BTreeMap<String, String>) -> Result<(), String> {
    let config = configuration(&args.places, environment, Flags::default())?;
    let ground = Ground::open(&config).await.map_err(|why| why.to_string())?;
    let ctx = ground.context(&config).await.map_err(|why| why.to_string())?;
    let new = NewPerson {
        email: args.email,
        name: args.name,
        company: None,
        sites: Vec::new(),
        sees: people::Sees::default(),
    };
    let person = people::create(&ctx, &new).await.map_err(|why| why.to_string())?;
    println!("{}", json!({ "id": person.id, "email": person.email }));
    Ok(())
}

pub(super) async fn backup(args: Backup, environment: BTreeMap<String, String>) -> Result<(), String> {
    let config = configuration(&args.places, environment, Flags::default())?;
    let ground = Ground::open(&config).await.map_err(|why| why.to_string())?;
    backup::backup(ground.store.as_ref(), &ground.env, &ground.blobs, &args.to)
        .await
        .map_err(|why| why.to_string())?;
    println!("{}", json!({ "event": "backup", "folder": args.to }));
    Ok(())
}

pub(super) async fn restore(args: Restore, environment: BTreeMap<String, String>) -> Result<(), String> {
    let config = configuration(&args.places, environment, Flags::default())?;
    let ground = Ground::open(&config).await.map_err(|why| why.to_string())?;
    backup::restore(ground.store.as_ref(), &ground.env, &ground.blobs, ground.outside.as_ref(), &args.from)
        .await
        .map_err(|why| why.to_string())?;
    println!("{}", json!({ "event": "restored", "folder": args.from }));
    Ok(())
}
