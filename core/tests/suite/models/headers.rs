//! Files that are nearly models.

use std::io::Cursor;

use pocketdesk_core::voice::models::header::check;

use super::*;

/// Where a file says what shape it has: everything but filters, words and weights.
fn structure(file: &[u8], role: Role) -> Vec<usize> {
    let number = |at: usize| i32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let mut places = Vec::new();
    let mut at = match role {
        Role::Speech => {
            places.extend(0..56);
            let mut at = 56 + 80 * 201 * 4;
            let words = number(at);
            places.extend(at..at + 4);
            at += 4;
            for _ in 0..words {
                places.extend(at..at + 4);
                at += 4 + number(at);
            }
            at
        }
        _ => {
            places.extend(0..18);
            // The version may be another; what follows it may not.
            places.extend(30..106);
            106
        }
    };
    while at < file.len() {
        let (rank, letters, kind) = (number(at), number(at + 4), number(at + 8));
        let head = 12 + 4 * rank + letters;
        places.extend(at..at + head);
        let values: usize = (0..rank).map(|axis| number(at + 12 + 4 * axis)).product();
        at += head
            + match kind {
                0 => values * 4,
                1 => values * 2,
                _ => values / 32 * 24,
            };
    }
    assert_eq!(at, file.len(), "the test reads the file as it is");
    places
}

#[test]
fn real_models_and_files_of_their_shape_pass() {
    check(Role::Speech, Cursor::new(&**SPEECH)).unwrap();
    check(Role::Vad, Cursor::new(&**GATE)).unwrap();
    assert!(check(Role::Vad, Cursor::new(&**SPEECH)).is_err());
    assert!(check(Role::Speech, Cursor::new(&**GATE)).is_err());
    assert!(check(Role::Other, Cursor::new(&**GATE)).is_err());
    for name in
        ["base-q5_1", "base-q8_0", "base-f16", "tiny.en-q5_1", "tiny.en-q8_0", "tiny.en-f16", "silero"]
    {
        // Those that are here; core's tests of real speech say when none is.
        if let Some(path) = pocketdesk_models::cached(name) {
            let role = if name == "silero" { Role::Vad } else { Role::Speech };
            check(role, std::fs::File::open(path).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
    }
}

#[test]
fn of_ten_thousand_mutated_headers_none_gets_through() {
    let mut dice = Dice(0xbad);
    for (rounds, role, whole) in [(7_000, Role::Vad, &**GATE), (3_000, Role::Speech, &**SPEECH)] {
        let places = structure(whole, role);
        let mut file = whole.clone();
        // Words are many and all alike: half of the blows go to the rest.
        let rare: Vec<usize> = places
            .iter()
            .copied()
            .filter(|place| role == Role::Vad || *place < 64_380 || *place > 64_380 + 50_256 * 7)
            .collect();
        for round in 0..rounds {
            let from = if dice.below(2) == 0 { &places } else { &rare };
            let mut harmed = Vec::new();
            for _ in 0..=dice.below(3) {
                let place = from[dice.below(from.len() as u64) as usize];
                harmed.push((place, file[place]));
                file[place] = match dice.below(4) {
                    0 => 0xff,
                    1 => 0,
                    2 => file[place] ^ (1 << dice.below(8)),
                    _ => dice.below(256) as u8,
                };
            }
            let same = harmed.iter().all(|(place, _)| file[*place] == whole[*place]);
            let passed = check(role, Cursor::new(&file)).is_ok();
            assert_eq!(passed, same, "round {round}: {harmed:?} of {role:?}");
            for (place, was) in harmed.into_iter().rev() {
                file[place] = was;
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_or_with_something_after_its_end_is_refused() {
    let mut dice = Dice(12);
    for (role, whole) in [(Role::Vad, &**GATE), (Role::Speech, &**SPEECH)] {
        for round in 0..200 {
            let end = if round < 60 { round as usize } else { dice.below(whole.len() as u64) as usize };
            assert!(check(role, Cursor::new(&whole[..end])).is_err(), "{role:?} cut at {end}");
        }
        let longer = [whole.as_slice(), &[0; 12]].concat();
        assert!(check(role, Cursor::new(longer)).is_err());
    }
}

#[test]
fn what_is_known_to_kill_the_recogniser_is_refused() {
    let with = |at: usize, number: i32| {
        let mut file = SPEECH.to_vec();
        file[at..at + 4].copy_from_slice(&number.to_le_bytes());
        check(Role::Speech, Cursor::new(file)).unwrap_err()
    };
    let first = 64_380 + 50_256 * 7;
    assert!(with(first, 200).contains("200 dimensions"), "writes beyond an array");
    assert!(with(4, 2_000_000_000).contains("2000000000 tokens"), "an exception nobody catches");
    assert!(with(48, -80).contains("filters"));
    assert!(with(64_380, -1).contains("a token has -1 bytes"));
    assert!(with(64_376, i32::MAX).contains("spells"));
    assert!(with(first + 4, i32::MAX).contains("letters"));
    // A tensor twice leaves another one unset.
    let mut twice = SPEECH.to_vec();
    let find = |name: &[u8]| SPEECH.windows(name.len()).position(|window| window == name).unwrap();
    let (one, other) = (find(b"encoder.ln_post.weight"), find(b"decoder.ln.weight"));
    assert_eq!(&twice[other..other + 17], b"decoder.ln.weight");
    let block = find(b"encoder.blocks.1.attn.query.weight");
    twice[block + 15] = b'0';
    assert!(check(Role::Speech, Cursor::new(twice)).unwrap_err().contains("twice"));
    assert!(one < block);
}
