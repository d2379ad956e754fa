"""Compare what the model and the Rust core list: codes, methods, parameters, limits."""

from trine._core import registry
from trine.model import limits
from trine.model.calls import METHODS, MODULES
from trine.model.parameters import PARAMETERS
from trine.model.verdicts import numbers


def test_codes_have_the_same_numbers_and_names() -> None:
    # Goal: one list of verdicts. Method: compare both.
    assert numbers() == dict(registry.codes())


def test_methods_have_the_same_numbers_and_names() -> None:
    # Goal: one list of methods. Method: compare both.
    methods = [
        (module, MODULES[module], method, kind.method_name)
        for (module, method), kind in sorted(METHODS.items())
    ]
    assert methods == sorted(registry.methods())


def test_parameters_are_the_same() -> None:
    # Goal: one list of parameters. Method: compare names, defaults and ranges in order.
    assert [tuple(rule) for rule in PARAMETERS] == registry.parameters()


def test_limits_are_the_same() -> None:
    # Goal: no limit differs. Method: compare those that both name; a node has more.
    core = dict(registry.limits())
    model = {name: value for name, value in vars(limits).items() if name in core}
    assert model == {name: core[name] for name in model}
    assert len(model) >= 18
