"""What requests say whose prompts are the conversations of a file."""

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
    """An arrival says one conversation as a whole; where the scenario leads conversations, one turn after the other."""

    def __init__(self, seed: int, scenario: Scenario, choose: ChooseDialogue, prose: Prose) -> None:
        self._seed = seed
        self._choose = choose
        self._in_turns = scenario.conversation is not None
        self._first = DialogueWriter(Wording(scenario.nonce, scenario.shared_prefix), count_tokens, prose)
        self._later = DialogueWriter(Wording(nonce=False), count_tokens, prose)

    def turns(self, arrival: Arrival) -> int:
        """How many there are in the arrival's conversation."""
        return len(self._of(arrival).turns)

    def messages(self, arrival: Arrival, tokens: int | None) -> list[Message]:
        """Of the first request, which has so many tokens if they are given."""
        dialogue = self._of(arrival)
        said = dialogue.turns[0] if self._in_turns else dialogue.messages
        return self._first.write(said, tokens, Draws(self._seed, arrival.index))

    def later_messages(self, arrival: Arrival, turn: int, tokens: int | None) -> list[Message]:
        """What a later request adds, of so many tokens without the chat format; a number is in its history."""
        said = self._of(arrival).turns[turn]
        whole = None if tokens is None else tokens + format_tokens(len(said))
        return self._later.write(said, whole, Draws(self._seed, arrival.index, turn))

    def _of(self, arrival: Arrival) -> Dialogue:
        """Whichever turn it is."""
        return self._choose(arrival.index, Draws(self._seed, arrival.index))
