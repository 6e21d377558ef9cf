#!/usr/bin/env bash
# Start the Docker daemon where it is installed and does not run, and print the engines that answer, on one line.
# Never fails: where none answers, the tests that need one say so. What went wrong is on stderr.
set -uo pipefail

# Asked of the daemon itself: Debian packs the docker command apart from it.
answers() {
    python3 - <<'EOF' >/dev/null 2>&1
import os, socket
host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
kind, _, where = host.partition("://")
if kind == "unix":
    line = socket.socket(socket.AF_UNIX)
    line.connect(where)
else:
    name, _, port = where.partition(":")
    line = socket.create_connection((name, int(port)), timeout=10)
line.settimeout(10)
line.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
said = b""
while data := line.recv(4096):
    said += data
assert said.endswith(b"OK")
EOF
}
log="${TMPDIR:-/tmp}/referee-dockerd.log"

start() {
    # A machine without systemd may not have mounted what limits memory.
    if [ -z "$(ls /sys/fs/cgroup 2>/dev/null)" ] && command -v cgroupfs-mount >/dev/null; then
        cgroupfs-mount
    fi
    nohup dockerd "$@" >"$log" 2>&1 </dev/null &
    local daemon=$!
    for _ in $(seq 120); do
        answers && return 0
        kill -0 "$daemon" 2>/dev/null || return 1
        sleep 0.5
    done
    kill "$daemon" 2>/dev/null
    return 1
}

if ! answers; then
    if ! command -v dockerd >/dev/null; then
        echo "Docker is not installed" >&2
    elif [ "$(id -u)" -ne 0 ]; then
        echo "Docker does not answer, and only root may start it" >&2
    # Boxes have no network, so a host without iptables or bridges will do; building from a pulled base may then not.
    elif ! { command -v systemctl >/dev/null && systemctl start docker 2>/dev/null && answers; } &&
        ! start && ! start --iptables=false --bridge=none; then
        echo "dockerd does not start: $(tail -n 1 "$log")" >&2
    fi
fi

engines=()
answers && engines+=(docker)
command -v podman >/dev/null && podman info >/dev/null 2>&1 && engines+=(podman)
command -v bwrap >/dev/null && bwrap --unshare-all --ro-bind / / true 2>/dev/null && engines+=(bubblewrap)
echo "${engines[*]:-}"
