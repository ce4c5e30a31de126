//! Files of exactly the shape of real models, with weights nobody trained: what is tested here is how they travel.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

/// A Whisper tiny.en in q5_1: 32 MB, eight chunks.
pub fn speech(seed: u64) -> Vec<u8> {
    let (width, layers, vocabulary) = (384, 4, 51_864);
    let mut file = File(Vec::with_capacity(33 << 20), seed);
    file.numbers(&[MAGIC, vocabulary, 1500, width, 6, layers, 448, width, 6, layers, 80, 2009, 80, 201]);
    file.noise(80 * 201 * 4);
    file.numbers(&[50_256]);
    for _ in 0..50_256 {
        file.numbers(&[3]);
        file.0.extend(b"abc");
    }
    file.tensor("encoder.positional_embedding", &[width, 1500], 0);
    for (conv, input) in [("conv1", 80), ("conv2", width)] {
        file.tensor(&format!("encoder.{conv}.weight"), &[3, input, width], 1);
        file.tensor(&format!("encoder.{conv}.bias"), &[1, width], 0);
    }
    file.norm("encoder.ln_post", width);
    file.tensor("decoder.positional_embedding", &[width, 448], 0);
    file.tensor("decoder.token_embedding.weight", &[width, vocabulary], 7);
    file.norm("decoder.ln", width);
    for (side, attentions) in [("encoder", &["attn"][..]), ("decoder", &["attn", "cross_attn"])] {
        for layer in 0..layers {
            let block = format!("{side}.blocks.{layer}");
            for attention in attentions {
                file.norm(&format!("{block}.{attention}_ln"), width);
                for part in ["query", "key", "value", "out"] {
                    file.tensor(&format!("{block}.{attention}.{part}.weight"), &[width, width], 7);
                    if part != "key" {
                        file.tensor(&format!("{block}.{attention}.{part}.bias"), &[width], 0);
                    }
                }
            }
            file.norm(&format!("{block}.mlp_ln"), width);
            file.tensor(&format!("{block}.mlp.0.weight"), &[width, 4 * width], 7);
            file.tensor(&format!("{block}.mlp.0.bias"), &[4 * width], 0);
            file.tensor(&format!("{block}.mlp.2.weight"), &[4 * width, width], 7);
            file.tensor(&format!("{block}.mlp.2.bias"), &[width], 0);
        }
    }
    file.0
}

/// Silero's detector: 0.9 MB, one chunk.
pub fn gate(seed: u64) -> Vec<u8> {
    let mut file = File(Vec::new(), seed);
    file.numbers(&[MAGIC, 10]);
    file.0.extend(b"silero-16k");
    file.numbers(&[6, 2, 0, 512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1]);
    for (at, (input, output)) in [(129, 128), (128, 64), (64, 64), (64, 128)].into_iter().enumerate() {
        file.tensor(&format!("_model.encoder.{at}.reparam_conv.weight"), &[3, input, output], 1);
        file.tensor(&format!("_model.encoder.{at}.reparam_conv.bias"), &[output], 0);
    }
    for side in ["ih", "hh"] {
        file.tensor(&format!("_model.decoder.rnn.weight_{side}"), &[128, 512], 0);
        file.tensor(&format!("_model.decoder.rnn.bias_{side}"), &[512], 0);
    }
    file.tensor("_model.decoder.decoder.2.weight", &[128], 1);
    file.tensor("_model.decoder.decoder.2.bias", &[], 0);
    file.tensor("_model.stft.forward_basis_buffer", &[256, 1, 258], 1);
    file.0
}

const MAGIC: i32 = 0x6767_6d6c;

struct File(Vec<u8>, u64);

impl File {
    fn numbers(&mut self, numbers: &[i32]) {
        self.0.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn noise(&mut self, count: usize) {
        let end = self.0.len() + count;
        while self.0.len() < end {
            self.1 = self.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let room = (end - self.0.len()).min(4);
            // Small numbers: whoever loads this computes with them.
            let bytes = [(self.1 >> 33) as u8, (self.1 >> 41) as u8 & 0x1f, (self.1 >> 49) as u8, 0x3c];
            self.0.extend(&bytes[..room]);
        }
    }

    fn tensor(&mut self, name: &str, shape: &[i32], kind: i32) {
        self.numbers(&[i32::try_from(shape.len()).unwrap(), i32::try_from(name.len()).unwrap(), kind]);
        self.numbers(shape);
        self.0.extend(name.bytes());
        let values = shape.iter().map(|size| usize::try_from(*size).unwrap()).product::<usize>();
        self.noise(match kind {
            0 => values * 4,
            1 => values * 2,
            _ => values / 32 * 24,
        });
    }

    fn norm(&mut self, name: &str, width: i32) {
        self.tensor(&format!("{name}.weight"), &[width], 0);
        self.tensor(&format!("{name}.bias"), &[width], 0);
    }
}
