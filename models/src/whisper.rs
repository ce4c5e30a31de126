//! Whisper from CTranslate2 to ggml. Names differ, attention's matrices come joined and leave apart, and what
//! CTranslate2 rounds although it need not (the encoder's positions) is computed anew.

use std::io::{Read, Seek, Write};

use half::f16;

use crate::{
    Failure,
    ct2::Arrays,
    ggml::{self, Writer, number},
    mel,
    quantise::{BLOCK, Quant},
    vocabulary,
};

/// What kind of Whisper it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Tokens, special ones included.
    pub vocabulary: usize,
    /// Positions of the encoder.
    pub audio_positions: usize,
    /// Positions of the decoder.
    pub text_positions: usize,
    /// Width of every layer.
    pub width: usize,
    /// Heads of the encoder's and the decoder's attention.
    pub heads: (usize, usize),
    /// Layers of encoder and decoder.
    pub layers: (usize, usize),
    /// Bands of the spectrum.
    pub mels: usize,
}

/// One tensor to be written, and where it comes from.
struct Planned {
    name: String,
    shape: Vec<usize>,
    from: From,
    /// Stays in single precision whatever the file's rounding.
    exact: bool,
}

enum From {
    /// A whole array.
    Array(String),
    /// Rows of an array, from the first number to before the second.
    Rows(String, usize, usize),
    /// The encoder's positions.
    Positions,
}

/// Writes the model in `arrays` with its words, rounded to `quant`, as ggml. Calls `each` after every tensor with how
/// many are written and how many there are; it may end the work.
pub fn convert<R: Read + Seek>(
    arrays: &mut Arrays<R>,
    words: &str,
    quant: Quant,
    out: impl Write,
    mut each: impl FnMut(usize, usize) -> Result<(), Failure>,
) -> Result<Shape, Failure> {
    let shape = Shape::of(arrays)?;
    if !shape.width.is_multiple_of(BLOCK) {
        return Err(bad(format!("its width {} is no multiple of {BLOCK}", shape.width)));
    }
    let count = if shape.vocabulary >= 51_865 { 50_257 } else { 50_256 };
    let words = vocabulary::words(words, count)?;
    let plan = plan(arrays, shape)?;
    let mut out = Writer(out);
    let failed = |error: std::io::Error| bad(format!("it could not be written: {error}"));
    head(&mut out, shape, quant, &words).map_err(failed)?;
    for (at, tensor) in plan.iter().enumerate() {
        let (kind, bytes) = tensor.bytes(arrays, quant, shape)?;
        out.tensor(&tensor.name, &tensor.shape, kind, &bytes).map_err(failed)?;
        each(at + 1, plan.len())?;
    }
    out.0.flush().map_err(failed)?;
    Ok(shape)
}

fn head(out: &mut Writer<impl Write>, shape: Shape, quant: Quant, words: &[Vec<u8>]) -> std::io::Result<()> {
    let sizes = [
        shape.vocabulary,
        shape.audio_positions,
        shape.width,
        shape.heads.0,
        shape.layers.0,
        shape.text_positions,
        shape.width,
        shape.heads.1,
        shape.layers.1,
        shape.mels,
    ];
    out.numbers(&[ggml::MAGIC])?;
    out.numbers(&sizes.map(number))?;
    out.numbers(&[quant.file_type(), number(shape.mels), number(mel::BINS)])?;
    out.floats(&mel::filters(shape.mels))?;
    out.numbers(&[number(words.len())])?;
    words.iter().try_for_each(|word| out.word(word))
}

