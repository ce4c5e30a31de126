//! What a file is, by its bytes and never by its name, and a name that is safe to say in a header.

/// Bytes of a file's beginning that are looked at.
pub const SNIFFED_BYTES: usize = 8 << 10;

/// The kind of a file that begins with `head`.
pub fn mime(head: &[u8]) -> &'static str {
    let head = &head[..head.len().min(SNIFFED_BYTES)];
    match infer::get(head) {
        Some(kind) => kind.mime_type(),
        None if is_text(head) => "text/plain",
        None => "application/octet-stream",
    }
}

fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The beginning may end inside a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or("")
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// `Content-Disposition` of a download: always an attachment, so that nothing a requester sent runs in a browser.
pub fn disposition(name: &str) -> String {
    let name = safe_name(name);
    let ascii: String =
        name.chars().map(|c| if c.is_ascii() && c != '"' && c != '\\' { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The name without folders, control characters and marks that turn the direction of writing (`exe.fdp` reads as
/// `pdf.exe` behind one).
pub fn safe_name(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| {
            !c.is_control()
                && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .map(|c| if matches!(c, '/' | '\\') { '_' } else { c })
        .collect();
    let name = name.trim().trim_start_matches('.').trim();
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_named_png_is_no_picture() {
        assert_eq!(mime(b"<!DOCTYPE html><script>1</script>"), "text/html");
        assert_eq!(mime(b"\x89PNG\r\n\x1a\n0000"), "image/png");
        assert_eq!(mime("Привіт".as_bytes()), "text/plain");
        assert_eq!(mime(&"Привіт".as_bytes()[..3]), "text/plain");
        assert_eq!(mime(b"a\0b"), "application/octet-stream");
        assert_eq!(mime(b""), "application/octet-stream");
    }

    #[test]
    fn a_name_cannot_leave_its_header_or_its_folder() {
        assert_eq!(safe_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(safe_name("\r\nSet-Cookie: a=b"), "Set-Cookie: a=b");
        assert_eq!(safe_name("photo\u{202e}gpj.exe"), "photogpj.exe");
        assert_eq!(safe_name(" . "), "file");
        let text = disposition("каса \"1\".png");
        assert!(text.is_ascii() && text.starts_with("attachment; filename=\"____ _1_.png\""), "{text}");
        assert!(text.ends_with("filename*=UTF-8''%D0%BA%D0%B0%D1%81%D0%B0%20%221%22.png"), "{text}");
    }
}
