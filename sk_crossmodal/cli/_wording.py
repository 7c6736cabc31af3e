"""Messages of the package in the words of a command: its flags in place of Python's parameters."""

import argparse
import re
import shlex
from collections.abc import Sequence

from ._training_config import choices, parameters_of, tower_class

# Parameters of Python whose flag has another name.
_FLAGS = {
    "class_labels_csv": "class_labels",
    "handle_unknown": "unknown_labels",
    "hierarchy": "vocabulary",
    "max_epochs": "epochs",
    "n_examples": "examples",
    "n_jobs": "jobs",
    "ontology_json": "vocabulary",
    "random_state": "seed",
    "vocabulary_csv": "vocabulary",
}
# Advice that only Python can follow, and its counterpart.
_WIDTHS = r"such as modalities=\{[^}]*\}"
_ADVICE = (
    (r"\bin modalities\b", "in `modalities`"),
    (r", or give paths as tuples of names", ""),
    (r"as_multimodal\(X, rates=\.\.\.\)", "`rates`"),
    (r"; select others\.", "; convert one of them first with others in `modalities`."),
    (r"\bload_tfrecords\(", "in Python, load_tfrecords("),
    (r"give features=\.", "in Python, load_tfrecords has features for others."),
    (rf" If X has several modalities side by side, give their widths, {_WIDTHS}\.", ""),
    (rf", or give its width, {_WIDTHS}", ""),
    (rf": give each as an array, .*, {_WIDTHS}", "; --fusion late needs one only"),
)
_CALL = r"\w+\([^()]*\)"  # calls and the user's own paths stay as they are
_PATH = re.compile(r"(?!-).*([/=_]|\.[A-Za-z]).*", re.DOTALL)
_ASSIGNED = re.compile(
    r"(?<![\w./=-])`?(?P<name>[a-z]\w*)=(?P<value>'[^']*'|\"[^\"]*\"|\[[^\]]*\]|[\w.+-]*\w)`?(?![\w/])"
)
_SUBJECT = re.compile(
    r"(?:^|(?<=[.:;] ))(?P<name>(?!ids |labels )[a-z]\w*)(?=(?:\[[^]]*\])? must )"
)
_NAMED = re.compile(r"(?<![\w./='\"-])(?P<quote>`?)(?P<name>[a-z]\w*)(?P=quote)(?![\w='\"/]|\.\w)")


def known_parameters() -> set[str]:
    """Return the parameters of all estimators that train makes."""
    classes = (*choices("family").values(), tower_class())
    return {name for each in classes for name in parameters_of(each)}


class Wording:
    """Translates messages for one command."""

    def __init__(self, args: argparse.Namespace, given: Sequence[str]) -> None:
        self._commands = {name: flags_of(each) for name, each in args.commands.choices.items()}
        self._own = self._commands[args.command]
        self._sets = "set" in self._own
        kept = sorted(filter(_PATH.fullmatch, given), key=len, reverse=True)
        self._kept = re.compile("|".join([_CALL, *map(re.escape, kept)]))

    def __call__(self, text: str) -> str:
        """Return the message; a flag that only another command has is named with that command."""
        for advice, ours in _ADVICE:
            text = re.sub(advice, ours, text)
        kept: list[str] = []

        def keep(part: str) -> str:
            kept.append(part)
            return f"\0{len(kept) - 1}\0"

        text = self._kept.sub(lambda match: keep(match[0]), text)

        def restore(part: str) -> str:
            while "\0" in part:  # a value may contain a path
                part = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], part)
            return part

        text = _SUBJECT.sub(lambda match: keep(self._subject(match["name"])), text)
        text = _ASSIGNED.sub(
            lambda match: keep(self._assigned(match, restore(match["value"]))), text
        )
        return restore(_NAMED.sub(self._named, text))

    def _subject(self, name: str) -> str:
        """Translate the name of a parameter that must be something."""
        if flag := self._own.get(_FLAGS.get(name, name)):
            return flag
        return f"--set {name}" if self._sets and name in known_parameters() else name

    def _assigned(self, match: re.Match[str], value: str) -> str:
        """Translate name=value."""
        name, value = match["name"], _value(value)
        flag = _FLAGS.get(name, name)
        if flag in self._own:
            return _with_value(self._own[flag], value)
        if self._sets and name in known_parameters():
            return f"--set {name}={value}"
        others = (each for each, flags in self._commands.items() if flag in flags)
        if command := next(others, None):
            return f"{_with_value(self._commands[command][flag], value)} with {command}"
        return match[0]

    def _named(self, match: re.Match[str]) -> str:
        """Translate a name alone, which is quoted or cannot be a word of English."""
        flag = _FLAGS.get(match["name"], match["name"])
        if not match["quote"] and "_" not in match["name"]:
            return match[0]
        if flag in self._own:
            return self._own[flag]
        others = (each for each, flags in self._commands.items() if flag in flags)
        if match["quote"] and (command := next(others, None)):
            return f"{self._commands[command][flag]} with {command}"
        return match[0]


def flags_of(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the long flags of a command by the names of their values."""
    return {
        action.dest: flag
        for action in parser._actions
        for flag in action.option_strings[:1]
        if flag.startswith("--")
    }


def _value(text: str) -> str:
    """Return a value in Python as a word in a shell."""
    if text.startswith("["):
        return ",".join(each.strip(" '\"") for each in text.strip("[]").split(","))
    return shlex.quote(text[1:-1]) if text[0] in "'\"" else text


def _with_value(flag: str, value: str) -> str:
    return flag if value == "True" else f"{flag} {value}"
