"""The conversation of one run: look up the connection, register, follow a call that broke."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from threading import Thread
from typing import Any
from urllib.parse import quote

from jobs.domain.errors import InvalidError
from jobs.domain.masking import Mask
from jobs.domain.states import Stream
from jobs.domain.tumblebug import TumblebugServer, Vocabulary
from jobs.executors.base import Chunk
from jobs.executors.http_exchange import Outcome
from jobs.executors.http_line import CutError, Line
from jobs.executors.tumblebug_client import Answer, BrokenError, Client, UnreachableError
from jobs.executors.tumblebug_faults import Fault, connection_missing, fault_of, known_fault, said
from jobs.executors.tumblebug_result import Summary, summary_of
from jobs.executors.tumblebug_spec import TumblebugSpec

QUICK_SECONDS = 30.0  # for an answer that the server has at hand
FIRST_LOOK_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 10.0
# So often in a row a server may be away while a call is followed: restarts take a while.
MOST_MISSES = 12
_UNSUPPORTED_VM = re.compile(r"unsupported option:? '?vm'?", re.IGNORECASE)


class Call(Thread):
    """A thread that ends on its own, at the latest when its line is cut."""

    def __init__(
        self,
        spec: TumblebugSpec,
        server: TumblebugServer,
        line: Line,
        mask: Mask,
        name: str,
        tell: Callable[[Chunk | Outcome], None],
    ) -> None:
        """Take what to do, and where to report: pieces for the log, and at last an Outcome."""
        super().__init__(name="tumblebug-call", daemon=True)
        self._spec = spec
        self._server = server
        self._line = line
        self._mask = mask
        self._request_id = f"{name}-{secrets.token_hex(4)}"
        self._tell = tell
        self._client = Client(server, line)

    def run(self) -> None:
        """Register, and tell the outcome, whatever happens."""
        outcome = Outcome(fault="The call was ended")
        try:
            self._look_up()
            outcome = self._judged(self._registered())
        except Fault as fault:
            advice = {"advice": dict(fault.advice)} if fault.advice else None
            outcome = Outcome(fault=fault.sentence, result=advice)
        except (InvalidError, UnreachableError) as error:
            outcome = Outcome(fault=str(error))
        except CutError:
            pass
        except Exception as error:  # noqa: BLE001 - the supervisor waits for an outcome
            outcome = Outcome(fault=f"The call failed ({type(error).__name__})")
        finally:
            self._line.close()
            outcome.fault = self._mask.text(outcome.fault)
            self._tell(outcome)

    def _look_up(self) -> None:
        """Fail at once where the named connection does not exist: the call itself takes minutes."""
        if not self._spec.connection_name:
            return
        try:
            answer = self._client.get("/connConfig?filterVerified=true", read_seconds=QUICK_SECONDS)
        except BrokenError as error:
            self._note(f"the connections could not be looked up: {error}")
            return
        if answer.status in {401, 403, 429}:
            raise fault_of(answer, self._spec.connection_name)
        names = connection_names(answer.document)
        if not answer.is_good or names is None:
            self._note(f"the connections could not be looked up: {answer.status} {answer.reason}")
        elif self._spec.connection_name not in names:
            self._note(f"connections there are: {', '.join(names) or 'none'}")
            raise connection_missing(self._spec.connection_name)

    def _registered(self) -> object:
        """Return the document of the call's end."""
        machine = "node" if self._server.vocabulary is Vocabulary.INFRA else "vm"
        answer = self._post(machine)
        if (
            self._server.vocabulary is Vocabulary.AUTO
            and not answer.is_good
            and _UNSUPPORTED_VM.search(answer.message)
        ):
            self._note("the server speaks of nodes, asked again in its words")
            answer = self._post("node")
        if not answer.is_good:
            raise fault_of(answer, self._spec.connection_name)
        return answer.document

    def _post(self, machine: str) -> Answer:
        self._note(f"> POST {self._server.url}/registerCspResources, request {self._request_id}")
        try:
            answer = self._client.post(
                "/registerCspResources",
                query=self._query(machine),
                body=self._body(),
                headers={"x-request-id": self._request_id},
                read_seconds=self._server.read_timeout.total_seconds(),
            )
        except BrokenError as error:
            self._note(f"the connection ended ({error}); the call is followed by its id")
            return self._followed(str(error))
        self._note(f"< {answer.status} {answer.reason}".rstrip())
        return answer

    def _query(self, machine: str) -> dict[str, str]:
        chosen = [machine if word == "vm" else word for word in self._spec.options]
        query = {"option": ",".join(chosen)} if chosen else {}
        # Always given: a server that gets no flag takes it for "n", whatever its guide says.
        return query | dict.fromkeys(self._names("Flag"), self._spec.mci_flag)

    def _body(self) -> dict[str, str]:
        spec = self._spec
        named = {"provider": spec.provider, "region": spec.region, "zone": spec.zone}
        return {
            "nsId": spec.ns_id,
            "connectionName": spec.connection_name,
            **{name: value for name, value in named.items() if value},
            **dict.fromkeys(self._names("NamePrefix"), spec.mci_name_prefix),
        }

    def _names(self, what: str) -> list[str]:
        """Return a field's name in the server's words; in both, as unknown ones are passed over."""
        words = {"mci": f"mci{what}", "infra": f"infra{what}"}
        known = self._server.vocabulary
        return list(words.values()) if known is Vocabulary.AUTO else [words[known]]

    def _followed(self, why: str) -> Answer:
        """Ask for the request until it has ended; the job's time limit is what ends the asking."""
        pause, misses = FIRST_LOOK_SECONDS, 0
        while True:
            self._line.pause(pause)
            pause = min(pause * 2, LONGEST_LOOK_SECONDS)
            try:
                answer = self._client.get(
                    f"/request/{quote(self._request_id)}", read_seconds=QUICK_SECONDS
                )
            except (BrokenError, UnreachableError) as error:
                misses += 1
                if misses >= MOST_MISSES:
                    raise Fault(f"The connection to CB-Tumblebug ended: {why}; {error}") from None
                continue
            misses = 0
            found = self._end_of(answer, why)
            if found is not None:
                return found

    def _end_of(self, answer: Answer, why: str) -> Answer | None:
        """Return the answer of a followed request; None while it goes on."""
        told = answer.document if isinstance(answer.document, dict) else {}
        if not answer.is_good:
            raise Fault(
                f"The connection to CB-Tumblebug ended: {why}; and it does not know the request "
                f"({answer.status} {answer.reason})"
            )
        match told.get("status"):
            case "Success":
                self._note("< the call has ended well")
                return Answer(status=200, reason="OK", document=told.get("responseData"))
            case "Error":
                text = str(told.get("errorResponse") or "")
                raise known_fault(text, self._spec.connection_name) or said(text)
        return None

    def _judged(self, document: object) -> Outcome:
        """Return the verdict on a result: what failed inside it is not hidden by its status."""
        found = summary_of(document, self._spec.connection_name)
        if found is None:
            raise Fault("CB-Tumblebug's answer is not the result of a registration")
        self._tell(Chunk(Stream.STDOUT, self._mask.text(found.table()).encode("utf-8", "replace")))
        result: dict[str, Any] = self._mask.value(found.as_json())
        if found.has_errors and (self._spec.partial == "fail" or not found.registered):
            fault = self._fault_in(found)
            advice = {"advice": dict(fault.advice)} if fault.advice else {}
            return Outcome(fault=fault.sentence, result=result | advice)
        return Outcome(message=found.sentence, result=result, warnings=list(found.warnings))

    def _fault_in(self, found: Summary) -> Fault:
        """Return why, as the clouds say it; else how much failed."""
        for text in found.warnings:
            known = known_fault(text, self._spec.connection_name)
            if known is not None:
                return known
        first = next(iter(found.warnings), "")
        count = f"{found.registered} resources registered, {found.failed} failed"
        return Fault(f"{count}: {first}" if first else count)

    def _note(self, text: str) -> None:
        shown = "".join(c if c.isprintable() else " " for c in text)
        line = f"{self._mask.text(shown)}\n"
        self._tell(Chunk(Stream.SYSTEM, line.encode("utf-8", "replace")))


def connection_names(document: object) -> list[str] | None:
    """Return the names in an answer of /connConfig; None when it is none."""
    listed = document.get("connectionconfig") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None
    names = (one.get("configName") for one in listed if isinstance(one, dict))
    return [name for name in names if isinstance(name, str) and name]
