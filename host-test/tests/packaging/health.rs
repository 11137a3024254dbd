//! `orgwatch health`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;
use std::{iter, thread};

use crate::serve::service::Service;
use crate::util::Sandbox;

#[test]
fn it_is_ready_while_the_service_is_there() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[]);
    let address = service.address.clone();
    for flags in [&["health", &address][..], &["health", "--live", &address]] {
        let ran = sandbox.run(flags);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    }
    drop(service);
    let ran = sandbox.run(&["health", &address]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains(&format!("the service at {address} does not answer")), "{}", ran.err);
}

#[test]
fn another_answer_than_200_is_no_health() {
    let sandbox = Sandbox::new();
    for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 2000 \r\n\r\n", "200", ""]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, told) = mpsc::channel();
        // It answers everybody for as long as the tests run: the port may have been that of a service which
        // another test still asks, and is not to be another's while this one asks.
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut asked = [0; 4096];
                let read = stream.read(&mut asked).unwrap_or_default();
                let _ = stream.write_all(answer.as_bytes());
                let _ = tell.send(String::from_utf8_lossy(&asked[..read]).into_owned());
            }
        });
        let ran = sandbox.run(&["health", &address]);
        assert_eq!(ran.code, 2, "{answer:?}");
        assert!(ran.err.contains("answers: "), "{}", ran.err);
        let mut asked = iter::from_fn(|| told.recv_timeout(Duration::from_secs(10)).ok());
        assert!(asked.any(|asked| asked.starts_with("GET /health/ready HTTP/1.1\r\n")));
    }
}

#[test]
fn a_service_that_hangs_up_is_not_ready() {
    let sandbox = Sandbox::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // It reads nothing, so that asking may fail as well as reading the answer.
    thread::spawn(move || listener.incoming().for_each(drop));
    for _ in 0..20 {
        let ran = sandbox.run(&["health", &address]);
        assert_eq!(ran.code, 2, "{ran:?}");
    }
}

#[test]
fn it_asks_this_machine_alone() {
    let ran = Sandbox::new().run(&["health", "192.0.2.1:6003"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("only a loopback address"), "{}", ran.err);
}
