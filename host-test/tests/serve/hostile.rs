//! A component that means harm, in the path of the events.

use serde_json::{Value, json};

use crate::serve::downstream::Downstream;
use crate::serve::service::{Service, lines};
use crate::util::Sandbox;

#[path = "../../src/plugin/tests/component.rs"]
mod component;

#[test]
fn a_component_that_means_harm_costs_no_event() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let module = include_str!("../../src/plugin/bad_guest.wat");
    sandbox.file("bad.wasm", component::component(module));
    let args = ["--component", "bad.wasm", "--state", "state", "--call-timeout", "200ms"];
    let args = [&args[..], &["--max-memory", "64M", "--max-findings", "1000"]].concat();
    let mut sent = Vec::new();
    // Each service takes up what the one before it kept. The log rations reasons: the first is looked at.
    for (harm, reason) in [
        ("T", "unreachable"),
        ("S", "took longer than"),
        ("G", "wanted more than 67108864 bytes of memory"),
        ("<", "call stack exhausted"),
        (">>>>", "unreachable"),
        ("#", ""),
        ("~", ""),
        ("P", ""),
        ("+", ""),
        ("m=", ""),
    ] {
        let mut service = Service::annotating(&sandbox, &downstream, &args);
        for harm in [harm, "T"] {
            let events = [json!({ "x": 1 }), json!({ "x": harm }), json!({ "x": 2 })];
            service.post(lines(&events)).expect(200);
            service.get("/health").expect(200);
            sent.extend(events.map(|event| event["x"].clone()));
            let arrived: Vec<Value> =
                downstream.events().iter().map(|event| event["x"].clone()).collect();
            assert_eq!(arrived, sent, "after {harm}");
        }
        if !reason.is_empty() {
            let said = service.logged("events that cannot be read are passed on");
            let said = said["reason"].as_str().unwrap();
            assert!(said.contains(reason), "{harm}: {said}");
        }
        assert!(service.metric("orgwatch_guest_traps_total") >= 1.0, "{:#?}", service.lines());
        assert!(service.stop().success());
    }
}
