//! With modules of a few lines; `tests/baking.rs` does it with the artifacts.

use super::*;

/// A module with a header in its second segment, and a memory of two pages.
fn module(version: &str) -> Vec<u8> {
    let magic: String =
        orgwatch::embedded_config::MAGIC.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let version: String = orgwatch::embedded_config::padded(version)
        .iter()
        .map(|byte| format!("\\{byte:02x}"))
        .collect();
    let slices = "\\01\\00\\00\\00\\00\\00\\00\\00".repeat(3);
    let text = format!(
        r#"(module (memory (export "memory") 2 3) (func (export "f") (memory.init 2 (i32.const 0) (i32.const 0) (i32.const 0)))
             (data (i32.const 8) "before") (data (i32.const 16) "xy{magic}{version}{slices}z") (data (i32.const 99) "after"))"#
    );
    wat::parse_str(text).unwrap()
}

fn ours() -> Vec<u8> {
    module(env!("CARGO_PKG_VERSION"))
}

#[test]
fn what_is_baked_is_there() {
    assert_eq!(contents(&ours()).unwrap().settings, None);
    for state in [None, Some(&b"state"[..])] {
        let baked = bake(&ours(), "{\"late\":\"2h\"}", state, None).unwrap();
        let there = contents(&baked).unwrap();
        assert_eq!(there.settings.as_deref(), Some("{\"late\":\"2h\"}"));
        assert_eq!(there.state.as_deref(), state);
        assert_eq!(
            bake(&ours(), "{\"late\":\"2h\"}", state, None).unwrap(),
            baked,
            "always the same"
        );
        wasmparser::Validator::new().validate_all(&baked).unwrap();
        let whole = Module::parse(&baked).unwrap();
        assert_eq!(orgwatch_artifact::integrity(&whole), orgwatch_artifact::Integrity::Whole);
    }
}

#[test]
fn a_pack_stands_beside_settings_and_memory() {
    let rules = Rules { name: "mine/", pack: b"pack" };
    for state in [None, Some(&b"state"[..])] {
        let baked = bake(&ours(), "{}", state, Some(&rules)).unwrap();
        let there = contents(&baked).unwrap();
        assert_eq!((there.state.as_deref(), there.pack.as_deref()), (state, Some(&b"pack"[..])));
        assert_eq!(contents(&emptied(&baked).unwrap()).unwrap().pack, None);
    }
}

#[test]
fn what_is_emptied_has_nothing_baked_in() {
    let baked = bake(&ours(), "{\"late\":\"2h\"}", Some(b"state"), None).unwrap();
    let emptied = emptied(&baked).unwrap();
    assert_eq!(contents(&emptied).unwrap(), contents(&ours()).unwrap());
    assert_eq!(emptied.len(), baked.len());
    assert_eq!(super::emptied(&ours()).unwrap(), ours());
}

#[test]
fn it_stands_behind_all_that_was_laid_out() {
    let settings = format!("{{\"x\":\"{}\"}}", "y".repeat(200_000));
    let baked = bake(&ours(), &settings, Some(b"state"), None).unwrap();
    let engine = wasmtime::Engine::default();
    let code = wasmtime::Module::new(&engine, &baked).unwrap();
    let mut store = wasmtime::Store::new(&engine, ());
    let instance = wasmtime::Instance::new(&mut store, &code, &[]).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    assert_eq!(memory.size(&store), 2 + 4);
    let data = memory.data(&store);
    assert_eq!(&data[8..14], b"before");
    assert_eq!(&data[99..104], b"after");
    let word = |at: usize| u32::from_le_bytes(data[at..at + 4].try_into().unwrap()) as usize;
    let (address, length) = (word(16 + 2 + 32), word(16 + 2 + 36));
    assert_eq!(address, 2 << 16);
    assert_eq!(&data[address..address + length], settings.as_bytes());
    let (address, length) = (word(16 + 2 + 40), word(16 + 2 + 44));
    assert_eq!(&data[address..address + length], b"state");
}

#[test]
fn a_component_keeps_all_but_the_module_with_the_header() {
    let (core, other) = (ours(), wat::parse_str("(module (func (export \"g\")))").unwrap());
    let mut whole = Component::new();
    whole.section(&RawSection { id: CORE_MODULE, data: &other });
    whole.section(&RawSection { id: CORE_MODULE, data: &core });
    whole.section(&RawSection { id: CORE_MODULE, data: &other });
    let whole = whole.finish();
    let baked = bake(&whole, "{}", None, None).unwrap();
    wasmparser::Validator::new().validate_all(&baked).unwrap();
    assert_eq!(contents(&baked).unwrap().settings.as_deref(), Some("{}"));
    let (was, is) = (Module::parse(&whole).unwrap(), Module::parse(&baked).unwrap());
    assert_eq!(was.sections[0].data, is.sections[0].data);
    assert_eq!(was.sections[2].data, is.sections[2].data);
    let twice = [&whole[..], &whole[8..]].concat();
    assert!(matches!(bake(&twice, "{}", None, None), Err(Error::Layout(_))));
}

#[test]
fn what_cannot_be_baked_into_is_refused() {
    let again = bake(&ours(), "{}", None, None).unwrap();
    assert!(matches!(bake(&again, "{}", None, None), Err(Error::Baked)));
    let newer = bake(&module("99.1.0"), "{}", None, None).unwrap_err();
    assert!(newer.to_string().starts_with("it is orgwatch 99.1.0, and this is "), "{newer}");
    for foreign in ["(module)", "(component)", "(module (memory 1) (data (i32.const 0) \"x\"))"] {
        let foreign = wat::parse_str(foreign).unwrap();
        assert!(matches!(bake(&foreign, "{}", None, None), Err(Error::Foreign)));
    }
    assert!(matches!(bake(b"no", "{}", None, None), Err(Error::Malformed(_))));
    let mut damaged = orgwatch_artifact::seal(&ours()).unwrap();
    damaged[20] ^= 1;
    assert!(matches!(bake(&damaged, "{}", None, None), Err(Error::Damaged)), "it would be sealed");
    let long = " ".repeat(MAX_BAKED + 1);
    assert!(matches!(bake(&ours(), &long, None, None), Err(Error::TooLong(_))));
}

#[test]
fn no_damaged_artifact_makes_it_panic() {
    let whole = ours();
    for at in 0..whole.len() {
        for bits in [1, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= bits;
            let _ = bake(&damaged, "{}", Some(b"x"), None);
            let _ = crate::inspect::inspect(std::path::Path::new("a"), &damaged);
        }
    }
}