impl Shape {
    fn of<R: Read + Seek>(arrays: &mut Arrays<R>) -> Result<Self, Failure> {
        let two = |shape: &[usize], what: &str| match shape {
            [one, two] => Ok((*one, *two)),
            _ => Err(bad(format!("{what} is no matrix"))),
        };
        let (vocabulary, width) = two(arrays.shape("decoder/embeddings/weight")?, "the embedding")?;
        let (audio_positions, _) =
            two(arrays.shape("encoder/position_encodings/encodings")?, "the encoder's positions")?;
        let (text_positions, _) =
            two(arrays.shape("decoder/position_encodings/encodings")?, "the decoder's positions")?;
        let mels = match arrays.shape("encoder/conv1/weight")? {
            [_, mels, _] => *mels,
            _ => return Err(bad("its first layer is no convolution")),
        };
        let layers = |side: &str, arrays: &Arrays<R>| {
            let start = format!("{side}/layer_");
            let numbers = arrays.names().filter_map(|name| {
                name.strip_prefix(&start)?.split('/').next()?.parse::<usize>().ok().map(|number| number + 1)
            });
            numbers.max().unwrap_or(0)
        };
        Ok(Self {
            vocabulary,
            audio_positions,
            text_positions,
            width,
            heads: (arrays.number("encoder/num_heads")?, arrays.number("decoder/num_heads")?),
            layers: (layers("encoder", arrays), layers("decoder", arrays)),
            mels,
        })
    }
}

impl Planned {
    fn bytes<R: Read + Seek>(
        &self,
        arrays: &mut Arrays<R>,
        quant: Quant,
        shape: Shape,
    ) -> Result<(i32, Vec<u8>), Failure> {
        if self.exact {
            let floats = match &self.from {
                From::Array(name) => arrays.floats(name)?,
                From::Rows(name, from, to) => rows(arrays.floats(name)?, &self.shape, *from, *to)?,
                From::Positions => mel::positions(shape.audio_positions, shape.width),
            };
            return Ok((ggml::F32, floats.iter().flat_map(|float| float.to_le_bytes()).collect()));
        }
        let halves: Vec<f16> = match &self.from {
            From::Rows(name, from, to) => rows(arrays.halves(name)?, &self.shape, *from, *to)?,
            From::Array(name) => arrays.halves(name)?,
            From::Positions => return Err(bad("positions are exact")),
        };
        // Only matrices are rounded: the two convolutions are small and run once.
        let quant = if self.shape.len() == 2 { quant } else { Quant::F16 };
        let mut bytes = Vec::with_capacity(halves.len() * 2);
        quant.encode(&halves, &mut bytes);
        Ok((quant.tensor_type(), bytes))
    }
}

/// Rows `from..to` of values whose rows are as long as those of `shape`, or single.
fn rows<T>(values: Vec<T>, shape: &[usize], from: usize, to: usize) -> Result<Vec<T>, Failure> {
    let row: usize = shape[1..].iter().product();
    let mut values = values;
    if to * row > values.len() {
        return Err(bad("a joined matrix is shorter than its parts"));
    }
    values.truncate(to * row);
    Ok(values.split_off(from * row))
}

struct Plan<'a, R> {
    arrays: &'a mut Arrays<R>,
    width: usize,
    all: Vec<Planned>,
}

