import pytest

from waggledance.models import get


@pytest.fixture(scope="session")
def weights() -> str:
    """The embedded model's name, with its file here."""
    get("smollm2-135m")
    return "smollm2-135m"
