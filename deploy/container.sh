#!/bin/sh
# What a container runs: `serve` (with its options) brings the tables up to date first, `worker` is one
# more cluster named like its container, and any other word is a command of manage.py.
set -eu
cd "$(dirname "$0")/.."
case "${1-}" in
serve)
    # As process 1 the shell would ignore SIGTERM: it passes it on, and waits for the end.
    python manage.py setup &
    setup=$!
    trap 'kill "$setup" 2>/dev/null' TERM INT
    wait "$setup" || { code=$?; wait "$setup" || true; exit "$code"; }
    trap - TERM INT
    ;;
worker)
    shift
    set -- serve --cluster "$(hostname)" "$@"
    ;;
esac
# exec: SIGTERM must reach the supervisor itself.
exec python manage.py "$@"
