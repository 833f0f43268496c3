"""The pages, who may open which, and the person who is looking at them."""

from collections.abc import Callable

import streamlit as st

from sidelight.apps.ui.context import Context, get_context
from sidelight.apps.ui.desk import Desk, Sight
from sidelight.apps.ui.guard import guarded
from sidelight.apps.ui.look import KEYS_AT_REST, page_icon, style
from sidelight.apps.ui.people import Person, operating_system_user

from .adjudicate import adjudicate_page
from .agreement import agreement_page
from .label import label_page
from .model import model_page
from .monitoring import monitoring_page
from .slices import slices_page
from .workbench import workbench_page

SCREENS: tuple[tuple[str, str, str, str, Callable[[Desk], None]], ...] = (
    ("label", "Label", ":material/edit_note:", "annotator", label_page),
    ("adjudicate", "Adjudicate", ":material/balance:", "adjudicator", adjudicate_page),
    ("agreement", "Agreement", ":material/group:", "adjudicator", agreement_page),
    ("workbench", "Workbench", ":material/build:", "developer", workbench_page),
    ("model", "Label model", ":material/tune:", "developer", model_page),
    ("slices", "Audit", ":material/fact_check:", "developer", slices_page),
    ("monitoring", "Monitoring", ":material/notifications_active:", "developer", monitoring_page),
)
"""Path, title, icon, the role that may open it, and the page; a page added here has its place in the navigation."""


def run() -> None:
    """Show the app to whoever is there."""
    context = get_context()
    st.set_page_config(
        page_title=f"sidelight: {context.workspace.name}", page_icon=page_icon(), layout="wide"
    )
    st.html(style(st.context.theme.type or "light"))
    st.html(KEYS_AT_REST, unsafe_allow_javascript=True)
    person = who_is_there(context)
    if person is None:
        return
    desk = Desk(context, person, st.session_state.setdefault("sight", Sight()))
    pages = [
        st.Page(_bound(page, desk), title=title, icon=icon, url_path=path, default=position == 0)
        for position, (path, title, icon, role, page) in enumerate(
            entry for entry in SCREENS if person.may(entry[3])
        )
    ]
    if not pages:
        st.warning(
            f"{person.name} has no role here. Whoever runs this server can give one.", icon=":material/lock:"
        )
        return
    st.navigation(pages, position="top").run()


def who_is_there(context: Context) -> Person | None:
    """Return the person the login names; when there is none yet, show how to log in and return None."""
    login = context.login
    if login.kind == "os":
        return context.roles.of(operating_system_user(), local=True)
    if login.kind == "header":
        name = st.context.headers.get(login.header)
        if not name:
            st.error("The proxy in front of this page did not say who you are.", icon=":material/lock:")
            return None
        return context.roles.of(name, local=False)
    if not st.user.is_logged_in:
        st.html('<p class="top"><b>sidelight</b> Please log in first.</p>')
        st.button("Log in", on_click=st.login, type="primary")
        return None
    verified = st.user.get("email_verified") is not False  # an address nobody checked proves nothing
    identity = (st.user.get("email") if verified else None) or st.user.get("sub")
    return context.roles.of(str(identity), local=False)


def _bound(page: Callable[[Desk], None], desk: Desk) -> Callable[[], None]:
    """Return the page as a function of its own, wrapped so that no word of a record leaves through an error."""

    def show() -> None:
        guarded(page)(desk)

    return show
