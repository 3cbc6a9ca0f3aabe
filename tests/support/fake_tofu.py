#!/usr/bin/env python3
# mypy: ignore-errors
# ruff: noqa: T201, PTH123 - a program that speaks to a terminal
"""A program that behaves as OpenTofu does, as far as Jobdeck can tell: plain Python, no provider.

Each ``resource "type" "name"`` of the ``*.tf`` files is a resource; ``command = "…"`` of a
``local-exec`` in it is run. ``FAKE_TOFU_SLEEP`` makes each resource take so many seconds,
``FAKE_TOFU_FAIL`` names a verb that fails, ``FAKE_TOFU_CALLS`` a file that gets each command line.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

STATE = Path("terraform.tfstate")
INFO = Path(".terraform.tfstate.lock.info")
RESOURCE = re.compile(r'^resource\s+"(\w+)"\s+"(\w+)"\s*\{(.*?)^\}', re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r'command\s*=\s*"((?:[^"\\]|\\.)*)"')
VARIABLE = re.compile(r'^variable\s+"(\w+)"\s*\{(.*?)\}', re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r'^output\s+"(\w+)"\s*\{\s*value\s*=\s*var\.(\w+)', re.MULTILINE)
asked = []


def main() -> int:
    arguments = sys.argv[1:]
    if calls := os.environ.get("FAKE_TOFU_CALLS"):
        with open(calls, "a", encoding="utf-8") as file:
            file.write(" ".join(arguments) + "\n")
    while arguments and arguments[0].startswith("-chdir="):
        os.chdir(arguments.pop(0).removeprefix("-chdir="))
    if not arguments:
        return usage()
    verb, flags = arguments[0], arguments[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.append(1))
    if os.environ.get("FAKE_TOFU_FAIL") == verb:
        return fail(flags, "The fake was told to fail", f"{verb} does not work today.")
    done = {
        "version": version,
        "init": init,
        "validate": validate,
        "plan": plan,
        "apply": apply,
        "destroy": destroy,
        "output": output,
        "show": show,
        "state": state_verb,
        "force-unlock": force_unlock,
    }.get(verb)
    return usage() if done is None else done(flags)


def usage() -> int:
    print("Usage: tofu [global options] <subcommand> [args]", file=sys.stderr)
    return 1


def version(flags: list[str]) -> int:
    print(json.dumps({"terraform_version": "1.9.9"}) if "-json" in flags else "OpenTofu v1.9.9")
    return 0


def init(flags: list[str]) -> int:
    texts = configuration()
    if texts is None:
        return fail(flags, "Invalid block definition", "A brace is missing.", "main.tf")
    Path(".terraform").mkdir(exist_ok=True)
    Path(".terraform.lock.hcl").write_text("# fake\n")
    colour = "" if "-no-color" in flags else "\033[32m"
    print(f"{colour}OpenTofu has been successfully initialized!")
    return 0


def validate(flags: list[str]) -> int:
    valid = configuration() is not None
    print(json.dumps({"valid": valid}) if "-json" in flags else ("Success!" if valid else "Error"))
    return 0 if valid else 1


def plan(flags: list[str]) -> int:
    if fault := unready(flags):
        return fault
    add, remove = difference()
    for address in add:
        say(flags, "planned_change", f"{address}: Plan to create")
    summary(flags, "plan", len(add), len(remove))
    for flag in flags:
        if flag.startswith("-out="):
            Path(flag.removeprefix("-out=")).write_text(json.dumps({"add": add, "remove": remove}))
    return 2 if "-detailed-exitcode" in flags and (add or remove) else 0


def apply(flags: list[str]) -> int:
    if fault := unready(flags):
        return fault
    add, remove = difference()
    return locked(flags, "OperationTypeApply", lambda: changed(flags, add, remove, "apply"))


def destroy(flags: list[str]) -> int:
    if not Path(".terraform").is_dir():
        return fail(flags, "Initialization required", 'run "tofu init"')
    there = [key(one) for one in state()["resources"]]
    return locked(flags, "OperationTypeApply", lambda: changed(flags, [], there, "destroy"))


def changed(flags: list[str], add: list[str], remove: list[str], operation: str) -> int:
    done = [0, 0]
    for address in [*remove, *add]:
        adds = address in add
        say(flags, "apply_start", f"{address}: {'Creating' if adds else 'Destroying'}...", address)
        code = work(address) if adds else slept()
        if code:
            written(flags, operation, done)
            return fail(flags, "local-exec provisioner error", f"exit status {code}", "main.tf")
        now = state()
        now["resources"] = [one for one in now["resources"] if key(one) != address]
        if adds:
            kind, name = address.split(".")
            now["resources"].append(
                {
                    "mode": "managed",
                    "type": kind,
                    "name": name,
                    "provider": "fake",
                    "instances": [{"schema_version": 0, "attributes": {"id": address}}],
                }
            )
        save(now)
        done[0 if adds else 1] += 1
        say(
            flags,
            "apply_complete",
            f"{address}: {'Creation' if adds else 'Destruction'} complete",
            address,
        )
        if asked:
            print("Interrupt received. Gracefully shutting down...", file=sys.stderr)
            return fail(flags, "execution halted", "interrupted")
    written(flags, operation, done)
    return 0


def written(flags: list[str], operation: str, done: list[int]) -> None:
    now = state()
    texts = "" if operation == "destroy" else (configuration() or "")
    now["outputs"] = {
        name: {"value": os.environ.get(f"TF_VAR_{source}", ""), "type": "string"}
        for name, source in OUTPUT.findall(texts)
    }
    save(now)
    summary(flags, operation, done[0], done[1])


def work(address: str) -> int:
    for kind, name, body in RESOURCE.findall(configuration() or ""):
        if f"{kind}.{name}" == address:
            for line in COMMAND.findall(body):
                line = json.loads(f'"{line}"')
                code = subprocess.run(["/bin/sh", "-c", line], stdout=2).returncode
                if code:
                    return code
    return slept()


def slept() -> int:
    until = time.monotonic() + float(os.environ.get("FAKE_TOFU_SLEEP", "0"))
    while time.monotonic() < until and not asked:
        time.sleep(0.01)
    return 0


def locked(flags: list[str], operation: str, action) -> int:
    wait = next((one.partition("=")[2] for one in flags if one.startswith("-lock-timeout=")), "0s")
    until = time.monotonic() + float(wait.rstrip("s"))
    fresh = not STATE.exists()
    with STATE.open("a+b") as file:
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    return fail(flags, "Error acquiring the state lock", INFO.read_text())
                time.sleep(0.02)
        if fresh:
            save(state())
        INFO.write_text(
            json.dumps(
                {"ID": str(uuid.uuid4()), "Operation": operation, "Who": "a@b", "Created": "now"}
            )
        )
        code = action()
        INFO.unlink(missing_ok=True)
        return code


def state() -> dict:
    try:
        return json.loads(STATE.read_text())
    except (OSError, ValueError):
        empty = {"version": 4, "terraform_version": "1.9.9", "serial": 0}
        return {**empty, "lineage": str(uuid.uuid4()), "outputs": {}, "resources": []}


def save(now: dict) -> None:
    if STATE.exists() and STATE.stat().st_size:
        Path("terraform.tfstate.backup").write_text(STATE.read_text())
    now["serial"] += 1
    # In place, as the lock is on this very file.
    STATE.write_text(json.dumps(now, indent=2))


def output(_flags: list[str]) -> int:
    print(json.dumps(state()["outputs"]))
    return 0


def show(_flags: list[str]) -> int:
    print(json.dumps({"values": {"root_module": {"resources": state()["resources"]}}}))
    return 0


def state_verb(flags: list[str]) -> int:
    if flags[:1] == ["list"]:
        print("\n".join(key(one) for one in state()["resources"]))
        return 0
    if flags[:1] == ["pull"]:
        print(STATE.read_text() if STATE.exists() else "")
        return 0
    return usage()


def force_unlock(_flags: list[str]) -> int:
    INFO.unlink(missing_ok=True)
    return 0


UNSET = (
    'The root module input variable "{}" is not set, and has no default value. '
    "Use a -var or -var-file command line argument to provide a value for this variable."
)


def unready(flags: list[str]) -> int:
    if not Path(".terraform").is_dir():
        return fail(flags, "Initialization required", 'run "tofu init"')
    declared = VARIABLE.findall(configuration() or "")
    for name, body in declared:
        if "default" not in body and f"TF_VAR_{name}" not in os.environ:
            return fail(flags, "No value for required variable", UNSET.format(name), "main.tf")
    return 0


def configuration() -> str | None:
    texts = "\n".join(one.read_text() for one in sorted(Path().glob("*.tf")))
    return texts if texts.count("{") == texts.count("}") else None


def difference() -> tuple[list[str], list[str]]:
    wanted = [f"{kind}.{name}" for kind, name, _ in RESOURCE.findall(configuration() or "")]
    there = [key(one) for one in state()["resources"]]
    return [one for one in wanted if one not in there], [one for one in there if one not in wanted]


def key(resource: dict) -> str:
    return f"{resource['type']}.{resource['name']}"


def summary(flags: list[str], operation: str, add: int, remove: int) -> None:
    changes = {"add": add, "change": 0, "remove": remove, "operation": operation}
    words = f"{operation}: {add} added, 0 changed, {remove} destroyed"
    if "-json" in flags:
        print(
            json.dumps(
                {"@level": "info", "@message": words, "type": "change_summary", "changes": changes}
            )
        )
    else:
        print(words)


def say(flags: list[str], kind: str, words: str, address: str = "") -> None:
    if "-json" in flags:
        hook = {"resource": {"addr": address}}
        print(
            json.dumps({"@level": "info", "@message": words, "type": kind, "hook": hook}),
            flush=True,
        )
    else:
        print(words, flush=True)


def fail(flags: list[str], words: str, detail: str, file: str = "") -> int:
    if "-json" in flags:
        told = {"severity": "error", "summary": words, "detail": detail}
        if file:
            told["range"] = {"filename": file, "start": {"line": 1}}
        line = {
            "@level": "error",
            "@message": f"Error: {words}",
            "type": "diagnostic",
            "diagnostic": told,
        }
        print(json.dumps(line))
    else:
        print(
            f"╷\n│ Error: {words}\n│\n│   on {file or 'main.tf'} line 1:\n│\n│ {detail}\n╵",
            file=sys.stderr,
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
