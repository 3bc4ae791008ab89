"""Makes a tiny language model with random weights, for tests with a real server, in whose environment it runs.

    .gateways/transformers/bin/python benchmarks/tiny_model.py FOLDER SEED

Random weights make all tokens about as likely as each other, so the last layer is scaled until the entropy of the next
token is below 3 bits, as that of a trained model is. The same seed makes the same model.
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

MOST_BITS = 2.5
WORDS = [first + vowel + last for first in "bdfgklmnprst" for vowel in "aeiou" for last in "nrst"]
SPECIAL = ["<unk>", "<s>", "</s>"]
TEMPLATE = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
SAMPLES, LENGTH = 64, 24


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer that knows some words, and letters; everything else is one unknown token."""
    letters = [chr(code) for code in range(33, 127)]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *letters, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(pattern="", behavior="isolated")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE
    )


def model(vocabulary_size: int, seed: int) -> LlamaForCausalLM:
    """Return a model whose next token has an entropy of at most MOST_BITS."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=2048, bos_token_id=1, eos_token_id=None, initializer_range=0.5,
    )  # fmt: skip
    made = LlamaForCausalLM(config).eval()
    prompts = torch.randint(len(SPECIAL), vocabulary_size, (SAMPLES, LENGTH))
    with torch.no_grad():
        while _bits(made, prompts) > MOST_BITS:
            made.lm_head.weight *= 1.2
    made.generation_config.update(do_sample=True, temperature=1.0, top_k=0)  # else its server takes the likeliest token
    return made


def _bits(made: LlamaForCausalLM, prompts: torch.Tensor) -> float:
    """Return the mean entropy of the next token."""
    shares = made(prompts).logits[:, -1].softmax(-1)
    return float(-(shares * shares.clamp_min(1e-30).log2()).sum(-1).mean())


def main(folder: Path, seed: int) -> None:
    words = tokenizer()
    made = model(len(words), seed)
    made.save_pretrained(folder)
    words.save_pretrained(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
