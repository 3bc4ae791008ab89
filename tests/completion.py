"""What small relays of tests answer: a completion of a word, and the list of their models."""

COMPLETION = {
    "id": "none",
    "object": "chat.completion",
    "created": 0,
    "model": "o3",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 100, "total_tokens": 200},
}
MODELS = {"object": "list", "data": [{"id": "o3", "object": "model"}]}
