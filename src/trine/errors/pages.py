"""Define the exceptions of the web pages of applications: signing in, forms, roles."""

from trine.errors.base import BadInput, LocalRefusal, Unavailable


class SignInNeeded(LocalRefusal):
    """The page is for people who are signed in; a session ends after some time."""


class LinkSpent(LocalRefusal):
    """The link to sign in is unknown, was used, or is too old."""


class NotYourPage(LocalRefusal):
    """The page is for people in another role."""


class FormNotOurs(LocalRefusal):
    """The form does not come from a page of this session."""


class FormTooLarge(BadInput):
    """A form has more bytes or fields than is read, or is not written as forms are."""


class PageNotFound(BadInput):
    """There is no such page."""


class TooManySessions(Unavailable):
    """As many people are signed in, or links wait, as this program allows."""
