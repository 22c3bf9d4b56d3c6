"""Hypothesis draws where a mistake is made: the architecture, the place, the framework."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.mutation.measure import FORMS, Planted, places
from tests.mutation.mistakes_behaviour import BEHAVIOUR
from tests.mutation.mistakes_structure import STRUCTURE

MISTAKES = (*STRUCTURE, *BEHAVIOUR)


@st.composite
def planted(draw, mistake, frameworks, forms=FORMS):
    """The mistake in some place of some network."""
    possible = [form for form in forms if places(mistake, *form)]
    arch, variant = draw(st.sampled_from(possible), label="form")
    site = draw(st.sampled_from(places(mistake, arch, variant)), label="step")
    framework = draw(st.sampled_from(where_shown(mistake, frameworks)))
    return Planted(mistake, arch, variant, site, framework)


def where_shown(mistake, frameworks):
    """Those of the frameworks in which the mistake can be made."""
    return [name for name in frameworks if not mistake.only_in or name in mistake.only_in]


def drawn(mistake, frameworks, number, round_of, forms=FORMS):
    """Up to `number` different ones; another `round_of` gives others."""
    if not (where_shown(mistake, frameworks) and any(places(mistake, *form) for form in forms)):
        return []
    found = {}
    options = settings(
        max_examples=number, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @seed(round_of)
    @options
    @given(planted(mistake, frameworks, forms))
    def collect(each):
        found.setdefault((each.arch, each.variant, each.site, each.framework), each)

    collect()
    return list(found.values())
