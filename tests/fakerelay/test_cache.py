from random import Random

from relayload.core.traffic.prose import WORDS
from relayload.fakerelay.cache import PromptCache
from relayload.fakerelay.counting import text_tokens


def prompt(*seeds: str) -> str:
    """A text of a thousand tokens for each seed."""
    return " ".join(word for seed in seeds for word in Random(seed).choices(WORDS, k=1000))


def cached(cache: PromptCache, text: str, model: str = "m") -> int:
    return cache.cached_tokens(model, [text], text_tokens(text))


def test_the_same_prompt_again_is_cached_in_steps_of_128():
    cache, text = PromptCache(), prompt("aaa", "bbb")
    assert cached(cache, text) == 0
    assert cached(cache, text) == 2000 // 128 * 128


def test_only_the_common_beginning_is_cached():
    cache = PromptCache()
    cached(cache, prompt("aaa", "bbb", "ccc", "ddd"))
    found = cached(cache, prompt("aaa", "bbb", "xxx", "ddd"))
    assert found in (1792, 1920)
    assert cached(cache, prompt("yyy", "bbb")) == 0


def test_models_do_not_share_a_cache():
    cache, text = PromptCache(), prompt("aaa", "bbb")
    cached(cache, text, "m")
    assert cached(cache, text, "n") == 0


def test_short_prompts_are_not_cached():
    cache = PromptCache()
    assert [cached(cache, "a short prompt") for _ in range(2)] == [0, 0]
