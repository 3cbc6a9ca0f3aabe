"""A row filled into its mould reads as the template would have drawn it."""

from __future__ import annotations

import re

from django.template import Engine
from django.template.base import Template
from django.test import Client
from django.utils import translation
from django.utils.safestring import SafeString

from jobs.domain.said import said
from jobs.web.mould import mould
from tests.factories import cron, make_job

_ROW = """{% load i18n %}<td title="{% blocktranslate %}Pause {{ name }}{% endblocktranslate %}">\
{{ name }}{% if shown %} {{ badge }}{% endif %}</td>"""
_HOLES = ("name", "badge")


def _template(text: str = _ROW) -> Template:
    return Engine.get_default().from_string(text)


def test_what_is_filled_in_is_escaped_unless_it_is_markup() -> None:
    row = mould(_template(), _HOLES, shown=True)

    filled = row.filled({"name": "<b> & '%s' %", "badge": SafeString("<i>ok</i>")})

    name = "&lt;b&gt; &amp; &#x27;%s&#x27; %"
    assert filled == f'<td title="Pause {name}">{name} <i>ok</i></td>'


def test_a_sentence_is_filled_in_in_the_reader_s_language() -> None:
    row = mould(_template("{{ name }}"), ("name",))

    with translation.override("id"):
        assert row.filled({"name": said("Save")}) == "Simpan"


def test_a_value_that_looks_like_a_hole_stays_as_it_is() -> None:
    row = mould(_template("{{ name }}{{ badge }}"), _HOLES)

    assert row.filled({"name": "\ufdd0badge\ufdd1", "badge": "b"}) == "\ufdd0badge\ufdd1b"


def test_each_branch_and_language_has_a_mould_of_its_own() -> None:
    template = _template()
    values = {"name": "a", "badge": "b"}

    plain = mould(template, _HOLES, shown=False)
    with translation.override("id"):
        other = mould(template, _HOLES, shown=False).filled(values)

    assert mould(template, _HOLES, shown=False) is plain
    assert plain.filled(values) == '<td title="Pause a">a</td>'
    assert other != plain.filled(values)


def test_readers_of_the_list_share_no_buttons_and_no_token(
    viewer_client: Client, editor_client: Client
) -> None:
    make_job(name="nightly", schedules=[cron("0 9 * * *")])

    def rows(client: Client) -> str:
        html = client.get("/jobs/").content.decode()
        return "".join(re.findall(r'<tr id="job-.*?</tr>', html, re.DOTALL))

    shown = {name: [rows(viewer_client), rows(editor_client)] for name in ("first", "again")}

    for seen, edited in shown.values():
        assert ("/run/" in seen, "/edit/" in seen, "csrf" in seen) == (False, False, False)
        assert ("/run/" in edited, "/edit/" in edited, "csrf" in edited) == (True, True, True)
    masked = re.findall(
        r'csrfmiddlewaretoken" value="(\w+)"', "".join(shown["first"] + shown["again"])
    )
    assert len(set(masked)) == 2  # one an answer
