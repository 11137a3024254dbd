//! Files of a component's code, compiled ahead of time for the program that embeds the component.

/// A file of the code of the component with this digest, for an architecture as Rust names it.
pub fn code_file(arch: &str, digest: &str, code: &[u8]) -> Vec<u8> {
    let mut file = first_line(arch, digest).into_bytes();
    file.extend(code);
    file
}

/// The code in a file, if it is of the component with this digest and for this architecture.
pub fn code_of<'a>(file: &'a [u8], arch: &str, digest: &str) -> Option<&'a [u8]> {
    file.strip_prefix(first_line(arch, digest).as_bytes())
}

fn first_line(arch: &str, digest: &str) -> String {
    format!("orgwatch-compiled {arch} {digest}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_only_for_its_component_and_architecture() {
        let file = code_file("x86_64", "sha256:1", b"code");
        assert_eq!(code_of(&file, "x86_64", "sha256:1"), Some(&b"code"[..]));
        assert_eq!(code_of(&file, "aarch64", "sha256:1"), None);
        assert_eq!(code_of(&file, "x86_64", "sha256:2"), None);
        assert_eq!(code_of(b"", "x86_64", "sha256:1"), None);
    }
}
