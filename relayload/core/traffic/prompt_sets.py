"""The built-in prompts, by the kind of answer they ask for."""

from collections.abc import Mapping
from types import MappingProxyType

_SIMPLE = (
    "Why does the sky look blue at noon and red at sunset? Two sentences, please.",
    "What is the difference between weather and climate?",
    "Name three rivers that cross more than two countries, with the sea each one ends in.",
    "How long should I boil an egg so that the yolk stays soft?",
    "Translate into French: 'The last train leaves at a quarter to midnight.'",
    "What does a central bank do when prices rise too fast? Explain it to a twelve-year-old.",
    "Suggest five names for a small bakery that sells only sourdough bread.",
    "Which planets can be seen without a telescope, and when is the best time to look?",
    "Write a polite message asking a neighbour to turn the music down after ten.",
    "What is a leap year, and why was 1900 not one?",
    "Summarise the plot of Romeo and Juliet in three sentences.",
    "I have forty minutes, chickpeas, spinach and rice. What can I cook?",
    "What is the capital of Mongolia, and how many people live there, roughly?",
    "Give me a short packing list for a weekend of hiking in spring.",
    "How do noise-cancelling headphones work?",
    "Is a tomato a fruit or a vegetable? Answer for a botanist and for a cook.",
)

_CODE = (
    "Write a Python function that merges overlapping intervals given as (start, end) pairs. Include type hints.",
    "Implement a least-recently-used cache in Python with O(1) get and put, without functools. Show a short example.",
    "Write a SQL query that returns, for each customer, the three most recent orders with their totals. PostgreSQL.",
    "This JavaScript code leaks memory: it adds a listener in every render and never removes one. Show the pattern "
    "in ten lines and fix it.",
    "Write a Rust function that reads a CSV file line by line and returns the sum of its second column, with proper "
    "errors instead of panics.",
    "Refactor this Python code to avoid the nested loops:\n\n```python\npairs = []\nfor a in left:\n    for b in right:"
    "\n        if a['id'] == b['id']:\n            pairs.append((a, b))\n```",
    "Implement a token bucket rate limiter in Go that is safe for concurrent use. Comment on the refill rule.",
    "Write unit tests with pytest for a function `slugify(text: str) -> str`. Cover accents and empty text.",
    "Write a Bash script that deletes log files older than fourteen days below a directory, but never follows "
    "symbolic links. Explain each flag in the code.",
    "Implement a trie in TypeScript with insert, search and startsWith. Then state the complexity of each method.",
    "Find the bug in this code and explain it:\n\n```python\ndef append_to(item, items=[]):\n    items.append(item)\n"
    "    return items\n```",
    "Write a C function that reverses the words of a string in place, without allocating memory.",
    "Write Python code that walks a directory tree and reports duplicate files by content, reading each file once.",
    "Implement Dijkstra's shortest path in Java with a priority queue. Return the path, and not only its length.",
    "Write a SQL migration that splits a `name` column into `first_name` and `last_name` without locking the table "
    "for long, and the code that keeps both in step meanwhile.",
    "Write a Python async function that fetches a list of URLs with at most ten requests in flight and retries each "
    "failure twice.",
)

_MATH_PROOF = (
    "Prove that the square root of 2 is irrational. Then say which step fails for the square root of 4.",
    "Prove that there are infinitely many prime numbers of the form 4k + 3.",
    "Prove by induction that the sum of the first n odd numbers is n squared, and give a second, geometric proof.",
    "Prove that every bounded sequence of real numbers has a convergent subsequence.",
    "Let G be a finite group of order p squared, with p prime. Prove that G is abelian.",
    "Prove the inequality between the arithmetic and the geometric mean for n positive numbers, without Jensen.",
    "Prove that a continuous real map on a closed interval is uniformly continuous there.",
    "Prove that in any party of six people there are three who all know each other or three who are all strangers. "
    "Show that five people are not enough.",
    "State and prove Fermat's little theorem. Then use it to find the last digit of 7 to the power of 222.",
    "Prove that the rational numbers are countable and that the real numbers are not.",
    "Prove that a graph is bipartite if and only if it holds no cycle of odd length.",
    "Let f be differentiable on the real line with f' = f and f(0) = 1. Prove that f(x + y) = f(x) f(y).",
    "Prove that the harmonic series diverges, and that the sum of the reciprocals of the squares does not.",
    "Prove the Cauchy-Schwarz inequality in a real inner product space and say when equality holds.",
    "Prove that the eigenvalues of a real symmetric matrix are real and that eigenvectors of different eigenvalues "
    "are orthogonal.",
    "Prove that every integer greater than 1 is a product of primes in one way only, up to their order.",
)

_IMAGE_REASONING = (
    "Describe the pattern in this picture and say how it would go on to the right. Reason step by step.",
    "Which colour covers most of this picture? Explain how you compare the areas.",
    "Compare the upper left corner of this picture with the lower right one.",
    "Estimate how many stripes this picture has, and explain how you count them.",
    "If this picture were a flag, which rules of good flag design would it break, and why?",
    "Is this picture symmetric in any way? Name every axis you can find, or show that there is none.",
    "Order the colours of this picture from warm to cold and justify each step.",
    "What would this picture look like turned by 90 degrees? Say what changes and what does not.",
    "Which two neighbouring areas of this picture differ least in brightness? Explain how you decide.",
    "Describe this picture so exactly that somebody could draw it without having seen it.",
    "How could this picture be stored in the fewest bytes? Reason from what you see.",
    "Could this picture be the output of a simple program? Write down what it would do.",
)

SETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"simple": _SIMPLE, "code": _CODE, "math_proof": _MATH_PROOF, "image_reasoning": _IMAGE_REASONING}
)
