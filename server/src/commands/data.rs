//! The verbs that work on the data directory and serve nobody.
#![allow(clippy::print_stdout)]

use std::{collections::BTreeMap, path::Path};

use serde_json::json;

use super::{AddPerson, CatalogueArgs, Places, configuration};
use crate::{
    auth::keys,
    backup, catalogue,
    config::{Config, Flags},
    env::{Env, system},
    people::{self, NewPerson},
    server::{Ground, StartError},
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

pub(super) async fn catalogue(
    args: CatalogueArgs,
    environment: BTreeMap<String, String>,
) -> Result<(), String> {
    let config = configuration(&args.places, environment, Flags::default())?;
    let place = args.file.display();
    let text = std::fs::read_to_string(&args.file).map_err(|why| format!("{place}: {why}"))?;
    let new =
        catalogue::parse(&text).map_err(|why| format!("{place}: {why}; the catalogue stays as it was"))?;
    let ground = Ground::open(&config).await.map_err(|why| why.to_string())?;
    let ctx = ground.context(&config).await.map_err(|why| why.to_string())?;
    let done = catalogue::replace(&ctx, &new).await.map_err(|why| format!("{place}: {why}"))?;
    let catalogue::Replaced { added, changed, removed, unchanged } = done;
    println!(
        "{}",
        json!({ "event": "catalogue", "added": added, "changed": changed, "removed": removed, "unchanged": unchanged })
    );
    Ok(())
}

/// Copies database and files of the configured server into `folder`, while it runs or not.
pub async fn backup(config: &Config, env: &Env, folder: &Path) -> Result<(), StartError> {
    let ground = Ground::open_on(config, env.clone()).await?;
    Ok(backup::backup(ground.store.as_ref(), &ground.env, &ground.blobs, folder).await?)
}

/// Fills the configured, empty data directory from `folder`.
pub async fn restore(config: &Config, env: &Env, folder: &Path) -> Result<(), StartError> {
    let ground = Ground::open_on(config, env.clone()).await?;
    let Ground { env, store, blobs, outside, .. } = &ground;
    Ok(backup::restore(store.as_ref(), env, blobs, outside.as_ref(), folder).await?)
}
