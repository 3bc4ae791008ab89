"""The messages of requests whose prompts are the conversations in a file."""

from relayload.core.traffic.arrivals import Arrival
from relayload.core.traffic.dialogue_writer import DialogueWriter
from relayload.core.traffic.dialogues import Dialogue, Message, format_tokens
from relayload.core.traffic.draws import Draws
from relayload.core.traffic.prompts import Wording
from relayload.core.traffic.prose import Prose
from relayload.profile.prompt_texts import ChooseDialogue
from relayload.profile.scenario import Scenario
from relayload.profile.tokenizer import count_tokens


class DialogueComposer:
    """Writes the messages of one scenario. An arrival sends a conversation at once, or in the scenario's turns."""

    def __init__(self, seed: int, scenario: Scenario, choose: ChooseDialogue, prose: Prose) -> None:
        self._seed = seed
        self._choose = choose
        self._in_turns = scenario.conversation is not None
        self._first = DialogueWriter(Wording(scenario.nonce, scenario.shared_prefix), count_tokens, prose)
        self._later = DialogueWriter(Wording(nonce=False), count_tokens, prose)

    def turns(self, arrival: Arrival) -> int:
        """Return how many turns the arrival's conversation has."""
        return len(self._of(arrival).turns)

    def messages(self, arrival: Arrival, tokens: int | None) -> list[Message]:
        """Return the messages of the first request, cut or filled to that many tokens if given."""
        dialogue = self._of(arrival)
        messages = dialogue.turns[0] if self._in_turns else dialogue.messages
        return self._first.write(messages, tokens, Draws(self._seed, arrival.index))

    def later_messages(self, arrival: Arrival, turn: int, tokens: int | None) -> list[Message]:
        """Return what a later turn adds, of that many tokens without the chat format. The nonce is in the history."""
        messages = self._of(arrival).turns[turn]
        whole = None if tokens is None else tokens + format_tokens(len(messages))
        return self._later.write(messages, whole, Draws(self._seed, arrival.index, turn))

    def _of(self, arrival: Arrival) -> Dialogue:
        """Return the arrival's conversation, which is the same for all its turns."""
        return self._choose(arrival.index, Draws(self._seed, arrival.index))
