"""Passwords: the own one changed, and a first one set by a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from jobs.domain.permissions import Permission
from jobs.services import accounts
from jobs.web import guard
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast

# Django's forms show these. Its Indonesian has two words for a password; ours goes before it.
# ruff: noqa: RUF001 - the apostrophes are Django's, and xgettext reads no escapes
_DJANGOS = (
    gettext_noop("Old password"),
    gettext_noop("New password"),
    gettext_noop("New password confirmation"),
    gettext_noop("Enter the same password as before, for verification."),
    gettext_noop("Your password can’t be too similar to your other personal information."),
    gettext_noop("Your password can’t be a commonly used password."),
    gettext_noop("Your password can’t be entirely numeric."),
    gettext_noop("Your old password was entered incorrectly. Please enter it again."),
    gettext_noop("The two password fields didn’t match."),
    gettext_noop(
        "Please enter a correct %(username)s and password. Note that both fields may be "
        "case-sensitive."
    ),
)

if TYPE_CHECKING:  # generic for the type checker only
    _Form = SetPasswordForm[User]


@guard.form(Permission.READ)
def change(request: AuthedRequest) -> HttpResponse:
    """Ask for the old and a new password; other browsers of the person are logged out by it."""
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    for field in form.fields.values():
        field.widget.attrs["class"] = "in"
    if request.method == "POST" and form.is_valid():
        user = form.save()
        update_session_auth_hash(request, user)
        accounts.note_password(user, address=request.META.get("REMOTE_ADDR", ""))
        text = _("The password is changed. Other browsers are logged out.")
        return toast_on_page(request, Toast(text=text, icon="lock"), url=reverse("overview"))
    status = 422 if form.is_bound else 200
    return render(request, "pages/password.html", {"section": "", "form": form}, status=status)


class PasswordSetView(PasswordResetConfirmView):
    """Take a password from who has the link; it works once."""

    template_name = "registration/password_set.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: _Form) -> HttpResponse:
        """Keep the password, and that it was set."""
        answer = super().form_valid(form)
        accounts.note_password(form.user, address=self.request.META.get("REMOTE_ADDR", ""))
        return answer
