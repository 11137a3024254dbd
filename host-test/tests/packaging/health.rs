//! `orgwatch health`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

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
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let read = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        let ran = sandbox.run(&["health", &address]);
        assert_eq!(ran.code, 2, "{answer:?}");
        assert!(ran.err.contains("answers: "), "{}", ran.err);
        assert!(answering.join().unwrap().starts_with("GET /health/ready HTTP/1.1\r\n"));
    }
}

#[test]
fn it_asks_this_machine_alone() {
    let ran = Sandbox::new().run(&["health", "192.0.2.1:6003"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("only a loopback address"), "{}", ran.err);
}
