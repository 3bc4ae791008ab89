"""Questions that have a right answer: sums, facts as JSON, and a number at the start of a long prompt."""

import re
from random import Random

from relayload.core.audit.filler import filler
from relayload.core.audit.question import Answered, Question, user, was_cut_before_text
from relayload.core.wire.structured_output import all_fit


def sums(seed: int) -> tuple[Question, ...]:
    """Return small sums, differences and products."""
    return tuple(_sum(number, Random(f"audit:{seed}:sums:{number}")) for number in range(20))


def _sum(number: int, random: Random) -> Question:
    one, other = random.randint(211, 899), random.randint(23, 199)
    wording = random.choice(("What is {}?", "Work out {}.", "Please calculate {}."))
    sign, value = random.choice((("+", one + other), ("-", one - other)))
    if number % 3 == 2:
        one, other = random.randint(12, 99), random.randint(3, 9)
        sign, value = "*", one * other
    return Question(
        id=f"sums:{number}",
        messages=user(f"{wording.format(f'{one} {sign} {other}')} Answer with the number alone."),
        max_output_tokens=200,
        passes=lambda answer: _gives(answer, value, {one, other}),
    )


def _gives(answer: Answered, value: int, asked: set[int]) -> bool | None:
    """Return whether an answer ends with the number, or has no other one beside those of the question."""
    if was_cut_before_text(answer):
        return None
    found = [_value(match) for match in _NUMBER.findall(answer.text)]
    return bool(found) and (found[-1] == value or {each for each in found if each not in asked} == {value})


_NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:[,'’.\u00a0\u202f]\d{3})*(?:\.\d+)?(?!\d)")
"""Numbers with or without separators of thousands."""


def _value(number: str) -> float:
    whole, _, part = re.sub(r"[,'’.\u00a0\u202f](?=\d{3}(?!\d))", "", number.replace("−", "-")).partition(".")
    return float(f"{whole}.{part or 0}")


_PEOPLE = ("Anna", "Bashir", "Chiara", "Dmitri", "Emeka", "Freya", "Guang", "Hanna", "Ivo", "Jamila")
CITIES = ("Oslo", "Lagos", "Turin", "Kyoto", "Quito", "Leipzig", "Hanoi", "Porto", "Tunis", "Perth")
_HOBBIES = ("chess", "sailing", "pottery", "climbing", "cooking", "astronomy")
_PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "city": {"type": "string"},
        "hobbies": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "city", "hobbies"],
    "additionalProperties": False,
}


def extractions(seed: int) -> tuple[Question, ...]:
    """Return sentences whose facts are to be given as JSON of a schema."""
    return tuple(_extraction(number, Random(f"audit:{seed}:json:{number}")) for number in range(10))


def _extraction(number: int, random: Random) -> Question:
    name, city, age = random.choice(_PEOPLE), random.choice(CITIES), random.randint(19, 88)
    one, other = random.sample(_HOBBIES, 2)
    told = f"{name}, who is {age} years old and lives in {city}, likes {one} and {other}."
    return Question(
        id=f"json:{number}",
        messages=user(f"Give the facts of this sentence as JSON with name, age, city and hobbies: {told}"),
        max_output_tokens=300,
        fields={
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "person", "strict": True, "schema": _PERSON},
            }
        },
        passes=lambda answer: _extracts(answer, name, age, city),
    )


def _extracts(answer: Answered, name: str, age: int, city: str) -> bool | None:
    if was_cut_before_text(answer):
        return None
    known = {"name": {"const": name}, "age": {"const": age}, "city": {"const": city}}
    return all_fit([answer.text], {"allOf": [_PERSON, {"properties": known}]})


def needle(kind: str, number: int, seed: int, tokens: int) -> Question:
    """Return a conversation that begins with a number, goes on with other things, and asks for it at its end."""
    random = Random(f"audit:{seed}:{kind}:{number}")
    code = random.randint(100_000, 999_999)
    first, last = filler(tokens * 2 // 3, random), filler(tokens // 3, random)
    return Question(
        id=f"{kind}:{number}",
        messages=[
            {"role": "user", "content": f"The number of my locker is {code}. Here are my notes.\n\n{first}"},
            {"role": "assistant", "content": "Thank you, I have read them."},
            {
                "role": "user",
                "content": f"Here are the others.\n\n{last}\n\nWhat is the number of my locker, which I told "
                "you before the notes? Answer with the number alone.",
            },
        ],
        max_output_tokens=200,
        passes=lambda answer: None if was_cut_before_text(answer) else str(code) in re.sub(r"[\s,.]", "", answer.text),
    )
