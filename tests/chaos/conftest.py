import pytest

pytest.register_assert_rewrite("distributed_run")
