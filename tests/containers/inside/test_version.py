"""The version of torch that a run insists on is reported to it, and only to it."""

import pytest

pytest.importorskip("torch", reason="needs the cpu extra")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("source", "environment", "wanted"),
    [
        ("", [("REQUIRE_TORCH_PREFIX", "2.9.1")], "2.9.1"),
        ("assert torch.__version__.startswith('2.8.0')", [], "2.8.0"),
        ('if torch.__version__ != "2.7.1+cu128": exit(1)', [], "2.7.1+cu128"),
        ("print(torch.__version__, '2.9.1')", [], None),
        ("", [("TORCH_LOGS", "all"), ("TORCHINDUCTOR_MODE", "2.9.1")], None),
    ],
)
def test_what_is_asked_for_is_reported(inside, source, environment, wanted):
    before, after, told = inside.code(f"""
        import json, torch
        from referee_inside.shim import version
        from referee_inside.shim.patching import used_parts
        before = torch.__version__
        version.ask({environment!r})
        version.learn({source!r})
        assert torch.__version__ >= "2.0"
        print(json.dumps([before, torch.__version__, list(used_parts())]))
    """)
    assert after == (wanted or before)
    assert told == (["torch-version"] if wanted else [])