impl<R: Read + Seek> Plan<'_, R> {
    fn array(&mut self, name: impl Into<String>, from: impl Into<String>) -> Result<(), Failure> {
        let from = from.into();
        let shape = self.arrays.shape(&from)?.to_vec();
        self.all.push(Planned { name: name.into(), exact: shape.len() < 2, shape, from: From::Array(from) });
        Ok(())
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), Failure> {
        self.array(format!("{to}.weight"), format!("{from}/gamma"))?;
        self.array(format!("{to}.bias"), format!("{from}/beta"))
    }

    fn linear(&mut self, to: &str, from: &str) -> Result<(), Failure> {
        self.array(format!("{to}.weight"), format!("{from}/weight"))?;
        self.array(format!("{to}.bias"), format!("{from}/bias"))
    }

    fn joined(&mut self, to: &str, from: &str, parts: &[&str]) -> Result<(), Failure> {
        let (weight, bias) = (format!("{from}/weight"), format!("{from}/bias"));
        let width = self.width;
        if self.arrays.shape(&weight)? != [width * parts.len(), width] {
            return Err(bad(format!("{weight} has another shape than {} joined matrices", parts.len())));
        }
        for (at, part) in parts.iter().enumerate() {
            let (first, last) = (at * width, (at + 1) * width);
            self.all.push(Planned {
                name: format!("{to}.{part}.weight"),
                shape: vec![width, width],
                from: From::Rows(weight.clone(), first, last),
                exact: false,
            });
            if *part == "key" {
                // Whisper's keys have no bias; CTranslate2 writes zeros for it.
                let values = self.arrays.floats(&bias)?;
                if values.get(first..last).is_none_or(|zeros| zeros.iter().any(|zero| *zero != 0.0)) {
                    return Err(bad(format!("{bias} gives the keys a bias")));
                }
                continue;
            }
            self.all.push(Planned {
                name: format!("{to}.{part}.bias"),
                shape: vec![width],
                from: From::Rows(bias.clone(), first, last),
                exact: true,
            });
        }
        Ok(())
    }
}

fn plan<R: Read + Seek>(arrays: &mut Arrays<R>, shape: Shape) -> Result<Vec<Planned>, Failure> {
    let close = arrays.floats("encoder/position_encodings/encodings")?;
    let positions = mel::positions(shape.audio_positions, shape.width);
    if close.len() != positions.len() || close.iter().zip(&positions).any(|(a, b)| (a - b).abs() > 1e-3) {
        return Err(bad("the encoder's positions are not Whisper's"));
    }
    let mut plan = Plan { arrays, width: shape.width, all: Vec::new() };
    plan.all.push(Planned {
        name: "encoder.positional_embedding".into(),
        shape: vec![shape.audio_positions, shape.width],
        from: From::Positions,
        exact: true,
    });
    for conv in ["conv1", "conv2"] {
        plan.array(format!("encoder.{conv}.weight"), format!("encoder/{conv}/weight"))?;
        plan.all.push(Planned {
            name: format!("encoder.{conv}.bias"),
            shape: vec![shape.width, 1],
            from: From::Array(format!("encoder/{conv}/bias")),
            exact: true,
        });
    }
    plan.norm("encoder.ln_post", "encoder/layer_norm")?;
    plan.array("decoder.positional_embedding", "decoder/position_encodings/encodings")?;
    if let Some(positions) = plan.all.last_mut() {
        positions.exact = true;
    }
    plan.array("decoder.token_embedding.weight", "decoder/embeddings/weight")?;
    plan.norm("decoder.ln", "decoder/layer_norm")?;
    for (side, layers) in [("encoder", shape.layers.0), ("decoder", shape.layers.1)] {
        for layer in 0..layers {
            let (from, to) = (format!("{side}/layer_{layer}"), format!("{side}.blocks.{layer}"));
            plan.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
            let (joined, own) = (format!("{from}/self_attention/linear_0"), format!("{to}.attn"));
            plan.joined(&own, &joined, &["query", "key", "value"])?;
            plan.linear(&format!("{own}.out"), &format!("{from}/self_attention/linear_1"))?;
            if side == "decoder" {
                let (across, cross) = (format!("{from}/attention"), format!("{to}.cross_attn"));
                plan.norm(&format!("{to}.cross_attn_ln"), &format!("{across}/layer_norm"))?;
                plan.joined(&cross, &format!("{across}/linear_0"), &["query"])?;
                plan.joined(&cross, &format!("{across}/linear_1"), &["key", "value"])?;
                plan.linear(&format!("{cross}.out"), &format!("{across}/linear_2"))?;
            }
            plan.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
            plan.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
            plan.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))?;
        }
    }
    Ok(plan.all)
}

fn bad(reason: impl Into<String>) -> Failure {
    Failure::malformed("model.bin", reason)
}
