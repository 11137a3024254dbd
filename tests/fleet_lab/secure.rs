//! TLS, and users with the permissions of `docs/fleet.md`.

use std::process::Command;

use crate::util::Sandbox;

/// Makes certificates and credentials; what the server's configuration says of them.
pub fn prepare(sandbox: &Sandbox) -> String {
    let authority =
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=orgwatch -keyout ca.key -out ca.pem";
    openssl(sandbox, authority);
    openssl(
        sandbox,
        "req -newkey rsa:2048 -nodes -subj /CN=nats -keyout server.key -out server.csr",
    );
    sandbox.file("server.ext", "subjectAltName=IP:127.0.0.1\n");
    openssl(
        sandbox,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext \
         -out server.pem",
    );
    for user in ["admin", "detector"] {
        sandbox.file(user, format!("{user}:{user}\n"));
    }
    let [certificate, key] = ["server.pem", "server.key"].map(|name| sandbox.path(name));
    format!(
        "tls {{ cert_file: {certificate:?}, key_file: {key:?} }}\n\
         authorization {{ users = [\n\
         {{ user: admin, password: admin }}\n\
         {{ user: edge, password: edge, permissions: {{ publish: [\"orgwatch.candidate.>\"], \
         subscribe: [\"_INBOX.>\"] }} }}\n\
         {{ user: detector, password: detector, permissions: {{ publish: [\"orgwatch.>\", \
         \"$JS.API.STREAM.INFO.ORGWATCH_CANDIDATES\", \"$JS.API.CONSUMER.CREATE.ORGWATCH_CANDIDATES\", \
         \"$JS.API.CONSUMER.CREATE.ORGWATCH_CANDIDATES.>\", \
         \"$JS.API.CONSUMER.MSG.NEXT.ORGWATCH_CANDIDATES.>\"], subscribe: [\"_INBOX.>\"] }} }}\n\
         ] }}\n"
    )
}

fn openssl(sandbox: &Sandbox, arguments: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(sandbox.path("")).args(arguments.split_whitespace());
    let ran = command.output().expect("openssl is on the path");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
