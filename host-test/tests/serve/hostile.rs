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
    // The second service takes up what the first one kept.
    for _ in 0..2 {
        let service = Service::annotating(&sandbox, &downstream, &args);
        for harm in ["T", "S", "G", "P", "<", ">>>>", "#", "+", "~", "=", "m="] {
            let events = [json!({ "x": 1 }), json!({ "x": harm }), json!({ "x": 2 })];
            service.post(lines(&events)).expect(200);
            service.get("/health").expect(200);
            sent.extend(events.map(|event| event["x"].clone()));
            let arrived: Vec<Value> =
                downstream.events().iter().map(|event| event["x"].clone()).collect();
            assert_eq!(arrived, sent, "after {harm}");
        }
        assert!(service.metric("orgwatch_guest_traps_total") >= 5.0, "{:#?}", service.lines());
        assert!(service.stop().success());
    }
}
