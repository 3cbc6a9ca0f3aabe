"""The fields of the kinds of jobs, named after the kind; `kind_settings` says what they mean."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.web.form_fields import Choice, Text, area


class KindForm(forms.Form):
    """What a job of each kind is told; what is left empty is not said."""

    http_url = Text(
        mono=True,
        label=_("Address"),
        widget=forms.TextInput(
            attrs={"inputmode": "url", "placeholder": "https://example.org/health"}
        ),
    )
    # The first is what a request is that says nothing.
    http_method = Choice(
        label=_("Method"),
        choices=[
            ("", "GET"),
            *((one, one) for one in ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
        ],
    )
    http_expected_status = Text(
        label=_("Success is"), help_text=_("Such as 200-299, 404; empty: 200-299")
    )
    http_headers = Text(
        mono=True,
        label=_("Headers"),
        help_text=_("One a line, as Name: value"),
        widget=area(2),
    )
    http_body = Text(
        mono=True,
        label=_("Body"),
        help_text=_("An object or a list is sent as JSON, anything else as text"),
        widget=area(4),
        strip=False,
    )
    http_follow_redirects = forms.BooleanField(required=False, label=_("Follow redirects"))
    # The wrong way round, so that nothing said is the safe choice.
    http_any_certificate = forms.BooleanField(
        required=False, label=_("Accept any TLS certificate, unchecked")
    )
    python_job = Text(
        mono=True,
        label=_("Registered job"),
        widget=forms.TextInput(attrs={"list": "registered"}),
    )
    python_kwargs = Text(
        mono=True,
        label=_("Keyword arguments as JSON"),
        help_text=_('Such as {"days": 7}; empty: none'),
        widget=area(3),
    )
    management_name = Text(
        mono=True,
        label=_("Name of the command"),
        help_text=_("Such as clearsessions"),
    )
    management_args = Text(
        mono=True,
        label=_("Arguments"),
        help_text=_("As in the shell, such as --verbosity 2; empty: none"),
    )
    template_named = Text(
        mono=True,
        label=_("Template"),
        widget=forms.TextInput(attrs={"list": "templates"}),
    )
    template_operation = Choice(
        label=_("Operation"),
        choices=[
            ("", _("Deploy (apply)")),
            ("plan", _("Compare (plan)")),
            ("destroy", _("Destroy")),
        ],
    )
