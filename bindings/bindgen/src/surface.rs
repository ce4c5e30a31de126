//! The exported surface, a line a thing. Fields and variants stay in their order, which is the order of their bytes on
//! the way between the core and a shell.

use std::fmt::Write as _;

use uniffi_meta::{
    DefaultValueMetadata, EnumMetadata, EnumShape, FieldMetadata, FnParamMetadata, LiteralMetadata, Metadata,
    ObjectImpl, TraitKind, Type,
};

/// See [`crate::surface`].
pub fn write(all: &[Metadata]) -> String {
    let mut namespaces: Vec<&str> = all.iter().map(namespace).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let mut text = String::new();
    for name in namespaces {
        let _ = writeln!(text, "# {name}");
        let ours: Vec<&Metadata> = all.iter().filter(|item| namespace(item) == name).collect();
        // By kind and name: which file of ours a thing stands in is nothing to a shell.
        let mut told: Vec<String> = ours.iter().filter_map(|item| top(item, &ours)).collect();
        told.sort_unstable();
        text.extend(told);
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn namespace(item: &Metadata) -> &str {
    item.module_path().split("::").next().unwrap_or_default()
}

/// What stands by itself, with all that belongs to it.
fn top(item: &Metadata, ours: &[&Metadata]) -> Option<String> {
    let mut text = String::new();
    match item {
        Metadata::Func(function) => {
            let call = call(&function.name, &function.inputs, function.return_type.as_ref());
            let _ =
                writeln!(text, "{}fn {call}{}", asynchronous(function.is_async), throws(&function.throws));
        }
        Metadata::Record(record) => {
            let _ = writeln!(text, "record {}", record.name);
            for field in &record.fields {
                let _ = writeln!(text, "    {}", self::field(field));
            }
        }
        Metadata::Enum(choice) => text = enumeration(choice),
        Metadata::Object(object) => {
            let kind = match object.imp {
                ObjectImpl::Struct => "object",
                ObjectImpl::Trait(TraitKind::RustOnly) => "trait",
                ObjectImpl::Trait(TraitKind::Both) => "trait, also a shell's own,",
                ObjectImpl::Trait(TraitKind::ForeignOnly) => "trait of shells",
            };
            let _ = writeln!(text, "{kind} {}", object.name);
            for member in ours.iter().filter_map(|item| member(item, &object.name)) {
                let _ = writeln!(text, "    {member}");
            }
        }
        Metadata::CallbackInterface(callback) => {
            let _ = writeln!(text, "callback {}", callback.name);
            for member in ours.iter().filter_map(|item| member(item, &callback.name)) {
                let _ = writeln!(text, "    {member}");
            }
        }
        Metadata::CustomType(custom) => {
            let _ = writeln!(text, "type {} = {}", custom.name, name(&custom.builtin));
        }
        Metadata::ObjectTraitImpl(both) => {
            let _ = writeln!(text, "{} is a {}", name(&both.ty), name(&both.trait_ty));
        }
        // Told with the object or record they belong to, or naming no more than the namespace.
        Metadata::Constructor(_)
        | Metadata::Method(_)
        | Metadata::TraitMethod(_)
        | Metadata::UniffiTrait(_)
        | Metadata::Namespace(_)
        | Metadata::UdlFile(_) => return None,
    }
    Some(text)
}

/// A constructor or method of the object `of`.
fn member(item: &Metadata, of: &str) -> Option<String> {
    match item {
        Metadata::Constructor(made) if made.self_name == of => Some(format!(
            "constructor {}{}{}",
            asynchronous(made.is_async),
            call(&made.name, &made.inputs, None),
            throws(&made.throws)
        )),
        Metadata::Method(method) if method.self_name == of => Some(format!(
            "{}fn {}{}",
            asynchronous(method.is_async),
            call(&method.name, &method.inputs, method.return_type.as_ref()),
            throws(&method.throws)
        )),
        Metadata::TraitMethod(method) if method.trait_name == of => Some(format!(
            "{}fn {}{}",
            asynchronous(method.is_async),
            call(&method.name, &method.inputs, method.return_type.as_ref()),
            throws(&method.throws)
        )),
        Metadata::UniffiTrait(of_rust) if of_rust.self_name() == of => {
            Some(format!("as Rust's {}", of_rust.name()))
        }
        _ => None,
    }
}

fn enumeration(choice: &EnumMetadata) -> String {
    let kind = match choice.shape {
        EnumShape::Enum => "enum",
        EnumShape::Error { flat: false } => "error",
        EnumShape::Error { flat: true } => "error (text only)",
    };
    let mut text = format!("{kind} {}\n", choice.name);
    for variant in &choice.variants {
        let fields: Vec<String> = variant.fields.iter().map(field).collect();
        let _ = match (&variant.discr, fields.is_empty()) {
            (Some(number), true) => writeln!(text, "    {} = {}", variant.name, literal(number)),
            (_, true) => writeln!(text, "    {}", variant.name),
            (_, false) => writeln!(text, "    {} {{ {} }}", variant.name, fields.join(", ")),
        };
    }
    text
}

fn field(field: &FieldMetadata) -> String {
    let default = field.default.as_ref().map(|value| format!(" = {}", default(value))).unwrap_or_default();
    format!("{}: {}{default}", field.name, name(&field.ty))
}

fn call(called: &str, inputs: &[FnParamMetadata], answer: Option<&Type>) -> String {
    let inputs: Vec<String> = inputs
        .iter()
        .map(|input| {
            let default =
                input.default.as_ref().map(|value| format!(" = {}", default(value))).unwrap_or_default();
            format!("{}: {}{default}", input.name, name(&input.ty))
        })
        .collect();
    let answer = answer.map(|answer| format!(" -> {}", name(answer))).unwrap_or_default();
    format!("{called}({}){answer}", inputs.join(", "))
}

fn asynchronous(is_async: bool) -> &'static str {
    if is_async { "async " } else { "" }
}

fn throws(thrown: &Option<Type>) -> String {
    thrown.as_ref().map(|thrown| format!(" throws {}", name(thrown))).unwrap_or_default()
}

fn default(value: &DefaultValueMetadata) -> String {
    match value {
        DefaultValueMetadata::Default => "default".to_owned(),
        DefaultValueMetadata::Literal(value) => literal(value),
    }
}

fn literal(value: &LiteralMetadata) -> String {
    match value {
        LiteralMetadata::Boolean(value) => value.to_string(),
        LiteralMetadata::String(value) => format!("{value:?}"),
        LiteralMetadata::UInt(value, ..) => value.to_string(),
        LiteralMetadata::Int(value, ..) => value.to_string(),
        LiteralMetadata::Float(value, _) => value.clone(),
        LiteralMetadata::Enum(variant, of) => format!("{}.{variant}", name(of)),
        LiteralMetadata::EmptySequence | LiteralMetadata::EmptySet => "[]".to_owned(),
        LiteralMetadata::EmptyMap => "{}".to_owned(),
        LiteralMetadata::None => "none".to_owned(),
        LiteralMetadata::Some { inner } => default(inner),
    }
}

fn name(of: &Type) -> String {
    match of {
        Type::UInt8 => "u8".to_owned(),
        Type::Int8 => "i8".to_owned(),
        Type::UInt16 => "u16".to_owned(),
        Type::Int16 => "i16".to_owned(),
        Type::UInt32 => "u32".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::UInt64 => "u64".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::String => "string".to_owned(),
        Type::Bytes => "bytes".to_owned(),
        Type::Timestamp => "timestamp".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::Object { name, .. }
        | Type::Record { name, .. }
        | Type::Enum { name, .. }
        | Type::CallbackInterface { name, .. }
        | Type::Custom { name, .. } => name.clone(),
        Type::Optional { inner_type } => format!("{}?", name(inner_type)),
        Type::Sequence { inner_type } => format!("[{}]", name(inner_type)),
        Type::Set { inner_type } => format!("set of {}", name(inner_type)),
        Type::Map { key_type, value_type } => format!("[{}: {}]", name(key_type), name(value_type)),
        Type::Box { inner_type } => name(inner_type),
    }
}
