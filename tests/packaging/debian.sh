#!/bin/bash
# Run by `cargo xtask dist --test` as root in a Debian below systemd, with the packages in /packages: the
# package is installed, starts, learns, is upgraded, removed and purged, and its state outlives all of it.
exec > /packages/log 2>&1
set -eux -o pipefail
trap 'systemctl status orgwatch; journalctl --no-pager -u orgwatch | tail -40' ERR

export DEBIAN_FRONTEND=noninteractive
state=/var/lib/private/orgwatch/orgwatch.state

ok() { echo "ok: $*"; }

ready() {
    for _ in $(seq 100); do
        orgwatch health && return
        sleep 0.2
    done
    return 1
}

# Sends the sample incident, and prints the status of the answer.
send() {
    exec 3<> /dev/tcp/127.0.0.1/6003
    printf 'POST / HTTP/1.1\r\nHost: 127.0.0.1:6003\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' \
        "$(stat -c %s /packages/incident.ndjson)" >&3
    cat /packages/incident.ndjson >&3
    head -1 <&3 | cut -d' ' -f2
    exec 3>&-
}

found() { wc -l < /var/lib/private/orgwatch/findings.ndjson; }

dpkg --install /packages/first.deb
systemctl is-enabled orgwatch
ready
pid=$(systemctl show --property=MainPID --value orgwatch)
[ "$(stat -c %U "/proc/$pid")" = orgwatch ]
[ "$(stat -c '%U:%G %a' /etc/orgwatch)" = 'root:orgwatch 750' ]
ok "installed: it runs as the user orgwatch and is ready"

# Settings of an administrator: findings into a file, since there is no Vector.
cat > /etc/orgwatch/serve.yaml <<'YAML'
listen: 127.0.0.1:6003
out: /var/lib/orgwatch/findings.ndjson
YAML
cp /etc/orgwatch/serve.yaml /root/serve.yaml
systemctl restart orgwatch
ready
[ "$(send)" = 200 ]
findings=$(found)
[ "$findings" -gt 10 ]
ok "the sample incident gives $findings findings"

dpkg --install /packages/next.deb
ready
[ "$(dpkg-query --show --showformat='${Version}' orgwatch)" != '0.1.0-1' ]
newer=$(systemctl show --property=MainPID --value orgwatch)
[ "$newer" != "$pid" ]
cmp /etc/orgwatch/serve.yaml /root/serve.yaml
[ "$(send)" = 200 ]
[ "$(found)" = "$findings" ]
ok "upgraded: it was restarted, kept its settings, and finds nothing twice"

dpkg --remove orgwatch
[ ! -e /usr/bin/orgwatch ]
! systemctl is-active orgwatch
[ -s "$state" ]
cmp /etc/orgwatch/serve.yaml /root/serve.yaml
ok "removed: the service is gone; state and settings are left"

dpkg --install /packages/first.deb
ready
[ "$(send)" = 200 ]
[ "$(found)" = "$findings" ]
ok "installed again: it goes on with its state, and finds nothing twice"

dpkg --purge orgwatch
[ ! -e /etc/orgwatch/serve.yaml ]
[ ! -e /var/cache/private/orgwatch ]
[ -s "$state" ]
ok "purged: settings and cache are gone; the state is left"
ok "all of it"
